/** What a fresh pair of eyes found: cases in which something stayed silent, was forgotten, or came out as garbage. */
import { assert, assertEquals } from "../kit/assert.ts";
import type { Memory } from "../../lib/line/memory.ts";
import { boulder } from "../kit/ca/boulder.ts";
import { refuse } from "../kit/scripted_ca.ts";
import { Simulation } from "../kit/simulation.ts";

const hour = 3_600_000;
const day = 24 * hour;
const silent = { exit: 0, out: [], err: [] };
const certificates = /-----BEGIN CERTIFICATE-----\n[\w+/=\n]+?-----END CERTIFICATE-----\n/g;

/** Changes what a line remembers, as a clock that ran ahead or an earlier run could have. */
async function remember({ line }: Simulation, change: (memory: Memory) => void): Promise<void> {
  const path = `${line.folder}/keys/.live.state.json`;
  const { crc32: _, ...memory } = JSON.parse(await Deno.readTextFile(path));
  change(memory);
  await Deno.writeTextFile(path, JSON.stringify(memory));
}

const recall = async ({ line }: Simulation): Promise<Memory> =>
  JSON.parse(await line.read("keys/.live.state.json"));

Deno.test("derived files are right whatever line ends live.crt has", async () => {
  await using simulation = await Simulation.begin({ files: "outputs = leaf chain key+leaf" });
  const { line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  const chain = await line.read("certs/live.crt");
  const [leaf, ...others] = chain.match(certificates)!;
  const key = await line.read("keys/live.key");
  for (
    const text of [chain.replaceAll("\n", "\r\n"), chain.trimEnd(), chain.trimEnd().replaceAll("\n", "\r\n")]
  ) {
    await Deno.writeTextFile(`${line.folder}/certs/live.crt`, text);
    assertEquals((await line.run("cron")).exit, 0);
    const written = await Promise.all(
      ["certs/live.leaf", "certs/live.chain", "keys/live.key+leaf"].map(line.read),
    );
    assertEquals(written.map((each) => each.replaceAll("\r\n", "\n")), [leaf, others.join(""), key + leaf]);
  }
  await Deno.writeTextFile(`${line.folder}/certs/live.crt`, leaf.trimEnd());
  assertEquals((await line.run("cron")).exit, 0);
  assertEquals(await line.read("certs/live.leaf"), leaf);
});

Deno.test("the CA is asked again when to renew, though a clock that ran ahead put it off for years", async () => {
  await using simulation = await Simulation.begin();
  const { ca, line } = simulation;
  ca.use(...boulder(ca));
  ca.lifetime = 90 * day;
  assertEquals((await line.run("init")).exit, 0);
  simulation.time += hour;
  assertEquals(await line.run("cron"), silent);
  const asked = () => ca.requests.filter(({ kind }) => kind === "renewalInfo").length;
  const before = asked();
  const future = new Date(simulation.time + 3650 * day).toISOString();
  await remember(simulation, ({ renewalInfo }) => {
    for (const each of Object.values(renewalInfo!.windows)) each.nextCheck = future;
  });
  simulation.time += hour;
  assertEquals(await line.run("cron"), silent);
  assertEquals(asked(), before + 1);
  // The same where the CA's directory had no such URL when the clock ran ahead.
  await remember(simulation, (memory) => {
    memory.renewalInfo = { directory: ca.directory, readAt: future, windows: {} };
  });
  simulation.time += hour;
  assertEquals(await line.run("cron"), silent);
  assertEquals(asked(), before + 2);
});

Deno.test("a compromise that the ledger holds back says so, and how to go on", async () => {
  await using simulation = await Simulation.begin();
  const { line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  for (let i = 0; i < 4; i++) {
    simulation.time += hour;
    assertEquals((await line.run("--force", "renew")).exit, 0);
  }
  simulation.time += hour;
  const { exit, err } = await line.run("compromise");
  assert(exit !== 0);
  assert(err.some((each) => /No certificate is asked for before .*limits/.test(each)), err.join("\n"));
  const { out } = await line.run("--force", "compromise");
  assertEquals(out.filter((each) => each.startsWith("Revoked")).length, 5);
});

Deno.test("what a person asked for and what is left is said each time", async () => {
  await using simulation = await Simulation.begin();
  const { line } = simulation;
  const hooks = await line.makeHooks();
  await line.configure({ head: "key-type = ecdsa\n", hooks });
  assertEquals((await line.run("-k", "init")).exit, 0);
  const expected = ["notice: the old certificate is revoked once post-certchange has run: use -k"];
  for (let i = 0; i < 2; i++) {
    simulation.time += hour;
    assertEquals((await line.run("revoke")).err, expected);
  }
  assertEquals((await line.run("cron")).err, []); // who is told once a day has been told
});

Deno.test("every refused revocation is told, since none of them is asked for again", async () => {
  await using simulation = await Simulation.begin();
  const { ca, line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  simulation.time += hour;
  assertEquals((await line.run("renew")).exit, 0);
  ca.fault = ({ kind, answer }) => void (kind === "revokeCert" && refuse(403, "unauthorized")(answer));
  const { err } = await line.run("compromise");
  assertEquals(err.filter((each) => each.includes("is not revoked, though no longer in use")).length, 2);
});

Deno.test("what was said is forgotten once it may be said again: the state file does not grow", async () => {
  await using simulation = await Simulation.begin();
  const { line } = simulation;
  const hooks = await line.makeHooks();
  await line.configure({ head: "key-type = ecdsa\n", hooks });
  assertEquals((await line.run("-k", "init")).exit, 0);
  const long = new Date(simulation.time - 30 * day).toISOString();
  await remember(simulation, (memory) => {
    memory.told = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`failure ${i}`, long]));
  });
  simulation.time += hour;
  assertEquals((await line.run("revoke")).err.length, 1);
  assertEquals(Object.keys((await recall(simulation)).told), ["revocation"]);
});

Deno.test("a copy of the key does not stay where it is not configured any more; what is not ours does", async () => {
  await using simulation = await Simulation.begin({ files: "outputs = key+crt" });
  const { line } = simulation;
  const names = () =>
    [...Deno.readDirSync(`${line.folder}/keys`)].map(({ name }) => name).filter((each) => each[0] !== ".");
  assertEquals((await line.run("init")).exit, 0);
  await line.configure({ head: "key-type = ecdsa\n", files: "outputs = crt+key" });
  await Deno.writeTextFile(`${line.folder}/keys/live.dh+key`, "somebody's");
  assertEquals(await line.run("cron"), silent);
  assertEquals(names().sort(), ["live.crt+key", "live.dh+key", "live.key"]);
  await line.configure({ head: "key-type = ecdsa\n" });
  assertEquals(await line.run("cron"), silent);
  assertEquals(names().sort(), ["live.dh+key", "live.key"]);
  // What somebody else puts there later is theirs.
  await Deno.writeTextFile(`${line.folder}/keys/live.crt+key`, "somebody's");
  assertEquals(await line.run("cron"), silent);
  assertEquals(names().sort(), ["live.crt+key", "live.dh+key", "live.key"]);
});

Deno.test("recover writes derived files: they fit the pair before a server starts", async () => {
  await using simulation = await Simulation.begin({ files: "outputs = key+crt" });
  const { line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  const path = `${line.folder}/keys/live.key+crt`;
  const before = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, "stale");
  assertEquals(await line.run("recover"), { exit: 0, out: [`Recovered: "${path}" from its pair`], err: [] });
  assertEquals(await Deno.readTextFile(path), before);
});

Deno.test("a configured chain that the CA doesn't have or can't send costs no certificate, and is said", async () => {
  await using simulation = await Simulation.begin();
  const { ca, line } = simulation;
  await line.configure({
    head: "key-type = ecdsa\n",
    challengeDir: `${ca.challengeDir}\npreferred-chain = Nowhere`,
  });
  const { exit, err } = await line.run("init");
  assertEquals([exit, err], [0, ['warning: the CA has no chain to "Nowhere": its default one is used']]);
  ca.fault = ({ kind, answer }) => {
    if (kind !== "certificate") return;
    answer.headers = { ...answer.headers, link: `<${ca.base}/nowhere>;rel="alternate"` };
  };
  simulation.time += hour;
  const again = await line.run("renew");
  assertEquals([again.exit, again.err.length, ca.certificates.size], [0, 1, 2]);
  assert(again.err[0].startsWith('warning: no chain to "Nowhere", the default one is used: '), again.err[0]);
});

Deno.test("permissions name the key of an external account", async () => {
  await using simulation = await Simulation.begin();
  const { ca, line } = simulation;
  await line.configure({
    head: "key-type = ecdsa\n",
    challengeDir: `${ca.challengeDir}\neab-kid = k\neab-key-file = /etc/eab/eab.key`,
  });
  const { out } = await line.run("permissions");
  assert(/--allow-read=\S*,\/etc\/eab\/eab\.key[, ]/.test(out[0]), out[0]);
});

Deno.test("a failure is over once what failed has been done: also a revocation", async () => {
  await using simulation = await Simulation.begin();
  const { ca, line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  ca.fault = ({ kind, answer }) => void (kind === "revokeCert" && refuse(503, "serverInternal")(answer));
  simulation.time += hour;
  assertEquals((await line.run("revoke")).exit, 75);
  ca.fault = undefined;
  simulation.time += hour;
  assertEquals((await line.run("cron")).exit, 0);
  assertEquals((await recall(simulation)).failures, undefined);
});

Deno.test("what lies in the place of a derived file stops no renewal", async () => {
  await using simulation = await Simulation.begin({ files: "outputs = key+crt" });
  const { line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  await Deno.remove(`${line.folder}/keys/live.key+crt`);
  await Deno.mkdir(`${line.folder}/keys/live.key+crt`);
  simulation.time += hour;
  const { exit, out, err } = await line.run("renew");
  assert(exit !== 0);
  assert(out.some((each) => each.startsWith("Obtained live certificate")), err.join("\n"));
  assert(err[0].includes("live.key+crt"), err[0]);
});

Deno.test("a memory that somebody else may write is not believed", async () => {
  await using simulation = await Simulation.begin();
  const { line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  await Deno.chmod(`${line.folder}/keys/.live.state.json`, 0o666);
  const { exit, err } = await line.run("cron");
  assertEquals(exit, 4);
  assert(err[0].startsWith("error: Everybody may write to"), err[0]);
});

Deno.test("a certificate for a stolen key that the CA is still issuing is revoked as soon as it is there", async () => {
  await using simulation = await Simulation.begin();
  const { ca, line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  let slow: string | undefined;
  ca.fault = ({ kind, answer }) => {
    const body = String(answer?.body ?? "");
    if (kind === "finalize") slow ??= JSON.parse(body).finalize;
    if (!slow || !body.includes('"finalize"') || !body.includes(slow)) return;
    const { certificate: _, ...order } = JSON.parse(body);
    if (order.status === "valid") answer.body = JSON.stringify({ ...order, status: "processing" });
  };
  simulation.time += hour;
  assertEquals((await line.run("renew")).exit, 75);
  assertEquals((await line.run("compromise")).exit, 75);
  slow = "nowhere";
  simulation.time += hour;
  assertEquals((await line.run("cron")).exit, 0);
  assertEquals([ca.certificates.size, ca.revocations.length], [3, 2]);
});
