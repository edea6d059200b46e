/** The section [tlsa]. */
import { assertEquals, assertThrows } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { base } from "./base.ts";
import { Failure } from "../../lib/errors.ts";

const services = "services =\n  _443._tcp.www.example.org\n  _25._tcp.Mail.example.org";
const dane = (text: string) => parseConfig(`${base}[tlsa]\n${text}\n`, "/c").dane;

Deno.test("parseConfig() reads [tlsa], with what is usual for each port", () => {
  assertEquals(dane(services), {
    services: [
      { name: "_443._tcp.www.example.org", host: "www.example.org", port: 443, protocol: "tls" },
      { name: "_25._tcp.mail.example.org", host: "mail.example.org", port: 25, protocol: "smtp" },
    ],
    resolver: undefined,
    isResolverTrusted: false,
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
  assertEquals(dane(`${services}\ntrust-resolver = yes`)!.isResolverTrusted, true);
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
  [`${services}\ntrust-resolver = on`, '/c:25: trust-resolver must be yes or no: current value is "on"'],
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
