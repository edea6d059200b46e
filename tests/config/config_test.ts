/** What a configuration says. */
import { assertEquals } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { assertMistakes, base, parseAll } from "./base.ts";
import { toIdentifier } from "../../lib/acme/objects.ts";

Deno.test("parseConfig() reads what the Python original reads", () => {
  const config = parseConfig(base, "/c");
  assertEquals(config.domains, ["example.org", "www.example.org"]);
  assertEquals(config.keyType, { type: "rsa", length: 4096 });
  assertEquals(config.timing, {
    maxKeyAge: 256 * 86_400_000,
    staging: 0,
    renewBefore: 15 * 86_400_000,
    spareKey: false,
    spareDir: undefined,
  });
  assertEquals(config.acme.directory, "https://acme-v02.api.letsencrypt.org/directory");
  assertEquals(config.acme.challengeDir, "/srv/acme-challenge");
  assertEquals(config.hooks, { certchange: "/root/cert-hook", keychange: undefined, failure: undefined });
  assertEquals(config.hooksAlways, false);
});

const sample = await Deno.readTextFile(
  new URL("../../scripts/letsencrypt-tiny.conf.sample", import.meta.url),
);
const set = (keys: string) => new RegExp(`^#(?=(${keys})( =|$))`, "gm");

Deno.test("parseConfig() reads the sample", () => {
  const config = parseConfig(sample, "sample");
  assertEquals(config.domains, ["example.org", "www.example.org"]);
  assertEquals(config.notices, []);
});

Deno.test("parseConfig() reads each line that the sample has as a comment", () => {
  const isListened = sample.replace(/^#(?=[\w-]+ =|\[| {2}_)/gm, "")
    .replace(/^(challenge-dir|dns-hook|spare-dir).*\n/gm, "");
  const { hooks, files, dane, acme } = parseAll(isListened);
  assertEquals([hooks.failure, files.dhParams], ["/root/letsencrypt/failure-hook", "/etc/ssl/dh2048.pem"]);
  assertEquals([acme.challengeListen?.length, dane?.services.length], [2, 2]);
  const byHook = sample.replace(set("challenge|dns-hook|spare-key|spare-dir"), "").replace(
    "http-01\n",
    "dns-01\n",
  )
    .replace("spare-key = no", "spare-key = yes").replace(/^challenge-dir.*\n/m, "");
  assertEquals([parseAll(byHook).acme.dnsHook, parseAll(byHook).timing.spareDir], [
    "/root/letsencrypt/dns-hook",
    "/mnt/elsewhere/letsencrypt",
  ]);
});

Deno.test("parseConfig() reads the smallest file that works", () => {
  const text = "domains = example.org\n[acme]\naccount-key = /a.key\nchallenge-dir = /srv\n";
  const config = parseConfig(text, "/etc/letsencrypt-tiny/www.example.org.conf");
  assertEquals(config.timing, {
    maxKeyAge: undefined,
    staging: 0,
    renewBefore: undefined,
    spareKey: false,
    spareDir: undefined,
  });
  const home = "/etc/letsencrypt-tiny/www.example.org";
  assertEquals(config.dirs, { certs: `${home}/certs`, keys: `${home}/keys`, backups: `${home}/backups` });
  assertEquals(config.files, { live: "live", staging: "staging", outputs: [], dhParams: undefined });
  assertEquals(parseConfig(`${text}[dirs]\nkeys = /k`, "x").dirs, {
    certs: "/etc/letsencrypt-tiny/x/certs",
    keys: "/k",
    backups: "/etc/letsencrypt-tiny/x/backups",
  });
});

Deno.test("parseConfig() reads a hook for failures, and whether hooks run without being asked for", () => {
  const text = base.replace("[hooks]", "[hooks]\nrun = always\npost-failure = /root/failure-hook");
  const config = parseAll(text);
  assertEquals([config.hooksAlways, config.hooks.failure], [true, "/root/failure-hook"]);
  assertMistakes(
    text.replace("always", "yes").replace("/root/f", "f"),
    '/c:10: run must be always or asked: current value is "yes"',
    '/c:11: post-failure must be an absolute path (a relative one would depend on the working directory): current value is "failure-hook"',
  );
});

Deno.test("parseConfig() reads whether there is a spare key, and where", () => {
  const text = (lines: string) => base.replace("[timing]", `[timing]\n${lines}`);
  const { spareKey, spareDir } = parseAll(text("spare-key = yes\nspare-dir = /mnt/spare")).timing;
  assertEquals([spareKey, spareDir], [true, "/mnt/spare"]);
  assertMistakes(
    text("spare-dir = /mnt/spare"),
    "/c:6: spare-dir must be left out where spare-key is not yes",
  );
  assertMistakes(
    text("spare-key = yes\nspare-dir = /etc/ssl/keys/"),
    '/c:7: spare-dir must be a directory of its own: keys is "/etc/ssl/keys" too',
  );
  assertMistakes(
    text("spare-key = yes\nspare-dir = /srv/acme-challenge/spare"),
    '/c:15: challenge-dir must lie apart from spare-dir, which is "/srv/acme-challenge/spare": current value is "/srv/acme-challenge"',
  );
});

Deno.test("parseConfig() lets the challenge directory lie among the certificates, which are public too", () => {
  const { acme } = parseConfig(base.replace("/srv/acme-challenge", "/etc/ssl/certs/acme"), "/c");
  assertEquals(acme.challengeDir, "/etc/ssl/certs/acme");
});

const same: [string, (text: string) => string][] = [
  ["a byte-order mark", (text) => `\uFEFF${text}`],
  ["CRLF", (text) => text.replaceAll("\n", "\r\n")],
  ["no final newline", (text) => text.trimEnd()],
  ["tabs", (text) => text.replaceAll("  ", "\t")],
  ["spaces at line ends", (text) => text.replaceAll("\n", "  \n")],
  ["colons for equals signs", (text) => text.replaceAll(" = ", ": ")],
  ["upper-case keys", (text) => text.replace("key-length", "Key-Length").replace("[timing]", "[Timing]")],
  ["comments", (text) => text.replace("  www.", "  # no\n; nor this\n\n  www.")],
  ["non-breaking spaces", (text) => text.replace("  www", "\u00a0\u00a0www")],
  ["upper-case names", (text) => text.replace("example.org", "EXAMPLE.org")],
];
for (const [name, change] of same) {
  Deno.test(`parseConfig(): ${name} make no difference`, () => {
    assertEquals(parseConfig(change(base), "/c"), parseConfig(base, "/c"));
  });
}

Deno.test("parseConfig() takes decimals, percent signs and values that look like other types", () => {
  const text = base.replace("staging-hours = 0", "staging-hours = 0.5").replace("cert-hook", '%%7e\\"true')
    .replace("live = live", "live = 007").replace("staging = staging", "staging = true");
  const config = parseConfig(text, "/c");
  assertEquals(config.timing.staging, 1_800_000);
  assertEquals(config.hooks.certchange, '/root/%7e\\"true');
  assertEquals([config.files.live, config.files.staging], ["007", "true"]);
});

Deno.test("parseConfig() drops a name that stands twice, with a notice", () => {
  const config = parseConfig(base.replace("www.example.org", "Example.org"), "/c");
  assertEquals(config.domains, ["example.org"]);
  assertEquals(config.notices, ['Domain "example.org" stands twice in domains: once is enough']);
});

Deno.test("parseConfig() reads addresses into the form of RFC 5952, and drops one that stands twice", () => {
  const rows: [text: string, canonical: string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["[2001:db8::00a1]", "2001:db8::a1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["::1", "::1"],
  ];
  for (const [text, canonical] of rows) {
    const config = parseConfig(base.replace("www.example.org", `${text} ${canonical}`), "/c");
    assertEquals(config.domains, ["example.org", canonical]);
    assertEquals(config.notices.length, 1);
    assertEquals(toIdentifier(canonical), { type: "ip", value: canonical });
  }
  assertEquals(toIdentifier("1.example.org"), { type: "dns", value: "1.example.org" });
});
