/** Whom questions reach: addresses that are too many, that are on this machine, and services that are told which name is meant. */
import { createServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { assertEquals, assertRejects } from "../kit/assert.ts";
import { observe } from "../../lib/dane/announced.ts";
import { recordsFor } from "../../lib/dane/records.ts";
import { addresses, isOnThisMachine } from "../../lib/dane/resolver.ts";
import { peerCertificate } from "../../lib/dane/starttls.ts";
import { makeNames, tlsa } from "../kit/name_server.ts";
import { makeTlsCertificate } from "../kit/pebble.ts";

Deno.test("isOnThisMachine(): the loopback addresses, and no others", () => {
  const own = ["127.0.0.1", "127.0.0.53", "127.255.0.1", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"];
  const others = [
    "10.0.0.1",
    "192.0.2.1",
    "128.0.0.1",
    "127.0.0.1.example.org",
    "::2",
    "fe80::1",
    "2001:db8::1",
  ];
  for (const address of own) assertEquals([address, isOnThisMachine({ address, port: 53 })], [address, true]);
  for (const address of others) {
    assertEquals([address, isOnThisMachine({ address, port: 53 })], [address, false]);
  }
});

Deno.test("addresses(): at most twenty, since each is asked", async () => {
  const of = (count: number) =>
    makeNames(Array.from({ length: count }, (_, i) => ({
      name: "mail.example.org",
      type: "A",
      data: `192.0.2.${i + 1}`,
    })));
  const look = (count: number) => {
    const names = of(count);
    return addresses(names, { address: names.resolver, port: 53 }, "mail.example.org");
  };
  assertEquals((await look(20)).length, 20);
  await assertRejects(() => look(21), /has more than 20 addresses/);
});

Deno.test("peerCertificate(): tells the service which name is meant", async () => {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  await makeTlsCertificate(folder);
  const [cert, key] = ["crt", "key"].map((end) => Deno.readTextFileSync(`${folder}/tls.${end}`));
  await Deno.remove(folder, { recursive: true });
  const asked: string[] = [];
  const server = createServer({
    cert,
    key,
    SNICallback(name, callback) {
      asked.push(name);
      callback(null);
    },
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await peerCertificate({ address: "127.0.0.1", port }, "mail.example.org", "tls");
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  assertEquals(asked, ["mail.example.org"]);
});

Deno.test("observe(): a machine without IPv6 believes what the same server says over IPv4", async () => {
  const name = "_25._tcp.mail.example.org";
  const publicKey = new Uint8Array(60).fill(7);
  const [record] = await recordsFor(publicKey, [[3, 1, 1]]);
  const names = makeNames([tlsa(name, record)]);
  names.broken.set("2001:db8::2", "connect ENETUNREACH");
  const services = [{ name, host: "mail.example.org", port: 25, protocol: "smtp" as const }];
  const keys = [{ called: "it", chain: [{ certificate: new Uint8Array(200), publicKey }] }];
  const resolver = { address: names.resolver, port: 53 };
  const seen = (await observe({ services, resolver }, keys, names)).get(name)!;
  assertEquals([seen.missing, seen.unanswered], [[], []]);
});
