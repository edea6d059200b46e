/** The old key's record goes, and its certificate is revoked, when services have the new one: looked at, not assumed. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeNames } from "../kit/name_server.ts";
import type { Issued } from "../kit/scripted_ca.ts";
import { Simulation } from "../kit/simulation.ts";

const day = 24 * 3_600_000;
const service = "_443._tcp.www.example.org";
const tlsa = `services = ${service}\nresolver = 127.0.0.53\ncheck = served`;

/** A line whose service presents what it is told to. */
async function begin(hookNames: string[]) {
  const simulation = await Simulation.begin();
  const { line, ca } = simulation;
  const served: { certificate?: Issued; address?: string } = {};
  line.world.exchangeDns =
    makeNames([{ name: "www.example.org", type: "A", data: "192.0.2.80" }]).exchangeDns;
  line.world.peerCertificate = () => {
    if (served.address) return Promise.reject(Object.assign(new Error("no route"), { code: served.address }));
    return Promise.resolve((served.certificate ?? [...ca.certificates.values()].at(-1)!).der);
  };
  const hooks = (await line.makeHooks()).split("\n").filter((each) =>
    hookNames.some((name) => each.startsWith(`post-${name} `))
  ).join("\n");
  const settings = { head: "key-type = ecdsa\n", domains: ["www.example.org"], hooks, tlsa };
  await line.configure(settings);
  assertEquals((await line.run("-k", "init")).exit, 0);
  await line.hookLog();
  served.certificate = [...ca.certificates.values()][0];
  await line.configure({ ...settings, head: "key-type = ecdsa\nkey-length = 384\n" });
  simulation.time += day;
  return { simulation, served };
}

const ran = (log: string[]) => log.filter((each) => each.startsWith("/"));
const records = (out: string[]) => new Set(out.map((each) => each.split(" ").at(-1))).size;

for (const hooks of [["keychange"], ["certchange", "keychange"]]) {
  Deno.test(`with ${hooks.join(" and ")}: post-keychange waits until every service has the new key`, async () => {
    const { simulation, served } = await begin(hooks);
    await using _ = simulation;
    const { line } = simulation;
    for (const address of [undefined, "ENETUNREACH", "ECONNREFUSED"]) {
      served.address = address;
      assertEquals((await line.run("-k", "cron")).exit, 3, address);
      assert(!ran(await line.hookLog()).includes("/keychange"), address);
      assertEquals(records((await line.run("tlsa")).out), 2, "the old key's record stays");
      simulation.time += day;
    }
    served.address = served.certificate = undefined;
    assertEquals((await line.run("-k", "cron")).exit, 0);
    assert(ran(await line.hookLog()).includes("/keychange"));
    assertEquals(records((await line.run("tlsa")).out), 1);
  });
}
