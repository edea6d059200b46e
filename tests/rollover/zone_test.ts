/** What we read of a real zone, at every one of its servers: BIND answers, unbound validates. */
import { assert, assertEquals } from "../kit/assert.ts";
import { observe } from "../../lib/dane/announced.ts";
import { caaProblems } from "../../lib/dane/caa_lookup.ts";
import { dnssecProblems } from "../../lib/dane/dnssec.ts";
import { dnsBy } from "../../lib/dane/everywhere.ts";
import { exchangeDns } from "../../lib/dane/peer.ts";
import { awaitTexts, placeOf } from "../../lib/dane/txt.ts";
import { claimAddresses } from "../kit/rig/addresses.ts";
import { command, missingPrograms } from "../kit/rig/daemon.ts";
import { startResolver } from "../kit/rig/resolver.ts";
import { startZone, zoneName } from "../kit/rig/zone.ts";
import { startZoneAbove } from "../kit/rig/zone_above.ts";

const programs = ["named", "rndc", "tsig-keygen", "nsupdate", "dnssec-dsfromkey", "unbound", "ip"];
const missing = [...await missingPrograms(programs), ...Deno.uid() === 0 ? [] : ["to be root"]];
const ignore = missing.length > 0;
if (ignore) console.error(`SKIPPED: reading a real zone needs ${missing.join(", ")}`);

const network = {
  exchangeDns,
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 500))),
  uptime: () => performance.now(),
};

Deno.test({ name: "a real zone: TLSA, TXT, CAA and signatures at every server", ignore }, async (t) => {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-zone-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const { at } = stack.use(await claimAddresses(6));
  const [primary, secondary, hidden, above, address, nowhere] = [1, 2, 3, 4, 5, 6].map(at);
  const names = { www: nowhere, mail: nowhere };
  const place = { primary, secondary, hidden, nowhere, names };
  const zone = stack.use(await startZone(`${folder}/zone`, place, "updates"));
  const [, , , ...signer] = (await command("dnssec-dsfromkey", "-2", "-f", zone.anchor, zoneName)).trim()
    .split(/\s+/);
  const servers = [primary, secondary, hidden];
  stack.use(await startZoneAbove(`${folder}/above`, above, servers, [signer.join(" ")]));

  const update = async (...lines: string[]) => {
    const { server, key } = zone.settings.nsupdate;
    const file = `${folder}/update`;
    await Deno.writeTextFile(file, [`server ${server}`, ...lines, "send", ""].join("\n"));
    await command("nsupdate", "-v", "-k", key, file);
  };
  const service = `_443._tcp.www.${zoneName}`;
  const data = "5a".repeat(32);
  await update(`update add ${service}. 2 TLSA 3 1 1 ${data}`);
  stack.use(await startResolver(`${folder}/resolver`, address, { above, zone }));
  const resolver = { address, port: 53 };

  await t.step("TLSA: the resolver's word counts, and that of a signing server on this machine", async () => {
    const services = [{ name: service, host: `www.${zoneName}`, port: 443, protocol: "tls" as const }];
    const look = async (address: string) =>
      (await observe({ services, resolver: { address, port: 53 } }, [], network)).get(service)!;
    // The resolver may have asked a secondary before the record came.
    let { unanswered, records, ttl } = await look(address);
    for (let tries = 0; records.length === 0 && tries < 20; tries++) {
      await network.sleep(500);
      ({ unanswered, records, ttl } = await look(address));
    }
    assertEquals([unanswered, records.map((record) => record.data)], [[], [data]]);
    assert(ttl <= 2000 && ttl > 0);
    // The primary knows nothing of the zone above; but what it says of its own is signed.
    const found = await look(primary);
    assertEquals([found.unanswered.length, found.records.map((record) => record.data)], [1, [data]]);
    assert(
      /^_443\._tcp\.www.* can't be looked up: the resolver 127\.\S+ answers REFUSED$/.test(
        found.unanswered[0],
      ),
      found.unanswered[0],
    );
  });

  await t.step("TXT: also at a secondary that only the zone above knows", async () => {
    await update(
      `update add _acme-challenge.www.${zoneName}. 2 CNAME challenge.${zoneName}.`,
      `update add challenge.${zoneName}. 2 TXT "one" "two"`,
      `update add challenge.${zoneName}. 2 TXT "three"`,
    );
    const label = "_acme-challenge";
    let place = await placeOf(network, { label, name: `www.${zoneName}` }, { resolver });
    // The resolver may have asked a secondary before the alias came.
    for (let tries = 0; place.owner === place.asked && tries < 20; tries++) {
      await network.sleep(500);
      place = await placeOf(network, { label, name: `www.${zoneName}` }, { resolver });
    }
    assertEquals(place.owner, `challenge.${zoneName}`);
    const look = (value: string, deadline: number) =>
      awaitTexts(network, [{ place, values: [value, "three"] }], { resolver, deadline });
    assertEquals(await look("onetwo", 10_000), []);
    await zone.lag("hidden");
    await update(`update add challenge.${zoneName}. 2 TXT "four"`);
    assertEquals(await look("four", 3000), [
      `ns3.${zoneName} (${hidden}) has no TXT "four" at challenge.${zoneName}`,
    ]);
    await zone.catchUp("hidden");
    assertEquals(await look("four", 10_000), []);
  });

  await t.step("CAA: as a CA reads it", async () => {
    const issuance = { issuers: ["letsencrypt.org"], accountUrl: "https://a.test/1", method: "dns-01" };
    const look = () => caaProblems(dnsBy(network, resolver), `www.${zoneName}`, issuance);
    const until = async (wanted: string[]) => {
      let found = await look();
      for (let tries = 0; tries < 30 && found.join() !== wanted.join(); tries++) {
        await network.sleep(200);
        found = await look();
      }
      assertEquals(found, wanted);
    };
    await until([]);
    const add = (value: string) => update(`update add ${zoneName}. 2 CAA 0 issue "${value}"`);
    await add("letsencrypt.org\\; accounturi=https://a.test/2");
    await until([`CAA of ${zoneName} has no "issue" that fits: one is for the account https://a.test/2`]);
    await add("letsencrypt.org\\; validationmethods=dns-01\\; accounturi=https://a.test/1");
    await until([]);
  });

  await t.step("DNSSEC: whole, and with a zone above that vouches for another key", async () => {
    const look = () => dnssecProblems(dnsBy(network, resolver), zoneName, new Date());
    assertEquals(await look(), []);
    const later = new Date(Date.now() + 400 * 86_400_000);
    const expired = await dnssecProblems(dnsBy(network, resolver), zoneName, later);
    assert(
      expired.length >= 3 && expired.every((each) => / has a signature that expired /.test(each)),
      expired.join(),
    );
    const zoneFile = `${folder}/above/zone`;
    const text = await Deno.readTextFile(zoneFile);
    await Deno.writeTextFile(
      zoneFile,
      text.replace(/(IN DS \d+ \d+ \d+ )..../, "$10000").replace(" 1 300 ", " 2 300 "),
    );
    Deno.kill(Number(await Deno.readTextFile(`${folder}/above/pid`)), "SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, 3500));
    const found = await look();
    assert(
      found.some((each) => /has no key of example\.test that the zone above vouches for/.test(each)),
      found.join(),
    );
  });
});
