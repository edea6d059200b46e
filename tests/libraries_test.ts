/** What our code relies on of `@std/cli` and `@std/ini`: holds for them and for the npm packages in their place. */
import { parseArgs } from "@std/cli/parse-args";
import { parse } from "@std/ini";
import { assertEquals } from "./kit/assert.ts";

const read = (...args: string[]) => {
  const unknown: string[] = [];
  const parsed = parseArgs(args, {
    string: ["config"],
    boolean: ["hooks", "json"],
    alias: { c: "config", k: "hooks" },
    collect: ["config"],
    unknown: (arg: string) => {
      if (arg.startsWith("-")) unknown.push(arg);
      return true;
    },
  });
  return { config: parsed.config, hooks: parsed.hooks, json: parsed.json, _: parsed._, unknown };
};

const argumentRows: [args: string[], want: Partial<ReturnType<typeof read>>][] = [
  [[], { config: [], hooks: false, json: false, _: [] }],
  [["-c", "/a", "cron"], { config: ["/a"], _: ["cron"] }],
  [["--config", "/a", "cron"], { config: ["/a"], _: ["cron"] }],
  [["--config=/a", "cron"], { config: ["/a"], _: ["cron"] }],
  [["cron", "-c/a"], { config: ["/a"], _: ["cron"] }],
  [["cron", "-kc", "/a"], { config: ["/a"], hooks: true, _: ["cron"] }],
  [["-k", "cron", "-c", "/a"], { config: ["/a"], hooks: true, _: ["cron"] }],
  [["-c", "/a", "-c", "/b", "cron"], { config: ["/a", "/b"], _: ["cron"] }],
  [["-c", "007", "cron"], { config: ["007"] }],
  [["-c"], { config: [""] }],
  [["cron", "--json"], { json: true }],
  [["cron", "now"], { _: ["cron", "now"] }],
  [["--wrong", "cron"], { unknown: ["--wrong"] }],
  [["-x", "cron"], { unknown: ["-x"] }],
  [["--no-hooks", "cron"], { unknown: ["--no-hooks"], hooks: false }],
];
for (const [args, want] of argumentRows) {
  Deno.test(`parseArgs() reads "${args.join(" ")}"`, () => {
    const found = read(...args);
    for (const [name, value] of Object.entries(want)) {
      assertEquals(found[name as keyof typeof found], value, name);
    }
  });
}

Deno.test("parse() gives quoted, marked and percent-encoded values back as strings, by section", () => {
  const words = [
    "",
    "007",
    "true",
    "null",
    "a b",
    'a"b',
    "a\\b",
    "a;b#c",
    "a=b",
    "é\u{1f512}",
    "l1\nl2",
    "'x'",
    "%",
  ];
  const text = words.map((word, i) => `k${i} = "_${encodeURIComponent(word)}"`).join("\n");
  const parsed = parse<Record<string, unknown>>(`${text}\n[one]\n${text}\n[two]\nk0 = "_x"\n`);
  const holders = [parsed, parsed.one] as Record<string, string>[];
  for (const holder of holders) {
    assertEquals(words.map((_, i) => typeof holder[`k${i}`]), words.map(() => "string"));
    assertEquals(words.map((_, i) => decodeURIComponent(holder[`k${i}`].slice(1))), words);
  }
  assertEquals({ ...parsed.two as object }, { k0: "_x" });
});
