/** What is refused in a configuration, and in which words. */
import { assertEquals, assertThrows } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { base } from "./base.ts";
import { Failure } from "../../lib/errors.ts";

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
  ["[files]", "nonsense\n  a = b\n[files]", '/c:18: Expected "key = value" or "[section]": "nonsense"'],
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
    '/c:3: Domain "*.example.org" is a wildcard: a CA gives none by http-01, set challenge to dns-01',
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
