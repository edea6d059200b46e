/** TXT records of challenges: where aliases lead, and whether every server has them before the CA looks. */
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { awaitTexts, placeOf, textIn } from "../../lib/dane/txt.ts";
import { type Entry, makeNames, type Names } from "../kit/name_server.ts";

const label = "_acme-challenge";
const optionsOf = (names: Names) => ({ resolver: { address: names.resolver, port: 53 } });
const txt = (name: string, ...strings: string[]): Entry => ({
  name,
  type: "TXT",
  data: strings.map((each) => Buffer.from(each)),
});

Deno.test("placeOf(): the name itself, below a wildcard's star, and where aliases lead", async () => {
  const names = makeNames([
    { name: "_acme-challenge.www.example.org", type: "CNAME", data: "a.example.org" },
    { name: "a.example.org", type: "CNAME", data: "b.challenge.org" },
  ]);
  const find = async (name: string) => (await placeOf(names, { label, name }, optionsOf(names)));
  assertEquals(await find("example.org"), {
    asked: "_acme-challenge.example.org",
    owner: "_acme-challenge.example.org",
    names: ["_acme-challenge.example.org"],
  });
  assertEquals((await find("*.Example.org")).owner, "_acme-challenge.example.org");
  assertEquals(await find("www.example.org"), {
    asked: "_acme-challenge.www.example.org",
    owner: "b.challenge.org",
    names: ["_acme-challenge.www.example.org", "a.example.org", "b.challenge.org"],
  });
  names.broken.set(names.resolver, "lost");
  await assertRejects(
    () => find("example.org"),
    /can't be looked up: the resolver 127\.0\.0\.53 gives no answer/,
  );
});

Deno.test("placeOf(): eight aliases, not nine, and no circle", async () => {
  const chain = (count: number): Entry[] =>
    Array.from({ length: count }, (_, i) => ({
      name: i === 0 ? "_acme-challenge.example.org" : `a${i}.example.org`,
      type: "CNAME",
      data: `a${i + 1}.example.org`,
    }));
  const find = (names: Names) => placeOf(names, { label, name: "example.org" }, optionsOf(names));
  assertEquals((await find(makeNames(chain(8)))).owner, "a8.example.org");
  await assertRejects(() => find(makeNames(chain(9))), /more than 8 aliases/);
  const circle = [...chain(1), {
    name: "a1.example.org",
    type: "CNAME",
    data: "_acme-challenge.example.org",
  }];
  await assertRejects(() => find(makeNames(circle)), /more than 8 aliases/);
});

Deno.test("textIn(): strings put together; what is damaged is none", () => {
  const record = (data: unknown) => ({ name: "a", type: "TXT", ttl: 1, data });
  assertEquals(textIn(record([Buffer.from("ab"), Buffer.from("c")])), "abc");
  assertEquals(textIn(record([])), "");
  for (const data of [null, "abc", [1], undefined]) assertEquals(textIn(record(data)), undefined);
});

/** A network in which time passes only by waiting, and something happens at each wait. */
function timed(names: Names, happens: (waited: number) => void = () => {}) {
  let now = 1e6;
  return {
    exchangeDns: names.exchangeDns,
    uptime: () => now,
    sleep(ms: number) {
      now += ms;
      happens(now - 1e6);
      return Promise.resolve();
    },
  };
}

const place = await placeOf(makeNames([]), { label, name: "example.org" }, optionsOf(makeNames([])));
const put = (names: Names, address: string, ...values: string[]) => {
  const kept = names.servers.get(address)!.filter(({ type }) => type !== "TXT");
  names.servers.set(address, [...kept, ...values.map((each) => txt(place.owner, each))]);
};
const authorities = ["192.0.2.1", "192.0.2.2", "2001:db8::2"];

Deno.test("awaitTexts(): at once where all is there, other values beside it or not", async () => {
  const names = makeNames([]);
  for (const address of authorities) put(names, address, "stale", "one", "two");
  const network = timed(names, () => assert(false, "it waited"));
  const options = { ...optionsOf(names), deadline: 300_000 };
  assertEquals(await awaitTexts(network, [{ place, values: ["one", "two"] }], options), []);
});

Deno.test("awaitTexts(): until the last address of the last server has the last value", async () => {
  const names = makeNames([]);
  for (const address of authorities) put(names, address, "one", ...address.includes(":") ? [] : ["two"]);
  const network = timed(names, (waited) => {
    if (waited >= 60_000) put(names, "2001:db8::2", "one", "two");
  });
  const options = { ...optionsOf(names), deadline: 300_000 };
  assertEquals(await awaitTexts(network, [{ place, values: ["one", "two"] }], options), []);
  assert(network.uptime() - 1e6 >= 60_000 && network.uptime() - 1e6 <= 75_000);
});

Deno.test("awaitTexts(): at the deadline, who lacks what, or gives no answer", async () => {
  const names = makeNames([]);
  put(names, "192.0.2.1", "one");
  put(names, "192.0.2.2", "wrong", "one two");
  names.lame.add("2001:db8::2");
  names.delegation.push(
    { name: "example.org", type: "NS", data: "ns3.example.org" },
    { name: "ns3.example.org", type: "A", data: "192.0.2.3" },
  );
  const network = timed(names);
  const options = { ...optionsOf(names), deadline: 300_000 };
  assertEquals(
    await awaitTexts(network, [{ place, values: ["one", "two"] }], options),
    [
      'ns1.example.org (192.0.2.1) has no TXT "two" at _acme-challenge.example.org',
      'ns2.example.org (192.0.2.2) has no TXT "one" at _acme-challenge.example.org',
      'ns2.example.org (192.0.2.2) has no TXT "two" at _acme-challenge.example.org',
      "ns2.example.org (2001:db8::2) does not speak for the zone at _acme-challenge.example.org",
      "ns3.example.org (192.0.2.3) refuses the connection at _acme-challenge.example.org",
    ],
  );
  assert(network.uptime() - 1e6 <= 300_000 && network.uptime() - 1e6 > 280_000);
});

Deno.test("awaitTexts(): along an alias, the servers of both zones are asked", async () => {
  const challenge: Entry[] = [
    { name: "challenge.org", type: "SOA", data: { mname: "ns.challenge.org", rname: "root.challenge.org" } },
    { name: "challenge.org", type: "NS", data: "ns.challenge.org" },
    { name: "ns.challenge.org", type: "A", data: "192.0.2.90" },
    txt("a.challenge.org", "one"),
  ];
  const names = makeNames([{ name: "_acme-challenge.example.org", type: "CNAME", data: "a.challenge.org" }]);
  names.servers.get(names.resolver)!.push(...challenge);
  names.servers.set("192.0.2.90", challenge);
  const options = { ...optionsOf(names), deadline: 0 };
  const far = await placeOf(names, { label, name: "example.org" }, options);
  const look = () => awaitTexts(timed(names), [{ place: far, values: ["one"] }], options);
  assertEquals(await look(), []);
  // One server of the first zone does not have the alias yet.
  const entries = names.servers.get("192.0.2.2")!;
  names.servers.set("192.0.2.2", entries.filter(({ type }) => type !== "CNAME"));
  assertEquals(await look(), ['ns2.example.org (192.0.2.2) has no TXT "one" at _acme-challenge.example.org']);
});
