/** The section [acme], and what hangs on the type of challenge. */
import { Failure } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { assertMistakes, base, parseAll } from "./base.ts";

/** The base with lines of [acme], from line 12 on, in place of its challenge-dir; and with more at its end. */
const text = (lines: string, rest = "") =>
  base.replace("challenge-dir = /srv/acme-challenge/\n", "").replace("[acme]", `[acme]\n${lines}`) + rest;
const webRoot = "challenge-dir = /srv";
const hook = "challenge = dns-01\ndns-hook = /etc/dns-hook";

Deno.test("[acme] has what CAs offer or ask for beyond names", () => {
  const plain = parseAll(text(webRoot)).acme;
  assertEquals(
    [plain.renewalInfo, plain.contact, plain.profile, plain.externalAccount, plain.preferredChain],
    [true, [], undefined, undefined, undefined],
  );
  const full = parseAll(text(
    `${webRoot}\nprofile = shortlived\nrenewal-info = off\ncontact = a@example.org,\n mailto:b+c@example.org\n` +
      "eab-kid = kid-1\neab-key-file = /etc/eab.key\npreferred-chain = ISRG Root X2",
  )).acme;
  assertEquals([full.profile, full.renewalInfo, full.preferredChain], ["shortlived", false, "ISRG Root X2"]);
  assertEquals(full.contact, ["mailto:a@example.org", "mailto:b+c@example.org"]);
  assertEquals(full.externalAccount, { keyId: "kid-1", keyFile: "/etc/eab.key" });
});

Deno.test("[acme] and [dns] say how challenges are responded to", () => {
  const ways = (lines: string) => {
    const { challenge, challengeDir, challengeListen, dnsHook } = parseAll(text(lines)).acme;
    return [challenge, challengeDir, challengeListen, dnsHook];
  };
  assertEquals(ways(webRoot), ["http-01", "/srv", undefined, undefined]);
  const listen = [{ address: "127.0.0.1", port: 80 }, { address: "::", port: 8080 }];
  assertEquals(ways("challenge-listen = 127.0.0.1 [::]:8080"), ["http-01", undefined, listen, undefined]);
  assertEquals(ways(hook), ["dns-01", undefined, undefined, "/etc/dns-hook"]);
  assertEquals(ways("challenge = dns-persist-01"), ["dns-persist-01", undefined, undefined, undefined]);
  assertEquals(parseAll(base).dns, { resolver: undefined, check: true, deadline: 300_000 });
  assertEquals(parseAll(text(hook, "[dns]\nresolver = ::1\ncheck = off\ndeadline-minutes = 10")).dns, {
    resolver: { address: "::1", port: 53 },
    check: false,
    deadline: 600_000,
  });
});

Deno.test("domains has wildcards where DNS proves them", () => {
  const names = "*.example.org\n  a.b.example.org\n  example.net";
  for (const challenge of [hook, "challenge = dns-persist-01"]) {
    const { domains } = parseAll(text(challenge).replace("www.example.org", names));
    assertEquals(domains, ["example.org", "*.example.org", "a.b.example.org", "example.net"]);
  }
});

const refusals: [text: string, ...mistakes: string[]][] = [
  [
    text(`${webRoot}\nprofile = short lived`),
    '/c:13: profile must be one word: current value is "short lived"',
  ],
  [text(`${webRoot}\nrenewal-info = yes`), '/c:13: renewal-info must be on or off: current value is "yes"'],
  [
    text(`${webRoot}\ncontact = admin\n a@example.org?x`),
    '/c:13: contact must be an e-mail address such as mailto:admin@example.org: current value is "admin"',
    '/c:14: contact must be an e-mail address such as mailto:admin@example.org: current value is "a@example.org?x"',
  ],
  [text(`${webRoot}\neab-kid = kid-1`), '/c:11: Key "eab-key-file" is missing in section [acme]'],
  [text(`${webRoot}\neab-key-file = /etc/eab.key`), '/c:11: Key "eab-kid" is missing in section [acme]'],
  [
    text(`${webRoot}\neab-kid = a\neab-key-file = /etc/ssl/keys/live.key`),
    '/c:14: eab-key-file must be no file that the line itself writes: current value is "/etc/ssl/keys/live.key"',
  ],
  [
    text(`${webRoot}\npreferred-chain =`),
    '/c:13: preferred-chain must be text on one line: current value is ""',
  ],

  [
    text("challenge = tls-alpn-01\nchallenge-dir = /srv"),
    '/c:12: challenge must be http-01, dns-01 or dns-persist-01: current value is "tls-alpn-01"',
  ],
  [text(""), '/c:11: Key "challenge-dir" is missing in section [acme]'],
  [
    text(`${webRoot}\nchallenge-listen = [::]:80`),
    "/c:13: challenge-listen and challenge-dir can't be both: leave one out",
  ],
  [
    text("challenge-listen = :80\n *:80"),
    '/c:12: challenge-listen must be addresses to listen at, such as 0.0.0.0:80 or [::]:80: current value is ":80"',
    '/c:13: challenge-listen must be addresses to listen at, such as 0.0.0.0:80 or [::]:80: current value is "*:80"',
  ],
  [text("challenge = dns-01"), '/c:11: Key "dns-hook" is missing in section [acme]'],
  [
    text(`${hook} --verbose`),
    '/c:13: dns-hook must be a program without arguments (write a script that gives them): current value is "/etc/dns-hook --verbose"',
  ],
  [text(`${webRoot}\n${hook}`), "/c:12: challenge-dir must be left out where challenge is dns-01"],
  [
    text("challenge = dns-persist-01\ndns-hook = /etc/dns-hook"),
    "/c:13: dns-hook must be left out where challenge is dns-persist-01",
  ],
  [
    text(hook, "[dns]\ndeadline-minutes = 0"),
    '/c:23: deadline-minutes must be a number from 1 to 1440: current value is "0"',
  ],
  [text(hook, "[dns]\nservers = ::1"), '/c:23: Unknown key "servers"'],

  [
    text(webRoot).replace("www.", "*."),
    '/c:3: Domain "*.example.org" is a wildcard: a CA gives none by http-01, set challenge to dns-01',
  ],
  [text(hook).replace("www.", "*.*."), '/c:3: Domain "*.*.example.org" is no host name'],
  [text(hook).replace("www.", "a*."), '/c:3: Domain "a*.example.org" is no host name'],
  [
    text(hook).replace("www.example.org", "*.org"),
    '/c:3: Domain "*.org" has no dot: a CA gives certificates for public names only',
  ],
  [
    text(hook).replace("www.example.org", "WWW.example.org *.example.org"),
    '/c:3: Domain "WWW.example.org" is covered by "*.example.org": leave it out',
  ],
  [
    text(hook).replace("www.example.org", "2001:db8::1"),
    '/c:3: Domain "2001:db8::1" is an IP address: DNS can\'t prove whose it is (RFC 8738 §7), only http-01 can',
  ],
];
for (const [text, ...mistakes] of refusals) {
  Deno.test(`[acme]: refused: ${mistakes[0].slice(0, 90)}`, () => assertMistakes(text, ...mistakes));
}

Deno.test("a key or a value that nothing acts upon yet is refused", () => {
  parseConfig(text(hook), "/c");
  assertThrows(() => parseConfig(text("challenge = dns-persist-01"), "/c"), {
    message: "/c:12: dns-persist-01 can't be used yet: write http-01 or dns-01",
  });
  assertThrows(
    () => parseConfig(text("challenge-listen = 127.0.0.1:80"), "/c"),
    (error: unknown) =>
      error instanceof Failure && error.message.includes('Key "challenge-listen" can\'t be used yet'),
  );
});
