/** A clock that is wrong: it is suspected, decides nothing, and leaves nothing behind. */
import { assert, assertEquals } from "../kit/assert.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { begun } from "../kit/surroundings.ts";

const silent = { exit: 0, out: [], err: [] };
const hour = 3_600_000;

Deno.test("the clock falls back to the seventies: it is suspected, nobody is asked, and all is well afterwards", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const requests = ca.requests.length;
  line.offset = -55 * 365 * 24 * hour;
  const { exit, err } = await line.run("cron");
  assertEquals([exit, err.length, ca.requests.length], [75, 2, requests]);
  assert(err[0].startsWith("error: The live certificate is not valid before 20"), err[0]);
  assert(err[1].startsWith("hint: the clock of this machine says 197"), err[1]);
  line.offset = 0;
  assertEquals(await line.run("cron"), silent);
});

Deno.test("the clock jumps ten years forward: nothing is replaced, it is suspected, and all is well afterwards", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca, { timing: { "max-key-age-days": "36500" } });
  const pair = async () => [await line.read("keys/live.key"), await line.read("certs/live.crt")];
  const before = await pair();
  line.offset = 10 * 365 * 24 * hour;
  for (let i = 0; i < 3; i++) {
    const { exit, err } = await line.run("cron");
    assertEquals(exit, 1);
    assert(err[1].startsWith("hint: the clock of this machine says 2036"), err.join("\n"));
  }
  assertEquals(await pair(), before);
  line.offset = 0;
  assertEquals(await line.run("cron"), silent);
  assertEquals((await line.run("renew")).exit, 0);
});

Deno.test("a CA whose clock is hours away is reported once; what is due is decided by our own", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  ca.fault = ({ answer }) => void (answer.headers.date = new Date(Date.now() - 3 * hour).toUTCString());
  const { exit, err } = await line.run("renew");
  assertEquals([exit, err.length], [0, 1]);
  assert(/^warning: the CA's clock says .* UTC, this machine's .* UTC: is it right\?$/.test(err[0]), err[0]);
  ca.fault = ({ answer }) => void (answer.headers.date = "nonsense");
  assertEquals((await line.run("renew")).err, []);
});

Deno.test("the clock is set back while a key is staged: nothing happens by it, and the wait goes on", async () => {
  await using ca = await startScriptedCa();
  const timing = { "staging-hours": "2" };
  const line = await begun(ca, { timing });
  await line.configure({ head: "key-type = ecdsa\nkey-length = 384\n", timing });
  assertEquals((await line.run("cron")).out.length, 2);
  line.offset = -24 * hour;
  assertEquals((await line.run("cron")).exit, 75);
  line.offset = 1.9 * hour;
  assertEquals(await line.run("cron"), silent);
  line.offset = 2.1 * hour;
  assertEquals((await line.run("cron")).out, ["Unstaged: the staging key and certificate are live now"]);
});

Deno.test("a key is staged by a clock that runs ten years ahead: the wait begins again, and ends", async () => {
  await using ca = await startScriptedCa();
  const timing = { "staging-hours": "2" };
  const line = await begun(ca, { timing });
  await line.configure({ head: "key-type = ecdsa\nkey-length = 384\n", timing });
  assertEquals((await line.run("cron")).out.length, 2);
  const state = JSON.parse(await line.read("keys/.live.state.json"));
  const ahead = (instant: string) => new Date(Date.parse(instant) + 10 * 365 * 24 * hour).toISOString();
  state.announced.since = ahead(state.announced.since);
  for (const keyId of Object.keys(state.keys)) state.keys[keyId] = ahead(state.keys[keyId]);
  await Deno.writeTextFile(`${line.folder}/keys/.live.state.json`, JSON.stringify(state));
  assertEquals(await line.run("cron"), silent);
  line.offset = 1.9 * hour;
  assertEquals(await line.run("cron"), silent);
  const { live } = JSON.parse((await line.run("status", "--json")).out.join("\n"));
  assert(Math.abs(Date.parse(live.key.created) - Date.now()) < 1.1 * hour, live.key.created);
  line.offset = 2.1 * hour;
  assertEquals((await line.run("cron")).out, ["Unstaged: the staging key and certificate are live now"]);
});
