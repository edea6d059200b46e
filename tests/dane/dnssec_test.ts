/** Zones that validating resolvers refuse, found out before a CA does. */
import { Buffer } from "node:buffer";
import packet from "dns-packet";
import { assert, assertEquals } from "../kit/assert.ts";
import { dnssecProblems } from "../../lib/dane/dnssec.ts";
import { dnsBy } from "../../lib/dane/everywhere.ts";
import { type Entry, makeNames, type Names, signature } from "../kit/name_server.ts";

const now = new Date("2026-11-25T00:00:00Z");
const zone = "example.org";
const seconds = (days: number) => Math.floor(+now / 1000) + days * 86_400;

/** The key of RFC 4034 §5.4, whose digests are given there and in RFC 4509 §2.3, for the name `dskey.example.com`. */
const published = {
  name: "dskey.example.com",
  key:
    "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7Orz" +
    "KBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==",
  keyTag: 60485,
  digests: {
    1: "2bb183af5f22588179a53b0a98631fad1a292118",
    2: "d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a",
  },
};

const dnskey = (name: string, key: Uint8Array, algorithm = 13): Entry => ({
  name,
  type: "DNSKEY",
  data: { flags: 256, algorithm, key: Buffer.from(key) },
});
const ds = (
  name: string,
  keyTag: number,
  digest: string,
  { algorithm = 13, digestType = 2 } = {},
): Entry => ({
  name,
  type: "DS",
  data: { keyTag, algorithm, digestType, digest: Buffer.from(digest, "hex") },
});

const key = new Uint8Array(64).fill(1);
const wire = Uint8Array.of(1, 0, 3, 13, ...key);
const keyTag = (() => {
  let sum = 0;
  for (let i = 0; i < wire.length; i++) sum += i % 2 ? wire[i] : wire[i] * 256;
  return (sum + Math.floor(sum / 65_536)) % 65_536;
})();
const owner = Uint8Array.of(7, ...Buffer.from("example"), 3, ...Buffer.from("org"), 0);
const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.of(...owner, ...wire)))
  .toHex();

const valid = { keyTag, inception: seconds(-1), expiration: seconds(10) };

/** A signed zone that is whole. */
function whole(): Names {
  const names = makeNames([dnskey(zone, key)]);
  names.servers.get(names.resolver)!.push(ds(zone, keyTag, digest));
  names.sign = (_, name, type) => signature(name, type, valid);
  return names;
}

const look = (names: Names, name = zone) =>
  dnssecProblems(dnsBy(names, { address: names.resolver, port: 53 }), name, now);

const second = "ns2.example.org (192.0.2.2)";
const without = (names: Names, address: string, type: string) =>
  names.servers.set(address, names.servers.get(address)!.filter((each) => each.type !== type));
const signedAt = (
  names: Names,
  address: string,
  rest: Record<string, unknown> | undefined,
  only?: string,
) => {
  names.sign = (at, name, type) =>
    at !== address || only !== undefined && type !== only
      ? signature(name, type, valid)
      : rest && signature(name, type, { ...valid, ...rest });
};

const rows: [what: string, break_: (names: Names) => void, lines: string[]][] = [
  ["whole", () => {}, []],
  ["not signed at all", (names) => without(names, names.resolver, "DS"), []],
  ["signed by digests of a kind that nobody knows", (names) => {
    without(names, names.resolver, "DS");
    names.servers.get(names.resolver)!.push(ds(zone, keyTag, digest, { digestType: 99 }));
  }, []],
  ["one server has the zone unsigned", (names) => without(names, "192.0.2.2", "DNSKEY"), [
    `${second} has example.org without signatures`,
  ]],
  ["one server has keys, but no signatures", (names) => signedAt(names, "192.0.2.2", undefined), [
    `${second} has no signature by a key of the zone for the DNSKEY of example.org`,
    `${second} has no signature by a key of the zone for the SOA of example.org`,
  ]],
  [
    "signatures of one server have expired",
    (names) => signedAt(names, "192.0.2.2", { expiration: seconds(-0.5) }, "SOA"),
    [
      `${second} has a signature that expired 2026-11-24 12:00:00 UTC for the SOA of example.org`,
    ],
  ],
  ["… or begin tomorrow", (names) => signedAt(names, "192.0.2.2", { inception: seconds(1) }, "DNSKEY"), [
    `${second} has a signature that is not valid yet for the DNSKEY of example.org`,
  ]],
  ["… or are by another key", (names) => signedAt(names, "192.0.2.2", { keyTag: keyTag + 1 }, "SOA"), [
    `${second} has no signature by a key of the zone for the SOA of example.org`,
  ]],
  ["… or of another algorithm", (names) => signedAt(names, "192.0.2.2", { algorithm: 8 }, "SOA"), [
    `${second} has no signature by a key of the zone for the SOA of example.org`,
  ]],
  ["one server has another key", (names) => {
    without(names, "192.0.2.2", "DNSKEY");
    names.servers.get("192.0.2.2")!.push(dnskey(zone, key.with(0, 2)));
  }, [`${second} has no key of example.org that the zone above vouches for`]],
  [
    "the zone above vouches for another digest",
    (names) => {
      without(names, names.resolver, "DS");
      names.servers.get(names.resolver)!.push(ds(zone, keyTag, digest.replace(/^../, "00")));
    },
    ["192.0.2.1", "192.0.2.2", "2001:db8::2"].map((each, i) =>
      `ns${i === 0 ? 1 : 2}.example.org (${each}) has no key of example.org that the zone above vouches for`
    ),
  ],
  [
    "the zone above vouches for another key tag",
    (names) => {
      without(names, names.resolver, "DS");
      names.servers.get(names.resolver)!.push(ds(zone, keyTag + 1, digest));
    },
    ["192.0.2.1", "192.0.2.2", "2001:db8::2"].map((each, i) =>
      `ns${i === 0 ? 1 : 2}.example.org (${each}) has no key of example.org that the zone above vouches for`
    ),
  ],
  ["keys of one server are signed by one that the zone above doesn't vouch for", (names) => {
    names.servers.get("192.0.2.2")!.push(dnskey(zone, key.with(1, 2)));
    signedAt(names, "192.0.2.2", { keyTag: keyTag + 1 }, "DNSKEY");
  }, [`${second} has no signature by a key of the zone for the DNSKEY of example.org`]],
  ["one server gives no answer", (names) => void names.broken.set("192.0.2.2", "lost"), [
    `${second} gives no answer: lost at example.org`,
  ]],
  ["the resolver gives no answer", (names) => void names.broken.set(names.resolver, "lost"), [
    "example.org can't be looked up: the resolver 127.0.0.53 gives no answer: lost",
  ]],
];
for (const [what, break_, lines] of rows) {
  Deno.test(`dnssecProblems(): ${what}`, async () => {
    const names = whole();
    break_(names);
    assertEquals(await look(names), lines);
  });
}

Deno.test("dnssecProblems(): of two signatures one is enough, and a new key beside the old one does no harm", async () => {
  const names = whole();
  for (const [address, entries] of names.servers) {
    if (address !== names.resolver) entries.push(dnskey(zone, key.with(0, 2)));
  }
  assertEquals(await look(names), []);
});

Deno.test("dnssecProblems(): the resolver refuses the zone, but gives it to who wants it unchecked", async () => {
  const names = whole();
  const exchange = names.exchangeDns;
  names.exchangeDns = (server, message) => {
    const { id, questions, flag_cd } = packet.streamDecode(Buffer.from(message))!;
    if (
      server.address !== names.resolver || questions[0].name !== zone || questions[0].type !== "SOA" ||
      flag_cd
    ) {
      return exchange(server, message);
    }
    return Promise.resolve(
      new Uint8Array(packet.streamEncode({ type: "response", id, questions, flags: 2 })),
    );
  };
  const found = await look(names);
  assert(
    found.includes("the resolver 127.0.0.53 finds that the signatures of example.org don't hold"),
    found.join(),
  );
});

Deno.test("dnssecProblems(): key tag and digests as RFC 4034 and RFC 4509 have them", async () => {
  for (const [digestType, digest] of Object.entries(published.digests)) {
    const { name, keyTag } = published;
    const zone: Entry[] = [
      { name, type: "SOA", data: { mname: `ns.${name}`, rname: `root.${name}` } },
      { name, type: "NS", data: "ns1.example.org" },
      dnskey(name, Buffer.from(published.key, "base64"), 5),
    ];
    const names = makeNames([]);
    for (const entries of names.servers.values()) entries.push(...zone);
    names.servers.get(names.resolver)!.push(
      { name: "com", type: "SOA", data: { mname: "a.com", rname: "root.com" } },
      { name: "com", type: "NS", data: "a.nic.org" },
      ds(name, keyTag, digest, { algorithm: 5, digestType: Number(digestType) }),
    );
    names.lame.clear();
    names.sign = (_, name, type) => signature(name, type, { ...valid, keyTag, algorithm: 5 });
    assertEquals(await look(names, name), []);
  }
});
