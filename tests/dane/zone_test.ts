/** In which zone a name is, and which servers give out what it says. */
import { Buffer } from "node:buffer";
import packet from "dns-packet";
import { assertEquals, assertRejects } from "../kit/assert.ts";
import { serverAddresses, serversOf, zoneOf } from "../../lib/dane/zone.ts";
import { makeNames } from "../kit/name_server.ts";

const names = makeNames([
  { name: "www.example.org", type: "CNAME", data: "host.org" },
  { name: "_acme-challenge.www.example.org", type: "CNAME", data: "challenge.org" },
]);
const resolver = { address: names.resolver, port: 53 };

Deno.test("zoneOf(): the zone of the name itself, where it is an alias, or below one", async () => {
  assertEquals(await zoneOf(names, resolver, "_25._tcp.mail.example.org"), "example.org");
  assertEquals(await zoneOf(names, resolver, "EXAMPLE.org"), "example.org");
  assertEquals(await zoneOf(names, resolver, "www.example.org"), "example.org");
  assertEquals(await zoneOf(names, resolver, "_acme-challenge.www.example.org"), "example.org");
  assertEquals(await zoneOf(names, resolver, "other.org"), "org");
  await assertRejects(() => zoneOf(names, resolver, "example.com"), /^DnsError|Error: is in no known zone/);
});

Deno.test("zoneOf(): a zone that the name is not in is none", async () => {
  const foreign = { mname: "ns.example.net", rname: "root.example.net" };
  const wrong = {
    exchangeDns(_: unknown, message: Uint8Array<ArrayBuffer>) {
      const { id, questions } = packet.streamDecode(Buffer.from(message))!;
      const authorities = [{ name: "example.net", type: "SOA", data: foreign }];
      return Promise.resolve(
        new Uint8Array(packet.streamEncode({ type: "response", id, questions, authorities })),
      );
    },
  };
  await assertRejects(() => zoneOf(wrong, resolver, "example.org"), /is in no known zone/);
  await assertRejects(() => zoneOf(wrong, resolver, "other-example.net"), /is in no known zone/);
  assertEquals(await zoneOf(wrong, resolver, "www.example.net"), "example.net");
});

Deno.test("serversOf(): of the zone itself and of the zone above, each with its glue", async () => {
  assertEquals(await serversOf(names, resolver, "example.org"), [
    { name: "ns1.example.org", glue: ["192.0.2.1"] },
    { name: "ns2.example.org", glue: ["192.0.2.2", "2001:db8::2"] },
  ]);
  const odd = { name: "ns1.example.org", glue: ["192.0.2.1", "192.0.2.77"] };
  assertEquals(await serverAddresses(names, resolver, odd), ["192.0.2.1", "192.0.2.77"]);
  assertEquals(await serverAddresses(names, resolver, { name: "none.example.org", glue: ["192.0.2.77"] }), [
    "192.0.2.77",
  ]);
  await assertRejects(
    () => serverAddresses(names, resolver, { name: "none.example.org", glue: [] }),
    /no address/,
  );
});

const many = (count: number, name = (i: number) => `n${i}.example.org`) =>
  Array.from({ length: count }, (_, i) => ({ name: "example.org", type: "NS", data: name(i) }));

Deno.test("serversOf(): no more than twenty in both sets together", async () => {
  const names = makeNames([]);
  names.delegation.push(...many(18));
  assertEquals((await serversOf(names, resolver, "example.org")).length, 20);
  names.servers.get(names.resolver)!.push(...many(1, () => "another.example.org"));
  await assertRejects(() => serversOf(names, resolver, "example.org"), /which has more than 20 servers/);
});

Deno.test("serversOf(): a referral to another zone is none", async () => {
  const names = makeNames([]);
  names.delegation.splice(0, Infinity, { name: "org", type: "NS", data: "elsewhere.example.net" });
  await assertRejects(() => serversOf(names, resolver, "example.org"), /that does not speak for that zone/);
});

Deno.test("serversOf(): six addresses of servers for the zone above are tried, one after the other", async () => {
  const names = makeNames([]);
  const entries = names.servers.get(names.resolver)!;
  entries.splice(
    0,
    Infinity,
    ...entries.filter((each) => each.name !== "a.nic.org" && each.data !== "a.nic.org"),
  );
  for (let i = 0; i < 9; i++) {
    entries.push({ name: "org", type: "NS", data: `${i}.nic.org` }, {
      name: `${i}.nic.org`,
      type: "A",
      data: `198.51.100.${i}`,
    });
    names.broken.set(`198.51.100.${i}`, "lost");
  }
  await assertRejects(
    () => serversOf(names, resolver, "example.org"),
    /org has a server 5\.nic\.org \(198\.51\.100\.5\)/,
  );
  const tried = names.asked.filter((each) => each.startsWith("198.51.100."));
  assertEquals(tried.length, 6);
  entries.find((each) => each.name === "3.nic.org")!.data = names.above;
  names.asked.length = 0;
  assertEquals((await serversOf(names, resolver, "example.org")).length, 2);
  assertEquals(names.asked.filter((each) => each.startsWith("198.51.100.")).length, 3);
});
