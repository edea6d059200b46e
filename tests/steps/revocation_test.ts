/** What is to be revoked is never forgotten, and never revoked too early. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeNames } from "../kit/name_server.ts";
import { refuse, type RequestKind } from "../kit/scripted_ca.ts";
import { Simulation } from "../kit/simulation.ts";

const hour = 3_600_000;
const day = 24 * hour;
const staged = { timing: { "staging-hours": "48" } };

/** Something in front of the CA answers requests of this kind so, until it is mended. */
const obstruct = ({ ca }: Simulation, kind: RequestKind, status = 503, problem = "serverInternal") => {
  ca.intercepts = (each) => each === kind;
  ca.fault = (exchange) => exchange.kind === kind && void refuse(status, problem)(exchange.answer);
};

const mend = ({ ca }: Simulation) => {
  ca.intercepts = ca.fault = undefined;
};

/** Serial numbers of what has been revoked, with the reason and whose key signed that. */
const revoked = ({ ca }: Simulation) =>
  Object.fromEntries(
    ca.revocations.map(({ certificate, reason, by }) => [certificate.serial, `${reason} ${by}`]),
  );

/** Every certificate that was issued for the key of the first. */
const ofFirstKey = ({ ca }: Simulation) => {
  const all = [...ca.certificates.values()];
  return all.filter(({ keyId }) => keyId === all[0].keyId);
};

async function begin(settings = {}): Promise<Simulation> {
  const simulation = await Simulation.begin(settings);
  assertEquals((await simulation.line.run("init")).exit, 0);
  simulation.time += day;
  return simulation;
}

Deno.test("a CA that is busy when a stolen key's certificates are to be revoked is asked again", async () => {
  await using simulation = await begin();
  obstruct(simulation, "revokeCert");
  assertEquals((await simulation.line.run("compromise")).exit, 75);
  assertEquals(revoked(simulation), {});
  simulation.time += day;
  assertEquals((await simulation.line.run("cron")).exit, 75);
  mend(simulation);
  simulation.time += 2 * day;
  assertEquals((await simulation.line.run("cron")).exit, 0);
  const [first] = simulation.ca.certificates.values();
  assertEquals(revoked(simulation), { [first.serial]: "1 certificate key" });
  assert(simulation.ca.blockedKeys.has(first.keyId));
});

Deno.test("a key is stolen while a revocation is pending: all its certificates are revoked, once another is live", async () => {
  await using simulation = await begin(staged);
  const { line } = simulation;
  obstruct(simulation, "newOrder");
  assertEquals((await line.run("revoke")).exit, 75);
  mend(simulation);
  simulation.time += hour;
  assertEquals((await line.run("compromise")).exit, 75);
  assertEquals([revoked(simulation), ofFirstKey(simulation).length], [{}, 1]);
  simulation.time += 3 * day;
  assertEquals((await line.run("cron")).exit, 0);
  const reasons = ofFirstKey(simulation).map(({ serial }) => revoked(simulation)[serial]);
  assertEquals(reasons, reasons.map(() => "1 certificate key"));
  // The next of the same names is staged, so that another theft costs no time.
  assert((await line.read("keys/staging.key")).includes("PRIVATE KEY"));
});

Deno.test("a certificate that was issued and never installed is revoked too when its key is stolen", async () => {
  for (const kind of ["certificate", "order"] as const) {
    await using simulation = await begin();
    const { line } = simulation;
    obstruct(simulation, kind);
    assertEquals((await line.run("renew")).exit, 75);
    mend(simulation);
    simulation.time += 2 * hour;
    assertEquals((await line.run("compromise")).exit, 0);
    simulation.time += 2 * day;
    assertEquals((await line.run("cron")).exit, 0);
    const all = ofFirstKey(simulation);
    assertEquals(
      all.map(({ serial }) => revoked(simulation)[serial]),
      all.map(() => "1 certificate key"),
      kind,
    );
  }
});

Deno.test("a certificate that our checks refused is revoked too when its key is stolen", async () => {
  await using simulation = await begin();
  const { line, ca } = simulation;
  ca.content = (content) => ({ ...content, domains: [...content.domains!, "evil.example"] });
  assertEquals((await line.run("renew")).exit, 1);
  ca.content = undefined;
  simulation.time += 2 * hour;
  assertEquals((await line.run("compromise")).exit, 0);
  assertEquals(ofFirstKey(simulation).map(({ serial }) => revoked(simulation)[serial]), [
    "1 certificate key",
    "1 certificate key",
  ]);
});

Deno.test("a stolen key gets no other certificate, whatever had failed before", async () => {
  await using simulation = await begin(staged);
  const { line } = simulation;
  obstruct(simulation, "finalize", 403, "unauthorized");
  assertEquals((await line.run("revoke")).exit, 1);
  simulation.time += 2 * hour;
  assertEquals((await line.run("compromise")).exit !== 0, true);
  mend(simulation);
  for (let i = 0; i < 6; i++) {
    simulation.time += day;
    await line.run("cron");
  }
  assertEquals(ofFirstKey(simulation).length, 1);
  assert((await line.read("certs/live.crt")) !== ofFirstKey(simulation)[0].chain);
});

Deno.test("a revocation that the CA refuses for good names the certificate, and is not asked for again", async () => {
  await using simulation = await begin();
  const { line, ca } = simulation;
  const [first] = ca.certificates.values();
  obstruct(simulation, "revokeCert", 403, "unauthorized");
  const { exit, err } = await line.run("revoke");
  assertEquals([exit, err.length], [1, 1], err.join("\n"));
  assert(err[0].toLowerCase().includes(first.serial.replace(/^0+/, "")), err[0]);
  assert(/because of unauthorized/.test(err[0]), err[0]);
  const requests = () => ca.requests.filter(({ kind }) => kind === "revokeCert").length;
  const before = requests();
  simulation.time += 2 * day;
  assertEquals(await line.run("cron"), { exit: 0, out: [], err: [] });
  assertEquals(requests(), before);
});

Deno.test("what services still serve is not revoked, without and with hooks", async () => {
  await using simulation = await Simulation.begin();
  const { line, ca } = simulation;
  let served: Uint8Array<ArrayBuffer> | undefined;
  line.world.exchangeDns =
    makeNames([{ name: "www.example.org", type: "A", data: "192.0.2.80" }]).exchangeDns;
  line.world.peerCertificate = () => Promise.resolve(served ?? [...ca.certificates.values()].at(-1)!.der);
  const hooks = await line.makeHooks();
  const service = "_443._tcp.www.example.org";
  const settings = {
    domains: ["www.example.org"],
    hooks,
    tlsa: `services = ${service}\nresolver = 127.0.0.53\ncheck = served`,
  };
  await line.configure({ head: "key-type = ecdsa\n", ...settings });
  assertEquals((await line.run("-k", "init")).exit, 0);
  const [old] = ca.certificates.values();
  served = old.der;
  simulation.time += day;
  for (const options of [["-k"], ["-k"], []]) {
    await line.run(...options, options.length > 0 && ca.revocations.length === 0 ? "compromise" : "cron");
    assertEquals(revoked(simulation), {}, options.join());
    simulation.time += day;
  }
  served = undefined;
  await line.run("-k", "cron");
  assertEquals(revoked(simulation), { [old.serial]: "1 certificate key" });
});
