/** The scripted CA limits what Let's Encrypt limits, and exempts what it exempts. */
import { assertEquals } from "./assert.ts";
import { checksReplaces, usualWindow } from "./ca/boulder.ts";
import { begin, Client, finalize, kindOf, newKey, obtain, type Reply } from "./ca/client.ts";
import { letsEncryptLimits, letsEncryptRequestLimits } from "./ca/limits.ts";
import { makeScriptedCa } from "./scripted_ca.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

Deno.test("Let's Encrypt's limits: how many at once, and after how long one more", async (test) => {
  await using ca = await makeScriptedCa();
  let time = Date.UTC(2027, 0, 1);
  ca.now = () => new Date(time);
  ca.lifetime = 90 * day;
  ca.use(letsEncryptLimits(ca));
  const client = await begin(ca);
  /** Does it until it is refused, and again when the CA says, but not a second before. */
  const exhaust = async (count: number, wait: number, act: (i: number) => Promise<Reply>) => {
    for (let i = 0; i < count; i++) assertEquals(kindOf(await act(i)).slice(0, 1), "2", `the ${i}th`);
    const refused = await act(count);
    assertEquals([kindOf(refused), Number(refused.headers.get("retry-after"))], [
      "429 rateLimited",
      wait / 1000,
    ]);
    time += wait - 1000;
    assertEquals((await act(count)).status, 429);
    time += 1000;
    assertEquals((await act(count)).status < 300, true);
    assertEquals((await act(count + 1)).status, 429);
  };
  const issueFor = (names: (i: number) => string[]) => async (i: number) => {
    const order = await client.order(names(i));
    if (order.status !== 201) return order;
    await client.answer(order);
    return await finalize(client, order);
  };
  await test.step("exact set", () => exhaust(5, 34 * hour, issueFor(() => ["a.example"])));
  await test.step("registered domain", async () => {
    time += 30 * day;
    await exhaust(50, 202 * minute, issueFor((i) => [`n${i}.b.example`]));
    // The same names again are a renewal.
    assertEquals((await issueFor(() => ["n1.b.example"])(0)).status, 200);
  });
  await test.step("failed authorizations", () =>
    exhaust(5, 12 * minute, async () => {
      const order = await client.order(["c.example"]);
      if (order.status === 201) await client.answer(order, false);
      return order;
    }));
  await test.step("orders", async () => {
    time += day;
    await exhaust(300, 36_000, (i) => client.order([`o${i}.example`]));
  });
  await test.step("accounts", async () => {
    time += day;
    await exhaust(10, 18 * minute, () => new Client(ca, newKey()).register());
  });
  await test.step("paused", async () => {
    ca.use(letsEncryptLimits(ca, 20));
    for (let i = 0; i < 20; i++) {
      time += 12 * minute;
      await client.answer(await client.order(["d.example"]), false);
    }
    time += 30 * day;
    const refused = await client.order(["d.example"]);
    assertEquals([refused.status, /unpause/.test(refused.body.detail)], [429, true]);
  });
});

Deno.test("renewals that the CA asked for count nowhere, but only within their window", async () => {
  await using ca = await makeScriptedCa();
  let time = Date.UTC(2027, 0, 1);
  ca.now = () => new Date(time);
  ca.renewalInfo = usualWindow;
  ca.lifetime = 90 * day;
  ca.use(checksReplaces(ca), letsEncryptLimits(ca));
  const client = await begin(ca);
  for (let i = 0; i < 5; i++) await obtain(client, ["a.example"]);
  const { certId, notBefore } = [...ca.certificates.values()].at(-1)!;
  const [early, within] = [+notBefore + day, +notBefore + 60 * day];
  time = early;
  assertEquals(kindOf(await client.order(["a.example"], { replaces: certId })), "429 rateLimited");
  time = within;
  ca.use(letsEncryptLimits(ca)); // full again
  for (let i = 0; i < 5; i++) await obtain(client, ["a.example"]);
  assertEquals(kindOf(await client.order(["a.example"])), "429 rateLimited");
  await obtain(client, ["a.example"], { replaces: certId });
});

Deno.test("too many requests a second", async () => {
  await using ca = await makeScriptedCa();
  let time = Date.UTC(2027, 0, 1);
  ca.now = () => new Date(time);
  ca.use(letsEncryptRequestLimits(ca));
  const ask = async () => (await ca.fetch(`${ca.base}/newNonce`, { method: "HEAD" })).status;
  const statuses = await Promise.all(Array.from({ length: 12 }, ask));
  assertEquals(statuses.filter((each) => each === 503).length, 2);
  time += 50;
  assertEquals([await ask(), await ask()], [200, 503]);
});
