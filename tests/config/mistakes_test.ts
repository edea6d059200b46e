/** Several mistakes at once, and any text at all. */
import { assertEquals, assertThrows } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { base, parseAll } from "./base.ts";
import { testConfig } from "../kit/line.ts";
import fc from "../kit/fast_check.ts";
import { Failure } from "../../lib/errors.ts";

Deno.test("parseConfig() tells all mistakes of a file at once, each with its own line", () => {
  const text = base.replace("www.example.org", "www.example.org.\n  # no\n  a_b.org").replace(
    "4096",
    "1000",
  )
    .replace("staging-hours", "staging-hour").replace("challenge-dir = /srv/acme-challenge/\n", "")
    .replace("[files]\nlive = live", "nonsense\n[file]\nlive = a/b").replace("staging = staging", "");
  assertThrows(() => parseConfig(text, "/c"), (error: unknown) => {
    const { about, message } = error as Failure;
    assertEquals(about.mistakes, [
      '/c:3: Domain "www.example.org." ends with a dot: leave it out',
      '/c:5: Domain "a_b.org" is no host name',
      '/c:6: key-length must be 2048, 3072 or 4096: current value is "1000"',
      '/c:9: Unknown key "staging-hour": did you mean "staging-hours"?',
      '/c:13: Key "challenge-dir" is missing in section [acme]',
      '/c:19: Expected "key = value" or "[section]": "nonsense"',
      '/c:20: Unknown section [file]: did you mean "files"?',
    ]);
    assertEquals(message, about.mistakes!.join("\n"));
    return true;
  });
});

Deno.test("the command says each mistake in a line of its own, and ends with 2", async () => {
  const file = await Deno.makeTempFile({ suffix: ".conf" });
  try {
    await Deno.writeTextFile(file, base.replace("4096", "1000").replace("live = live", "live = a/b"));
    const entry = new URL("../../scripts/letsencrypt_tiny.ts", import.meta.url).pathname;
    const args = ["run", "--config", testConfig, "--no-check", "--allow-all", entry, "-c", file, "status"];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
    assertEquals([code, new TextDecoder().decode(stderr).trimEnd().split("\n")], [2, [
      `error: ${file}:4: key-length must be 2048, 3072 or 4096: current value is "1000"`,
      `error: ${file}:19: live must be a file name without "/", white space or a dot in front: current value is "a/b"`,
    ]]);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("parseConfig() doesn't call missing what is only mistyped or misplaced", () => {
  const rows: [from: string, to: string, mistake: string][] = [
    ["account-key =", "account-keys =", '/c:12: Unknown key "account-keys": did you mean "account-key"?'],
    [
      "account-key =",
      "account-key",
      '/c:12: Expected "key = value" or "[section]": "account-key /etc/ssl/private/account.key"',
    ],
    ["[acme]", "[acmes]", '/c:11: Unknown section [acmes]: did you mean "acme"?'],
    ["[acme]", "[acme", '/c:11: Section header is not closed or empty: "[acme"'],
    [
      base,
      base.replace("[acme]", "[acme").replace("[dirs]", "[dirs"),
      '/c:11: Section header is not closed or empty: "[acme"',
    ],
    ["[acme]", "[]", '/c:11: Section header is not closed or empty: "[]"'],
    ["[acme]", "[hooks]", "/c:11: Section [hooks] stands in lines 9 and 11"],
    ["[acme]\n", "", '/c:11: Unknown key "account-key": it belongs to section [acme]'],
  ];
  for (const [from, to, mistake] of rows) {
    assertThrows(() => parseConfig(base.replace(from, to), "/c"), (error: unknown) => {
      assertEquals((error as Failure).about.mistakes![0], mistake);
      assertEquals((error as Failure).about.mistakes!.filter((each) => each.includes("missing")), []);
      return true;
    });
  }
});

Deno.test("parseConfig() ends a file that is no configuration at all after twenty mistakes, soon", () => {
  const before = performance.now();
  for (const line of ["x\n", "x=\n", "[x\n", "[x]\n", "a\u00a0", " ,"]) {
    for (const head of ["", "domains = "]) {
      assertThrows(() => parseConfig(head + line.repeat(2 ** 17 / line.length), "/c"), (error: unknown) => {
        const { mistakes } = (error as Failure).about;
        assertEquals(mistakes!.length <= 21, true);
        return true;
      });
    }
  }
  assertEquals(performance.now() - before < 20_000, true);
});

const whole = base.replace(
  "[acme]",
  "[acme]\nchallenge = http-01\nprofile = x\ncontact = a@a.org\neab-kid = x\neab-key-file = /e",
)
  .replace("[hooks]", "spare-key = yes\nspare-dir = /x\n[hooks]\nrun = always") +
  "[dns]\nresolver = ::1\n[tlsa]\nservices = _443._tcp.a.org smtp\nparameters = 3 1 1\n";
const words = [
  ...base.split(/(\n|[ =]+)/),
  "[",
  "]",
  "[__proto__]",
  "[constructor]",
  "[default]",
  "__proto__ = 1",
  "[tlsa]",
  ":",
  "%",
  "%%",
  "\0",
];
const values = [
  "0",
  "-1",
  "ecdsa",
  "/etc/ssl/keys/live.key",
  "/",
  "/./",
  "*.a.org",
  "https://a.org",
  "::1",
  "256",
  "\ud800",
  "services = _443._tcp.a.org",
];
Deno.test("property: any text gives a configuration or a Failure that tells what is wrong in it", () => {
  let good = 0;
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom(...words, ...values), { maxLength: 60 }).map((parts) => parts.join("")),
    // The whole file, with some of its words replaced.
    fc.array(fc.tuple(fc.nat(words.length), fc.constantFrom("", ...words, ...values)), { maxLength: 3 }).map(
      (changes) => {
        const parts = whole.split(/(\n|[ =]+)/);
        for (const [at, part] of changes) if (at < parts.length) parts[at] = part;
        return parts.join("");
      },
    ),
  );
  fc.assert(
    fc.property(text, (text) => {
      try {
        const { domains, acme, dirs } = parseAll(text);
        good++;
        assertEquals([domains.length > 0, acme.accountKey[0], dirs.keys[0]], [
          true,
          "/",
          "/",
        ]);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        assertEquals(error.kind, "config.entry");
        const odd = error.about.mistakes!.filter((each) => !/^\/c(:[1-9]\d*)?: [A-Za-z][^\n]+$/.test(each));
        assertEquals(odd, []);
      }
    }),
    {
      numRuns: 2000,
      examples: [["[__proto__]"], ["[constructor]\na = b"], ["__proto__ = x"], [
        "[__proto__]\n__proto__ = x\n",
      ]],
    },
  );
  assertEquals(good > 20, true, `only ${good} were good`);
});
