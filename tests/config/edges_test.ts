/** What is just taken, and what just isn't. */
import { assertEquals, assertThrows } from "../kit/assert.ts";
import { type Config, parseConfig } from "../../lib/config/config.ts";
import { Failure } from "../../lib/errors.ts";
import { base } from "./base.ts";

const day = 86_400_000;
const read = (from: string, to: string): Config => parseConfig(base.replace(from, to), "/c");
const tlsa = (services: string) => parseConfig(`${base}[tlsa]\nservices = ${services}\n`, "/c");

/** A name of so many characters. */
const long = (length: number) => {
  const tail = ".example.org";
  const labels = Array.from({ length: 10 }, () => "a".repeat(40)).join(".");
  return labels.slice(0, length - tail.length).replace(/\.$/, "b") + tail;
};
const names = (count: number) => Array.from({ length: count }, (_, i) => `  n${i}.example.org\n`).join("");

const edges: [what: string, taken: () => Config, refused: () => Config, says: RegExp][] = [
  [
    "names in a certificate",
    () => read("  example.org\n  www.example.org\n", names(100)),
    () => read("  example.org\n  www.example.org\n", names(101)),
    /domains has 101 names: a certificate holds at most 100/,
  ],
  [
    "the length of a name",
    () => read("  example.org\n", `  ${long(253)}\n`),
    () => read("  example.org\n", `  ${long(254)}\n`),
    /is longer than 253 characters/,
  ],
  [
    "the age of a key",
    () => read("max-key-age-days = 256", "max-key-age-days = 1"),
    () => read("max-key-age-days = 256", "max-key-age-days = 0.9"),
    /max-key-age-days must be a number from 1 to 36500/,
  ],
  [
    "the time of staging",
    () => read("staging-hours = 0", "staging-hours = 8760"),
    () => read("staging-hours = 0", "staging-hours = 8760.1"),
    /staging-hours must be a number from 0 to 8760/,
  ],
  [
    "a port",
    () => tlsa("_1._tcp.example.org _65535._tcp.example.org"),
    () => tlsa("_0._tcp.example.org"),
    /"_0\._tcp\.example\.org" is no TLSA name/,
  ],
];
for (const [what, taken, refused, says] of edges) {
  Deno.test(`parseConfig() bounds ${what}`, () => {
    taken();
    assertThrows(refused, says);
  });
}

const refusals: [from: string, to: string, says: RegExp][] = [
  ["keys = /etc/ssl/keys", "keys = /etc/ssl/ke\0ys", /keys must be one path on one line/],
  ["keys = /etc/ssl/keys", "keys = /etc/ssl\n  /keys", /keys must be one path on one line/],
  ["keys = /etc/ssl/keys", "keys = /etc/./keys", /keys must be a path without "\." and "\.\."/],
  ["keys = /etc/ssl/keys", "keys = /etc/ssl/..", /keys must be a path without "\." and "\.\."/],
  ["live = live", "live = .live", /live must be a file name without "\/", white space or a dot in front/],
  ["live = live", "live = ..", /live must be a file name/],
  ["live = live", "live = live\noutputs = crt", /a combination: "crt" alone is there already/],
  ["live = live", "live = live\noutputs = chain key", /a combination: "key" alone is there already/],
];
for (const [from, to, says] of refusals) {
  Deno.test(`parseConfig() refuses ${JSON.stringify(to)}`, () => {
    assertThrows(() => read(from, to), says);
  });
}

Deno.test("parseConfig() takes dots within names of files and directories", () => {
  assertEquals(read("keys = /etc/ssl/keys", "keys = /etc/ssl.d/..keys").dirs.keys, "/etc/ssl.d/..keys");
});

Deno.test("parseConfig() has defaults: a large RSA key, the usual curve, no staging", () => {
  const { keyType, timing } = read("key-length = 4096\n", "");
  assertEquals([keyType, timing.staging], [{ type: "rsa", length: 4096 }, 0]);
  assertEquals(read("key-length = 4096", "key-type = ecdsa").keyType, { type: "ecdsa", length: 256 });
  const bare = base.replace(/staging-hours.*\n/, "").replace(/max-key.*\n/, "max-key-age-days = 1.5\n");
  assertEquals([parseConfig(bare, "/c").timing.staging, parseConfig(bare, "/c").timing.maxKeyAge], [
    0,
    1.5 * day,
  ]);
});

Deno.test("a byte-order mark is no indentation", () => {
  const text = `\uFEFF${base.replace("  example.org\n  www", " example.org\n www")}`;
  assertEquals(parseConfig(text, "/c").domains, ["example.org", "www.example.org"]);
});

Deno.test("twenty mistakes are told, and that there are more", () => {
  const wrong = (count: number) =>
    base.replace("  example.org\n", Array.from({ length: count }, (_, i) => `  a_${i}.org\n`).join(""));
  for (const [count, told] of [[20, 20], [21, 21], [300, 21]]) {
    assertThrows(() => parseConfig(wrong(count), "/c"), (error: unknown) => {
      const { mistakes } = (error as Failure).about;
      assertEquals(mistakes?.length, told);
      assertEquals(mistakes!.at(-1) === "/c: There is more that is wrong", count > 20);
      return true;
    });
  }
});
