/** What the services present, address by address; whoever can't be looked at has not been found to serve the key. */
import { assert, assertEquals } from "../kit/assert.ts";
import { awaitServed, lookAtServices } from "../../lib/dane/served.ts";
import type { Network } from "../../lib/dane/service.ts";
import { readChain, readKeyId } from "../../lib/x509/certificate.ts";
import { generateKey } from "../../lib/x509/key.ts";
import { makeRoot } from "../kit/issuer.ts";
import { makeNames } from "../kit/name_server.ts";

const root = await makeRoot("root");
const [, certificate, other] = await Promise.all([0, 1, 2].map(async () => {
  const { publicKey } = await generateKey({ type: "ecdsa", length: 256 });
  return readChain(await root.issue({ spki: publicKey, domains: ["mail.example.org"] }))[0].certificate;
}));
const keyId = await readKeyId(certificate);

const names = makeNames([
  { name: "mail.example.org", type: "A", data: "192.0.2.25" },
  { name: "mail.example.org", type: "AAAA", data: "2001:db8::25" },
]);
const dane = {
  services: [{
    name: "_25._tcp.mail.example.org",
    host: "mail.example.org",
    port: 25,
    protocol: "smtp" as const,
  }],
  resolver: { address: names.resolver, port: 53 },
  parameters: [],
  announced: true,
  served: true,
};

/** Services that present certificates by their addresses, or fail with a code. */
function serving(at: Record<string, typeof certificate | string>): Network & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    exchangeDns: names.exchangeDns,
    peerCertificate({ address }) {
      const found = at[address];
      if (typeof found !== "string") return Promise.resolve(found);
      return Promise.reject(Object.assign(new Error(`connect ${found}`), { code: found }));
    },
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
    uptime: () => 0,
  };
}

const [v4, v6] = ["mail.example.org:25 (192.0.2.25)", "mail.example.org:25 (2001:db8::25)"];
const noRoute = "can't be reached: no route to it";
const rows: [what: string, at: Record<string, typeof certificate | string>, problems: string[]][] = [
  ["both serve it", { "192.0.2.25": certificate, "2001:db8::25": certificate }, []],
  ["one serves another", { "192.0.2.25": certificate, "2001:db8::25": other }, [`${v6} serves another key`]],
  [
    "no way to one of them: the other counts",
    { "192.0.2.25": certificate, "2001:db8::25": "ENETUNREACH" },
    [],
  ],
  ["no way to one of them, and the other serves another", {
    "192.0.2.25": other,
    "2001:db8::25": "ENETUNREACH",
  }, [`${v4} serves another key`]],
  ["no way to any: not served", { "192.0.2.25": "ENETUNREACH", "2001:db8::25": "EADDRNOTAVAIL" }, [
    `${v4} ${noRoute}`,
    `${v6} ${noRoute}`,
  ]],
  ["one is down", { "192.0.2.25": certificate, "2001:db8::25": "ECONNREFUSED" }, [
    `${v6} can't be looked at: connect ECONNREFUSED`,
  ]],
];
for (const [what, at, problems] of rows) {
  Deno.test(`awaitServed(): ${what}`, async () => {
    const network = serving(at);
    assertEquals(await awaitServed(dane, keyId, network), problems);
    const total = network.slept.reduce((a, b) => a + b, 0);
    assert(problems.length > 0 ? total > 15_000 && total < 16_000 : total === 0, `waited ${total} ms`);
  });
}

Deno.test("awaitServed() ends as soon as the last server has reloaded", async () => {
  const network = serving({ "192.0.2.25": certificate, "2001:db8::25": other });
  const { peerCertificate } = network;
  network.peerCertificate = (server, ...rest) =>
    network.slept.length === 3 ? Promise.resolve(certificate) : peerCertificate(server, ...rest);
  assertEquals(await awaitServed(dane, keyId, network), []);
  assertEquals(network.slept.length, 3);
});

Deno.test("lookAtServices(): a host without addresses, and errors that somebody else worded", async () => {
  const [lost] = await lookAtServices(
    { ...dane, services: [{ ...dane.services[0], host: "none.example.org" }] },
    serving({}),
  );
  assertEquals(lost, { service: lost.service, where: "none.example.org:25", problem: "has no address" });
  names.broken.set(names.resolver, "\x1b[2J");
  const [unknown] = await lookAtServices(dane, serving({}));
  names.broken.clear();
  assertEquals(
    unknown.problem,
    "can't be looked up: the resolver 127.0.0.53 gives no answer: \\u{1b}[2J",
  );
  const [evil] = await lookAtServices(
    dane,
    serving({ "192.0.2.25": "\x1b[2J\u202e", "2001:db8::25": other }),
  );
  assertEquals(evil.problem, "can't be looked at: connect \\u{1b}[2J\\u{202e}");
});
