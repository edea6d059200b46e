import { assertEquals, assertThrows } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { Failure } from "../../lib/errors.ts";

const base = `domains =
  example.org
  www.example.org
key-length = 4096
[timing]
max-key-age-days = 256
staging-hours = 0
renew-cert-before-expiry-days = 15
[hooks]
post-certchange = /root/cert-hook
[acme]
account-key = /etc/ssl/private/account.key
challenge-dir = /srv/acme-challenge/
[dirs]
certs = /etc/ssl/certs
keys = /etc/ssl/keys
backups = /etc/ssl/old
[files]
live = live
staging = staging
`;

Deno.test("parseConfig() reads what the Python original reads", () => {
  const config = parseConfig(base, "/c");
  assertEquals(config.domains, ["example.org", "www.example.org"]);
  assertEquals(config.keyType, { type: "rsa", length: 4096 });
  assertEquals(config.timing, { maxKeyAge: 256 * 86_400_000, staging: 0, renewBefore: 15 * 86_400_000 });
  assertEquals(config.acme.directory, "https://acme-v02.api.letsencrypt.org/directory");
  assertEquals(config.acme.challengeDir, "/srv/acme-challenge");
  assertEquals(config.hooks, { certchange: "/root/cert-hook", keychange: undefined });
});

Deno.test("parseConfig() reads the sample", async () => {
  const path = new URL("../../scripts/letsencrypt-tiny.conf.sample", import.meta.url);
  const config = parseConfig(await Deno.readTextFile(path), "sample");
  assertEquals(config.domains, ["example.org", "www.example.org"]);
  assertEquals(config.notices, []);
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

const refusals: [from: string, to: string, message: string][] = [
  [
    "key-length = 4096",
    "key-length = 1024",
    '/c:4: key-length must be 2048, 3072 or 4096: current value is "1024"',
  ],
  ["key-length = 4096", "key-type = dsa", '/c:4: key-type must be rsa or ecdsa: current value is "dsa"'],
  [
    "key-length = 4096",
    "key-type = ecdsa\nkey-length = 2048",
    '/c:5: key-length must be 256 or 384: current value is "2048"',
  ],
  [
    "staging-hours = 0",
    "staging-hour = 0",
    '/c:7: Unknown key "staging-hour": did you mean "staging-hours"?',
  ],
  [
    "staging-hours = 0",
    "staging-hours =",
    '/c:7: staging-hours must be a number from 0 to 8760: current value is ""',
  ],
  [
    "staging-hours = 0",
    "staging-hours = 25h",
    '/c:7: staging-hours must be a number from 0 to 8760: current value is "25h"',
  ],
  [
    "staging-hours = 0",
    "staging-hours = -1",
    '/c:7: staging-hours must be a number from 0 to 8760: current value is "-1"',
  ],
  [
    "staging-hours = 0",
    "staging-hours = 1e9",
    '/c:7: staging-hours must be a number from 0 to 8760: current value is "1e9"',
  ],
  [
    "staging-hours = 0",
    "staging-hours = NaN",
    '/c:7: staging-hours must be a number from 0 to 8760: current value is "NaN"',
  ],
  ["max-key-age-days = 256\n", "", '/c:5: Key "max-key-age-days" is missing in section [timing]'],
  [
    "domains =\n  example.org\n  www.example.org\n",
    "",
    '/c: Key "domains" is missing before the first section',
  ],
  ["[timing]", "[timings]", '/c:5: Unknown section [timings]: did you mean "timing"?'],
  ["[timing]", "[timing", '/c:5: Section header is not closed or empty: "[timing"'],
  [
    "[timing]",
    "[DEFAULT]",
    '/c:5: Write the keys of [DEFAULT] before the first section, without "[DEFAULT]"',
  ],
  ["[files]", "[timing]", "/c:18: Section [timing] stands in lines 5 and 18"],
  ["staging = staging", "live = other", '/c:20: Key "live" stands in lines 19 and 20'],
  [
    "staging = staging",
    "staging = live",
    '/c:20: The names of the live and the staging files must differ: both are "live"',
  ],
  [
    "staging = staging",
    "staging = ../x",
    '/c:20: staging must be a file name without "/", white space or a dot in front: current value is "../x"',
  ],
  ["staging = staging", "nonsense", '/c:20: Expected "key = value" or "[section]": "nonsense"'],
  [
    "staging = staging",
    "outputs = key+cert",
    '/c:20: outputs must be chain, leaf, crt, key or dh: current value is "key+cert"',
  ],
  [
    "staging = staging",
    "outputs = leaf+dh",
    '/c:20: outputs must be without "dh" as long as dh-params is not set: current value is "leaf+dh"',
  ],
  [
    "/root/cert-hook",
    "hooks/cert",
    '/c:10: post-certchange must be an absolute path (a relative one would depend on the working directory): current value is "hooks/cert"',
  ],
  [
    "/root/cert-hook",
    "~/cert",
    '/c:10: post-certchange must be an absolute path (a relative one would depend on the working directory): current value is "~/cert"',
  ],
  [
    "/root/cert-hook",
    "/root/%(x)s",
    '/c:10: A percent sign must be written %%: current value is "/root/%(x)s"',
  ],
  [
    "/etc/ssl/private/account.key",
    "/etc/ssl/keys/live.key",
    '/c:12: account-key must be no file that the line itself writes: current value is "/etc/ssl/keys/live.key"',
  ],
  [
    "challenge-dir",
    "domains = a.example.org\nchallenge-dir",
    '/c:13: Unknown key "domains": it belongs before the first section',
  ],
  ["challenge-dir", "certs = /x\nchallenge-dir", '/c:13: Unknown key "certs": it belongs to section [dirs]'],
  [
    "account-key",
    "directory = http://ca.test/\naccount-key",
    '/c:12: directory must be a URL with https: current value is "http://ca.test/"',
  ],
  [
    "/etc/ssl/old",
    "/etc/ssl/keys",
    '/c:17: backups must be a directory of its own: keys is "/etc/ssl/keys" too',
  ],
  [
    "www.example.org",
    "*.example.org",
    '/c:3: Domain "*.example.org" is a wildcard: a CA gives none by http-01, which is all that this tool does',
  ],
  [
    "www.example.org",
    "bücher.example",
    '/c:3: Domain "bücher.example" is international: write "xn--bcher-kva.example"',
  ],
  ["www.example.org", "example.org.", '/c:3: Domain "example.org." ends with a dot: leave it out'],
  ["www.example.org", "192.0.2.1", '/c:3: Domain "192.0.2.1" is an IP address: only names are possible'],
  [
    "www.example.org",
    "localhost",
    '/c:3: Domain "localhost" has no dot: a CA gives certificates for public names only',
  ],
  ["www.example.org", `${"a".repeat(64)}.org`, `/c:3: Domain "${"a".repeat(64)}.org" is no host name`],
  ["\n  example.org\n  www.example.org", "", '/c:1: domains must be at least one name: current value is ""'],
];
for (const [from, to, message] of refusals) {
  Deno.test(`parseConfig() refuses: ${message.slice(0, 70)}`, () => {
    assertEquals(base.includes(from), true);
    assertThrows(() => parseConfig(base.replace(from, to), "/c"), (error: unknown) => {
      assertEquals((error as Error).message, message);
      return error instanceof Failure && error.kind === "config.entry";
    });
  });
}

const services = "services =\n  _443._tcp.www.example.org\n  _25._tcp.Mail.example.org";
const dane = (text: string) => parseConfig(`${base}[tlsa]\n${text}\n`, "/c").dane;

Deno.test("parseConfig() reads [tlsa], with what is usual for each port", () => {
  assertEquals(dane(services), {
    services: [
      { name: "_443._tcp.www.example.org", host: "www.example.org", port: 443, protocol: "tls" },
      { name: "_25._tcp.mail.example.org", host: "mail.example.org", port: 25, protocol: "smtp" },
    ],
    resolver: undefined,
    parameters: [[3, 1, 1]],
    announced: true,
    served: true,
  });
  const odd = dane(
    "services = _2525._tcp.mx.example.org. smtp _143._tcp.mx.example.org\nresolver = [::1]:5353\n" +
      "parameters = 3 1 1\n 3 1 2\ncheck = served",
  )!;
  assertEquals(odd.services.map(({ port, protocol }) => [port, protocol]), [[2525, "smtp"], [143, "imap"]]);
  assertEquals([odd.resolver, odd.parameters], [{ address: "::1", port: 5353 }, [[3, 1, 1], [3, 1, 2]]]);
  assertEquals([odd.announced, odd.served], [false, true]);
  assertEquals(dane(`${services}\ncheck = off`)!.announced, false);
  for (const [text, endpoint] of [["127.0.0.1", 53], ["127.0.0.1:54", 54], ["2001:db8::1", 53]] as const) {
    assertEquals(dane(`${services}\nresolver = ${text}`)!.resolver?.port, endpoint);
  }
  const only = parseConfig(`${base}[tlsa]\n${services}\nparameters = 3 1 2\n`, "/c");
  assertEquals(only.notices, [
    "parameters lacks 3 1 1, the only ones that every client has to know (RFC 7671 §9)",
  ]);
});

const daneRefusals: [text: string, message: string][] = [
  ["check = off", '/c:21: Key "services" is missing in section [tlsa]'],
  ["services =", "/c:22: services must be at least one name such as _443._tcp.www.example.org"],
  [
    "services = www.example.org",
    '/c:22: Service "www.example.org" is no TLSA name such as _443._tcp.www.example.org, nor one of tls, smtp, imap, pop3, xmpp',
  ],
  [
    "services = _443._udp.a.org",
    '/c:22: Service "_443._udp.a.org" is no TLSA name such as _443._tcp.www.example.org, nor one of tls, smtp, imap, pop3, xmpp',
  ],
  [
    "services = _70000._tcp.a.org",
    '/c:22: Service "_70000._tcp.a.org" is no TLSA name such as _443._tcp.www.example.org, nor one of tls, smtp, imap, pop3, xmpp',
  ],
  ["services = smtp _25._tcp.a.org", '/c:22: Service "smtp" stands before any name: write the name first'],
  ["services = _25._tcp.a.org _25._tcp.A.org", '/c:22: Service "_25._tcp.a.org" stands twice in services'],
  ["services = _25._tcp.a_b.org", '/c:22: Service "_25._tcp.a_b.org" is not for a host name'],
  [
    `${services}\nresolver = ns.example.org`,
    '/c:25: resolver must be an IP address, or one with a port: current value is "ns.example.org"',
  ],
  [
    `${services}\nresolver = 127.0.0.1:0`,
    '/c:25: resolver must be an IP address, or one with a port: current value is "127.0.0.1:0"',
  ],
  [
    `${services}\ncheck = sometimes`,
    '/c:25: check must be "announced, served", one of them, or off: current value is "sometimes"',
  ],
  [`${services}\nparameters = 3 1`, '/c:25: parameters "3 1" is not three numbers such as 3 1 1'],
  [`${services}\nparameters = 4 1 1`, '/c:25: parameters "4 1 1" does not exist: RFC 7218 has 0-3, 0-1, 0-2'],
  [
    `${services}\nparameters = 1 1 1`,
    '/c:25: parameters "1 1 1" asks clients to trust a CA as well: mail servers ignore it (RFC 7672 §3.1.3); write 3 1 1',
  ],
  [
    `${services}\nparameters = 2 1 1`,
    '/c:25: parameters "2 1 1" names an issuer, which the CA changes at random: write 3 1 1',
  ],
  [
    `${services}\nparameters = 3 0 1`,
    '/c:25: parameters "3 0 1" names the certificate, which changes with each renewal: write 3 1 1',
  ],
  [
    `${services}\nparameters = 3 1 0`,
    '/c:25: parameters "3 1 0" puts the whole key into DNS (RFC 7671 §10.1.2): write 3 1 1',
  ],
];
for (const [text, message] of daneRefusals) {
  Deno.test(`parseConfig() refuses in [tlsa]: ${message.slice(0, 70)}`, () => {
    assertThrows(() => dane(text), (error: unknown) => {
      assertEquals((error as Error).message, message);
      return error instanceof Failure && error.kind === "config.entry";
    });
  });
}
