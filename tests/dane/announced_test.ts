/** What counts as announced, and what does not: every server that clients may get an answer from is asked. */
import { assert, assertEquals } from "../kit/assert.ts";
import { observe, problemsIn, type Sight } from "../../lib/dane/announced.ts";
import { recordsFor } from "../../lib/dane/records.ts";
import { type Entry, makeNames, type Names, tlsa } from "../kit/name_server.ts";

const service = "_25._tcp.mail.example.org";
const services = [{ name: service, host: "mail.example.org", port: 25, protocol: "smtp" as const }];
const publicKey = new Uint8Array(60).fill(7);
const keys = [{ called: "it", chain: [{ certificate: new Uint8Array(200), publicKey }] }];
const record = (await recordsFor(publicKey, [[3, 1, 1]]))[0];
const old = { ...record, data: "00".repeat(32) };

/** All servers know the key. */
const calm = () => makeNames([tlsa(service, record)]);

async function look(names: Names, isResolverTrusted?: boolean): Promise<Sight> {
  const resolver = { address: names.resolver, port: 53 };
  return (await observe({ services, resolver, isResolverTrusted }, keys, names)).get(service)!;
}

/** Gives one server other records at a name. */
function change(names: Names, address: string, ...entries: Entry[]): void {
  const kept = (names.servers.get(address) ?? []).filter((each) =>
    entries.every(({ name }) => each.name !== name)
  );
  names.servers.set(address, [...kept, ...entries]);
}

/** Moves the resolver to another machine. */
function moveResolver(names: Names): void {
  names.servers.set("192.0.2.53", names.servers.get(names.resolver)!);
  names.resolver = "192.0.2.53";
}

const rows: [
  what: string,
  arrange: (names: Names) => void,
  missing: RegExp[],
  unanswered: RegExp[],
  trusted?: true,
][] = [
  ["all know it", () => {}, [], []],
  [
    "one address of one server does not",
    (names) => change(names, "2001:db8::2", tlsa(service, old)),
    [/^ns2\.example\.org \(2001:db8::2\) has no TLSA for it at _25/],
    [],
  ],
  [
    "the resolver does not: a cache still has what was before",
    (names) => change(names, names.resolver, tlsa(service, old)),
    [/^the resolver 127\.0\.0\.53 has no TLSA for it at _25/],
    [],
  ],
  [
    "a server that does not speak for the zone is no answer",
    (names) => void names.lame.add("192.0.2.1"),
    [],
    [/^ns1\.example\.org \(192\.0\.2\.1\) does not speak for the zone at _25/],
  ],
  [
    "a secondary that only the zone above knows is asked as well",
    (names) => {
      names.delegation.push({ name: "example.org", type: "NS", data: "ns3.example.org" });
      change(names, names.resolver, { name: "ns3.example.org", type: "A", data: "192.0.2.3" });
      change(names, "192.0.2.3", tlsa(service, old));
    },
    [/^ns3\.example\.org \(192\.0\.2\.3\) has no TLSA for it/],
    [],
  ],
  [
    "so is one that is known by its glue alone",
    (names) => {
      names.delegation.push(
        { name: "example.org", type: "NS", data: "ns3.example.org" },
        { name: "ns3.example.org", type: "A", data: "192.0.2.3" },
      );
      change(names, "192.0.2.3", tlsa(service, old));
    },
    [/^ns3\.example\.org \(192\.0\.2\.3\) has no TLSA for it/],
    [],
  ],
  [
    "and an old address that the glue still has",
    (names) => {
      names.delegation.push({ name: "ns1.example.org", type: "A", data: "192.0.2.3" });
      change(names, "192.0.2.3", tlsa(service, old));
    },
    [/^ns1\.example\.org \(192\.0\.2\.3\) has no TLSA for it/],
    [],
  ],
  [
    "a server that only the zone itself knows is asked as well",
    (names) => {
      names.servers.get(names.resolver)!.push(
        { name: "example.org", type: "NS", data: "ns3.example.org" },
        { name: "ns3.example.org", type: "A", data: "192.0.2.3" },
      );
      change(names, "192.0.2.3", tlsa(service, old));
    },
    [/^ns3\.example\.org \(192\.0\.2\.3\) has no TLSA for it/],
    [],
  ],
  [
    "the zone above gives no answer",
    (names) => void names.broken.set(names.above, "lost"),
    [],
    [/^_25.* is in the zone example\.org, whose delegation can't be read: org has a server a\.nic\.org \(192\.0\.2\.7\) that gives no answer: lost$/],
  ],
  [
    "the zone above knows nothing of it: a zone of this network",
    (names) => void (names.delegation.length = 0),
    [],
    [],
  ],
  [
    "… nothing, but it is no server for that zone either",
    (names) => {
      names.delegation.length = 0;
      names.lame.add(names.above);
    },
    [],
    [/whose delegation can't be read: org has a server a\.nic\.org \(192\.0\.2\.7\) that does not speak for that zone$/],
  ],
  [
    "not validated",
    (names) => void (names.isValidated = false),
    [],
    [/^the resolver 127\.0\.0\.53 has not validated _25.*: is the zone signed/],
  ],
  [
    "a resolver elsewhere may say so, or anybody on the way",
    moveResolver,
    [],
    [/^the resolver 192\.0\.2\.53 is not on this machine: anybody on the way/],
  ],
  ["… unless the configuration believes it", moveResolver, [], [], true],
  [
    "a server for the zone on this machine has signatures to show",
    (names) => void (names.isResolverAuthoritative = true),
    [],
    [],
  ],
  [
    "… or has none",
    (names) => void (names.isResolverAuthoritative = true, names.sign = () => undefined),
    [],
    [/^the resolver 127\.0\.0\.53 is a server for the zone itself, but has no signature for _25/],
  ],
  [
    "a server for the zone elsewhere does not stand in for a resolver",
    (names) => void (moveResolver(names), names.isResolverAuthoritative = true),
    [],
    [/^the resolver 192\.0\.2\.53 has not validated/],
    true,
  ],
  [
    "a server has a record where the others have an alias",
    (names) => {
      for (const address of names.servers.keys()) {
        change(names, address, { name: service, type: "CNAME", data: "_dane.example.org" });
        change(names, address, tlsa("_dane.example.org", record));
      }
      change(names, "192.0.2.2", tlsa(service, old));
    },
    [/^ns2\.example\.org \(192\.0\.2\.2\) has no TLSA for it/],
    [],
  ],
  [
    "a server has an alias that leads elsewhere",
    (names) => {
      for (const address of names.servers.keys()) {
        change(names, address, { name: service, type: "CNAME", data: "_dane.example.org" });
        change(names, address, tlsa("_dane.example.org", record));
      }
      change(names, "192.0.2.2", { name: service, type: "CNAME", data: "_other.example.org" });
    },
    [/^ns2\.example\.org \(192\.0\.2\.2\) has no TLSA for it/],
    [],
  ],
  [
    "no way to any address of a server",
    (names) =>
      void names.broken.set("192.0.2.2", "connect ENETUNREACH").set("2001:db8::2", "connect ENETUNREACH"),
    [],
    [/\(192\.0\.2\.2\) can't be reached from here/, /\(2001:db8::2\) can't be reached from here/],
  ],
];
for (const [what, arrange, missing, unanswered, trusted] of rows) {
  Deno.test(`observe(): ${what}`, async () => {
    const names = calm();
    arrange(names);
    const sight = await look(names, trusted);
    for (const [lines, patterns] of [[sight.missing, missing], [sight.unanswered, unanswered]] as const) {
      assertEquals(lines.length, patterns.length, lines.join("\n"));
      patterns.forEach((pattern, i) => assert(pattern.test(lines[i]), lines[i]));
    }
  });
}

Deno.test("observe(): an alias into another zone, whose servers are asked there", async () => {
  const names = makeNames([{ name: service, type: "CNAME", ttl: 60, data: "mail.dane.org" }]);
  const zone: Entry[] = [
    { name: "dane.org", type: "SOA", data: { mname: "ns.dane.org", rname: "root.dane.org" } },
    { name: "dane.org", type: "NS", data: "ns.dane.org" },
    { name: "ns.dane.org", type: "A", data: "192.0.2.90" },
    tlsa("mail.dane.org", record, 600),
  ];
  names.servers.get(names.resolver)!.push(...zone);
  names.servers.set("192.0.2.90", zone);
  assertEquals(await look(names), { missing: [], unanswered: [], ttl: 600_000, records: [record] });
  change(names, "192.0.2.90", tlsa("mail.dane.org", old));
  assertEquals((await look(names)).missing, ["ns.dane.org (192.0.2.90) has no TLSA for it at " + service]);
});

Deno.test("observe(): the largest TTL of all, be it a server's, the resolver's or an alias's", async () => {
  for (const address of ["127.0.0.53", "192.0.2.1", "2001:db8::2"]) {
    const names = makeNames([tlsa(service, record, 60)]);
    change(names, address, tlsa(service, record, 7200));
    assertEquals((await look(names)).ttl, 7_200_000, address);
  }
  const alias = (ttl: number): Entry => ({ name: service, type: "CNAME", ttl, data: "_dane.example.org" });
  const names = makeNames([alias(60), tlsa("_dane.example.org", record, 60)]);
  assertEquals((await look(names)).ttl, 60_000);
  change(names, "192.0.2.2", alias(7200));
  assertEquals(await look(names), { missing: [], unanswered: [], ttl: 7_200_000, records: [record] });
});

Deno.test("observe(): the zone above is asked once for all services in a zone", async () => {
  const names = calm();
  const both = [...services, { ...services[0], name: "_443._tcp.www.example.org" }];
  await observe({ services: both, resolver: { address: names.resolver, port: 53 } }, keys, names);
  assertEquals(names.asked.filter((each) => each.startsWith(names.above)), ["192.0.2.7 example.org NS"]);
});

Deno.test("observe(): nothing that DNS says reaches a terminal as it is", async () => {
  const evil = "\x1b]0;owned\x07\u202eevil\n.example.org";
  const arrangements: ((names: Names) => void)[] = [
    (names) => {
      names.servers.get(names.resolver)!.push({ name: "example.org", type: "NS", data: evil });
    },
    (names) => {
      names.delegation.push({ name: "example.org", type: "NS", data: evil }, {
        name: evil,
        type: "A",
        data: "192.0.2.9",
      });
    },
    (names) => change(names, names.resolver, { name: service, type: "CNAME", data: evil }),
    (names) => change(names, "192.0.2.1", { name: service, type: "CNAME", data: evil }),
    (names) => void names.broken.set("192.0.2.1", `answered ${evil}`),
    (names) => void names.broken.set(names.resolver, `answered ${evil}`),
    (names) => {
      const all = names.servers.get(names.resolver)!;
      all.find((each) => each.type === "SOA")!.name = evil;
    },
  ];
  for (const [i, arrange] of arrangements.entries()) {
    const names = calm();
    arrange(names);
    const resolver = { address: names.resolver, port: 53 };
    const lines = problemsIn(await observe({ services, resolver }, keys, names)).map(({ text }) => text);
    assert(lines.length > 0, `arrangement ${i} does nothing`);
    // deno-lint-ignore no-control-regex
    assert(lines.every((each) => !/[\x00-\x1f\x7f-\x9f\u202e]/.test(each)), JSON.stringify(lines));
  }
});
