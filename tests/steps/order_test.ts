/** Orders from run to run: taken up, kept back, and what lies in a challenge's way. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { refuse, type RequestKind, startScriptedCa } from "../kit/scripted_ca.ts";
import { Simulation } from "../kit/simulation.ts";

const day = 86_400_000;

Deno.test("the name of a challenge file is taken, even by a link to nowhere: it stays, and an error says so", async () => {
  await using ca = await startScriptedCa();
  ca.token = () => "a-token-that-is-known-before";
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  const path = `${ca.challengeDir}/${ca.token("")}`;
  const target = `${line.folder}/elsewhere`;
  for (const take of [() => Deno.writeTextFile(path, "somebody's"), () => Deno.symlink(target, path)]) {
    await take();
    const { exit, out, err } = await line.run("init");
    assertEquals([exit, out.filter((each) => each.startsWith("Obtained")), err], [4, [], [
      `error: Something else is in the place of the challenge file "${path}"`,
      "hint: remove it",
    ]]);
    assert((await Deno.lstat(path)) !== undefined);
    await Deno.remove(path);
  }
  assertEquals([...Deno.readDirSync(line.folder)].filter(({ name }) => name === "elsewhere"), []);
  assertEquals((await line.run("init")).exit, 0);
});

Deno.test("a stored order is kept while the CA is busy, forgotten with another CA, and used once only", async () => {
  await using simulation = await Simulation.begin();
  const { line, ca } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  const path = `${line.folder}/keys/.live.state.json`;
  const memory = async () => JSON.parse(await Deno.readTextFile(path));
  const last = async () => (await memory()).orders.at(-1);
  /** Changes what is remembered of the last order. */
  const edit = async (change: object) => {
    const { orders, ...others } = await memory();
    orders.push({ ...orders.pop(), ...change });
    await Deno.writeTextFile(path, JSON.stringify({ ...others, orders }));
  };
  const renew = () => (simulation.time += 3 * day, line.run("renew"));
  const refuseEach = (kind: RequestKind) => {
    ca.fault = (exchange) => exchange.kind === kind && void refuse(503, "serverInternal")(exchange.answer);
  };
  // The certificate is issued, but can't be fetched; nor can its order be read.
  refuseEach("certificate");
  assertEquals((await renew()).exit, 75);
  const { url } = await last();
  refuseEach("order");
  const count = ca.orders.size;
  assertEquals((await renew()).exit, 75);
  ca.fault = undefined;
  const kept = await last();
  assertEquals([kept.url, kept.outcome, ca.orders.size], [url, "open", count]);
  // One for another CA says nothing here, nor does one for other names, or for another key.
  const foreign = { directory: "https://old.example/", url: "https://old.example/1" };
  for (const change of [foreign, { names: ["other.example.org"] }, { keyId: "00".repeat(32) }]) {
    await edit({ outcome: "open", delays: 0, ...change });
    const { size } = ca.orders;
    assertEquals((await renew()).exit, 0, JSON.stringify(change));
    assertEquals(ca.orders.size, size + 1);
  }
  // One whose certificate is installed already is no renewal.
  const before = await line.read("certs/live.crt");
  await edit({ outcome: "open" });
  assertEquals((await renew()).exit, 0);
  assert(await line.read("certs/live.crt") !== before);
  assertEquals(ca.violations, []);
});

Deno.test("names that the CA knows already need no challenge", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, {
    head: "key-type = ecdsa\n",
    domains: ["one.example.org", "two.example.org"],
  });
  for (const known of [["one.example.org"], ["one.example.org", "two.example.org"]]) {
    ca.known = known;
    const challenges = () => ca.requests.filter(({ kind }) => kind === "challenge").length;
    const before = challenges();
    assertEquals((await line.run(known.length === 1 ? "init" : "renew")).exit, 0);
    assertEquals(challenges() - before, 2 - known.length);
  }
  assertEquals(ca.violations, []);
});

Deno.test("the CA asks for a day: cron is silent and asks nobody until then, but not in the certificate's last days", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  assertEquals((await line.run("init")).exit, 0);
  await line.configure({ head: "key-type = ecdsa\n", domains: ["other.example.org"] });
  const hour = 3_600_000;
  ca.fault = ({ kind, answer }) =>
    kind === "newOrder" && void refuse(429, "rateLimited", { "retry-after": "86400" })(answer);
  const { exit, err } = await line.run("cron");
  assertEquals([exit, err.length], [75, 2]);
  const until = Date.parse(err[0].match(/\(the CA asks to wait until (.* UTC)\)/)?.[1] ?? "");
  assert(Math.abs(until - Date.now() - 24 * hour) < 60_000, err[0]);
  const quiet = async () => {
    const { length } = ca.requests;
    assertEquals(await line.run("cron"), { exit: 0, out: [], err: [] });
    assertEquals(ca.requests.length, length);
  };
  await quiet();
  line.offset = 23.9 * hour;
  await quiet();
  line.offset = 24.1 * hour;
  assertEquals((await line.run("cron")).exit, 75);
  await quiet();
  // The scripted CA's certificates live for thirty days.
  line.offset = 29 * 24 * hour;
  assertEquals((await line.run("cron")).exit, 75);
  assertEquals((await line.run("cron")).exit, 75);
  ca.fault = undefined;
  assertEquals((await line.run("cron")).exit, 0);
});
