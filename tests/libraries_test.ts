/** What our code relies on of `@std/cli` and `@std/ini`: holds for them and for the npm packages in their place. */
import { parseArgs } from "@std/cli/parse-args";
import { parse } from "@std/ini";
import { assertEquals, assertThrows } from "./kit/assert.ts";

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

/** The sources of `@std/ini`, where JSR can't be reached: the path of its parse.ts. */
const standard = Deno.env.get("STD_INI");
const parsers: [name: string, load: () => Promise<typeof parse> | typeof parse, ignore?: boolean][] = [
  ["parse()", () => parse],
  [
    standard ? "@std/ini's own parse()" : "@std/ini's own parse() (SKIPPED: STD_INI names no sources)",
    async () => (await import(new URL(standard!, "file:///").href)).parse,
    !standard,
  ],
];
for (const [name, load, ignore] of parsers) {
  Deno.test({
    name: `${name} gives words with a mark and percent-encoded back as strings, by section and in order`,
    ignore,
    fn: async () => {
      const parse = await load();
      const words = [
        "",
        "007",
        "true",
        "null",
        "a b",
        'a"b',
        '"',
        "a\\b",
        "a;b#c",
        "[a=b]",
        "é\u{1f512}",
        "l1\nl2",
        "'x'",
      ];
      const hide = (word: string, i: number) => `${i}_${encodeURIComponent(word)}`;
      const text = words.map((word, i) => `${hide("__proto__", i)} = ${hide(word, i)}`).join("\n");
      const seen: [key: string, section?: string][] = [];
      const reviver = (key: string, value: unknown, section?: string) => {
        seen.push([key, section]);
        return `${value}.`;
      };
      const parsed = parse<Record<string, unknown>>(`${text}\n[2_constructor]\n${text}\n[1_empty]\n`, {
        reviver,
      });
      const entries = words.map((word, i) => [hide("__proto__", i), `${hide(word, i)}.`]);
      const { "2_constructor": section, "1_empty": empty, ...root } = parsed;
      assertEquals(Object.entries(root), entries);
      assertEquals(Object.entries(section as object), entries);
      assertEquals(Object.entries(empty as object), []);
      assertEquals(Object.keys(parsed).slice(-2), ["2_constructor", "1_empty"]);
      assertEquals(seen, [undefined, "2_constructor"].flatMap((each) => entries.map(([key]) => [key, each])));
    },
  });

  for (const line of ["nonsense", "[", "[a", "1_a%3D1_b"]) {
    Deno.test({
      name: `${name} refuses "${line}" with its line`,
      ignore,
      fn: async () => {
        const parse = await load();
        assertThrows(() => parse(`a = b\n\n${line}\nc = d`), (error: unknown) => {
          assertEquals([error instanceof SyntaxError, /at line (\d+)$/.exec((error as Error).message)?.[1]], [
            true,
            "3",
          ]);
          return true;
        });
      },
    });
  }
}

Deno.test("what Deno downloads and links is what the program imports, and tests have the same of it", async () => {
  const root = new URL("..", import.meta.url);
  const name = Deno.env.get("TEST_CONFIG") ?? "deno.npm.json";
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--config", name, "--json", "scripts/letsencrypt_tiny.ts"],
    cwd: root,
    stdin: "null",
  }).output();
  const { npmPackages } = JSON.parse(new TextDecoder().decode(stdout)) as {
    npmPackages: Record<string, unknown>;
  };
  const locked = (path: string) =>
    JSON.parse(Deno.readTextFileSync(new URL(path, root))).npm as Record<string, unknown>;
  const own = locked(name.replace(/json$/, "lock"));
  assertEquals(Object.keys(own).sort(), Object.keys(npmPackages).sort());
  for (const lock of ["deno.lock", "deno.npm.lock"]) {
    const [program, tests] = [locked(lock), locked(`tests/${lock}`)];
    assertEquals(Object.keys(program).filter((each) => each.startsWith("fast-check@")), [], lock);
    assertEquals(Object.keys(program).filter((each) => !(each in tests)), [], `tests/${lock}`);
  }
});
