/** From one key to the next: who may read it, when its time begins, and what a failure keeps back. */
import { assert, assertEquals } from "../kit/assert.ts";
import { refuse } from "../kit/scripted_ca.ts";
import { Simulation } from "../kit/simulation.ts";

const hour = 3_600_000;
const day = 24 * hour;
const longer = "key-type = ecdsa\nkey-length = 384\n";

for (const staging of ["0", "2"]) {
  Deno.test(`a key that a group may read stays so, staged for ${staging} hours`, async () => {
    await using simulation = await Simulation.begin();
    const { line } = simulation;
    assertEquals((await line.run("init")).exit, 0);
    const path = `${line.folder}/keys/live.key`;
    const gid = Deno.uid() === 0 ? 4711 : Deno.gid();
    await Deno.chown(path, null, gid);
    await Deno.chmod(path, 0o640);
    const before = await line.read("keys/live.key");
    await line.configure({ head: longer, timing: { "staging-hours": staging }, files: "outputs = key+crt" });
    for (let i = 0; i < 2; i++) {
      assertEquals((await line.run("cron")).exit, 0);
      simulation.time += 3 * hour;
    }
    assert(await line.read("keys/live.key") !== before);
    for (const each of ["keys/live.key", "keys/live.key+crt"]) {
      assertEquals([each, line.mode(each), Deno.statSync(`${line.folder}/${each}`).gid], [each, "640", gid]);
    }
  });
}

Deno.test("a new key without a certificate replaces nothing, and gets one in the next run", async () => {
  for (const kind of ["newOrder", "finalize", "certificate"] as const) {
    await using simulation = await Simulation.begin();
    const { line, ca } = simulation;
    assertEquals((await line.run("init")).exit, 0);
    const pair = async () => [await line.read("keys/live.key"), await line.read("certs/live.crt")];
    const before = await pair();
    await line.configure({ head: longer });
    ca.intercepts = (each) => each === kind;
    ca.fault = (exchange) => exchange.kind === kind && void refuse(503, "serverInternal")(exchange.answer);
    const { exit, out } = await line.run("cron");
    assertEquals([kind, exit, out.length], [kind, 75, 1]);
    assertEquals(await pair(), before);
    const staged = await line.read("keys/staging.key");
    ca.intercepts = ca.fault = undefined;
    simulation.time += 2 * day;
    assertEquals((await line.run("cron")).exit, 0);
    assertEquals((await pair())[0], staged);
  }
});

Deno.test("the time of a staged key begins when its hook has succeeded, whoever runs meanwhile without hooks", async () => {
  await using simulation = await Simulation.begin();
  const { line } = simulation;
  const hooks = await line.makeHooks();
  await line.configure({ head: "key-type = ecdsa\n", hooks });
  assertEquals((await line.run("-k", "init")).exit, 0);
  const before = await line.read("keys/live.key");
  await line.configure({ head: longer, hooks, timing: { "staging-hours": "24" } });
  await Deno.writeTextFile(`${line.folder}/fail-keychange`, "");
  assertEquals((await line.run("-k", "cron")).exit, 3);
  for (let i = 0; i < 4; i++) {
    simulation.time += day;
    await line.run("cron");
    assertEquals(await line.read("keys/live.key"), before);
  }
  await Deno.remove(`${line.folder}/fail-keychange`);
  assertEquals((await line.run("-k", "cron")).exit, 0);
  simulation.time += 23 * hour;
  await line.run("-k", "cron");
  assertEquals(await line.read("keys/live.key"), before);
  simulation.time += 2 * hour;
  assertEquals((await line.run("-k", "cron")).exit, 0);
  assert(await line.read("keys/live.key") !== before);
});

Deno.test("after a new key has gone live, both hooks run at once", async () => {
  await using simulation = await Simulation.begin();
  const { line } = simulation;
  const hooks = await line.makeHooks();
  await line.configure({ head: "key-type = ecdsa\n", hooks, timing: { "staging-hours": "24" } });
  assertEquals((await line.run("-k", "init")).exit, 0);
  await line.configure({ head: longer, hooks, timing: { "staging-hours": "24" } });
  assertEquals((await line.run("-k", "cron")).exit, 0);
  await line.hookLog();
  simulation.time += 25 * hour;
  assertEquals((await line.run("-k", "cron")).exit, 0);
  assertEquals((await line.hookLog()).filter((each) => each.startsWith("/")), ["/certchange", "/keychange"]);
});
