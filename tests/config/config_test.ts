import { assertEquals, assertThrows } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { assertMistakes, base, parseAll } from "./base.ts";
import fc from "../kit/fast_check.ts";
import { identifierOf } from "../../lib/config/names.ts";
import { Failure } from "../../lib/errors.ts";

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

Deno.test("parseConfig() reads the sample", async () => {
  const path = new URL("../../scripts/letsencrypt-tiny.conf.sample", import.meta.url);
  const config = parseConfig(await Deno.readTextFile(path), "sample");
  assertEquals(config.domains, ["example.org", "www.example.org"]);
  assertEquals(config.notices, []);
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
    assertEquals(identifierOf(canonical), { type: "ip", value: canonical });
  }
  assertEquals(identifierOf("1.example.org"), { type: "dns", value: "1.example.org" });
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
  [
    "account-key = /etc/ssl/private/account.key\n",
    "",
    '/c:11: Key "account-key" is missing in section [acme]',
  ],
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
    '/c:10: post-certchange must be written with %% for each percent sign: current value is "/root/%(x)s"',
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
    '/c:3: Domain "*.example.org" is a wildcard: a CA gives none by http-01, set challenge to dns-01 or dns-persist-01',
  ],
  [
    "www.example.org",
    "bücher.example",
    '/c:3: Domain "bücher.example" is international: write "xn--bcher-kva.example"',
  ],
  ["www.example.org", "example.org.", '/c:3: Domain "example.org." ends with a dot: leave it out'],
  ...[
    ["192.0.2", "is no IPv4 address such as 192.0.2.1"],
    ["192.0.2.256", "is no IPv4 address such as 192.0.2.1"],
    ["192.0.02.1", "is no IPv4 address such as 192.0.2.1"],
    ["192.0.2.1:443", "has a port: leave it out"],
    ["[2001:db8::1]:443", "has a port: leave it out"],
    ["2001:db8::1::", "is no IPv6 address such as 2001:db8::1"],
    ["fe80::1%%eth0", "is no IPv6 address such as 2001:db8::1"],
    ["::ffff:192.0.2.1", 'is an IPv4 address: write "192.0.2.1"'],
  ].map(([word, why]): [string, string, string] => [
    "www.example.org",
    word,
    `/c:3: Domain "${word.replace("%%", "%")}" ${why}`,
  ]),
  [
    "www.example.org",
    "https://www.Example.org:8443/a",
    '/c:3: Domain "https://www.Example.org:8443/a" is a URL: write "www.example.org"',
  ],
  [
    "www.example.org",
    "www.example.org/",
    '/c:3: Domain "www.example.org/" is a URL: write "www.example.org"',
  ],
  ["www.example.org", "www.example.org:443", '/c:3: Domain "www.example.org:443" has a port: leave it out'],
  ["[timing]", "[__proto__]\n[timing]", "/c:5: Unknown section [__proto__]"],
  ["[timing]", "[constructor]\nx = y\n[timing]", "/c:5: Unknown section [constructor]"],
  ["[timing]", "__proto__ = 1\n[timing]", '/c:5: Unknown key "__proto__"'],
  [
    "/root/cert-hook",
    "/root/cert-hook --reload",
    '/c:10: post-certchange must be a program without arguments (write a script that gives them): current value is "/root/cert-hook --reload"',
  ],
  [
    "/root/cert-hook",
    "/usr/bin/systemctl reload nginx",
    '/c:10: post-certchange must be a program without arguments (write a script that gives them): current value is "/usr/bin/systemctl reload nginx"',
  ],
  ...[
    ["/etc/ssl/keys", "keys", "/etc/ssl/keys"],
    ["/etc/ssl/keys/acme/", "keys", "/etc/ssl/keys"],
    ["/etc/ssl/old/x", "backups", "/etc/ssl/old"],
    ["/etc/ssl/certs", "certs", "/etc/ssl/certs"],
  ].map(([path, other, directory]): [string, string, string] => [
    "/srv/acme-challenge/",
    path,
    `/c:13: challenge-dir must lie apart from ${other}, which is "${directory}": current value is "${
      path.replace(/\/$/, "")
    }"`,
  ]),
  ...[
    "/etc/ssl/keys/staging.key",
    "/etc/ssl/certs/live.crt",
    "/etc/ssl/certs/staging.chain",
    "/etc/ssl/keys/live.key+crt",
    "/etc/ssl/keys/.live.state.json",
  ]
    .map((path): [string, string, string] => [
      "/etc/ssl/private/account.key\nchallenge-dir = /srv/acme-challenge/\n[dirs]\ncerts = /etc/ssl/certs\nkeys = /etc/ssl/keys\nbackups = /etc/ssl/old\n[files]",
      `${path}\nchallenge-dir = /srv/acme-challenge/\n[dirs]\ncerts = /etc/ssl/certs\nkeys = /etc/ssl/keys\nbackups = /etc/ssl/old\n[files]\noutputs = chain key+crt`,
      `/c:12: account-key must be no file that the line itself writes: current value is "${path}"`,
    ]),
  [
    "staging = staging",
    "dh-params = /etc/ssl/certs/live.dh\noutputs = dh",
    '/c:20: dh-params must be no file that the line itself writes: current value is "/etc/ssl/certs/live.dh"',
  ],
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
      assertThrows(() => parseConfig(head + line.repeat(2 ** 20 / line.length), "/c"), (error: unknown) => {
        const { mistakes } = (error as Failure).about;
        assertEquals(mistakes!.length <= 21, true);
        return true;
      });
    }
  }
  assertEquals(performance.now() - before < 20_000, true);
});

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
        const parts = base.split(/(\n|[ =]+)/);
        for (const [at, part] of changes) if (at < parts.length) parts[at] = part;
        return parts.join("");
      },
    ),
  );
  fc.assert(
    fc.property(text, (text) => {
      try {
        const { domains, acme, dirs } = parseConfig(text, "/c");
        good++;
        assertEquals([domains.length > 0, acme.accountKey[0], acme.challengeDir![0], dirs.keys[0]], [
          true,
          "/",
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
