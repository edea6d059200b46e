/** As few requests as the protocol needs, and as few of them waiting for one another; nothing loaded without need. */
import { assert, assertEquals } from "../kit/assert.ts";
import { hasStrace, record } from "../crash/strace.ts";
import { makeLine } from "../kit/line.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";

const latency = 20;

/** How many requests there are of which each begins only after the one before has ended. */
function serial({ requests }: ScriptedCa): number {
  let [count, end] = [0, -Infinity];
  for (const each of requests.toSorted((a, b) => a.end - b.end)) {
    if (each.begin < end) continue;
    count++;
    end = each.end;
  }
  return count;
}

for (const n of [1, 10, 50, 100]) {
  Deno.test(`a certificate for ${n} names: the requests that RFC 8555 needs, eight at a time`, async () => {
    await using ca = await startScriptedCa();
    const domains = Array.from({ length: n }, (_, i) => `n${i}.example.org`);
    const line = await makeLine(ca, { head: "key-type = ecdsa\n", domains });
    assertEquals((await line.run("init")).exit, 0);
    ca.requests.length = 0;
    ca.fault = async () => void await new Promise((resolve) => setTimeout(resolve, latency));
    assertEquals(await line.run("renew"), {
      exit: 0,
      out: [`Obtained live certificate for ${domains.join(" ")}: asked for`],
      err: [],
    });
    ca.fault = undefined;
    const kinds = Object.fromEntries(
      Map.groupBy(ca.requests, (each) => each.kind).entries().map(([kind, each]) => [kind, each.length]),
    );
    const atOnce = Math.min(n, 8);
    assertEquals(kinds, {
      directory: 1,
      newNonce: atOnce, // one, and one more for each request beside it
      newOrder: 1,
      authorization: n,
      challenge: n,
      order: 1,
      finalize: 1,
      certificate: 1,
    });
    // Directory, nonce, order; authorizations and challenges in rounds of eight; poll, finalize, certificate.
    const rounds = 3 + Math.ceil(2 * n / 8) + 3;
    const least = n === 1 ? 8 : rounds;
    // Answers drift apart, so that the longest chain is a little longer than the rounds.
    const most = 1.25 * least + 2;
    assert(serial(ca) >= least - 1 && serial(ca) <= most, `${serial(ca)} rounds, ${least} expected`);
    assertEquals(ca.violations, []);
  });
}

Deno.test({
  name: "cron with nothing to do opens each file once, and writes none",
  ignore: !await hasStrace(),
}, async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n", files: "outputs = chain key+crt" });
  assertEquals((await line.run("init")).exit, 0);
  assertEquals((await line.run("cron")).exit, 0); // remembers what is new in the files
  const { contents } = JSON.parse(await line.read("keys/.live.state.json"));
  assertEquals(["keys", "certificates"].map((kind) => Object.keys(contents[kind]).length), [1, 1]);
  const requests = ca.requests.length;
  const { outcome, calls } = await record(line, ["cron"], [line.folder]);
  assertEquals(outcome, { exit: 0, out: [], err: [] });
  const opened = calls.filter((each) => each.name === "openat").map(({ path }) =>
    path.slice(line.folder.length)
  );
  assertEquals(opened.sort(), [
    "/certs/.live.claim",
    "/certs/.staging.claim",
    "/certs/live.chain",
    "/certs/live.crt",
    "/keys/.live.claim",
    "/keys/.live.lock",
    "/keys/.live.state.json",
    "/keys/.staging.claim",
    "/keys/live.key",
    "/keys/live.key+crt",
    "/line.conf",
  ]);
  assertEquals(calls.filter(({ name }) => /fsync|rename|link$/.test(name)).map(({ name }) => name), []);
  assertEquals(ca.requests.length, requests);
});
