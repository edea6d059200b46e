/** How an order begins: profiles, and the certificate that it replaces. */
import { assert, assertEquals } from "../kit/assert.ts";
import { boulder, checksReplaces, usualWindow } from "../kit/ca/boulder.ts";
import { makeScriptedCa, refusal } from "../kit/scripted_ca.ts";
import { count, failureOf, hurry, MemorySolver, open, request } from "./client.ts";

const names = ["a.example.org"];

Deno.test("an order says what it replaces, and the CA reflects it", async () => {
  await using ca = await makeScriptedCa();
  ca.use(...boulder(ca));
  const [account, solver] = [await open(ca), new MemorySolver(ca)];
  await account.obtain(request(names, solver));
  const [{ certId }] = [...ca.certificates.values()];
  const { order } = await account.obtain(request(names, solver, { order: { replaces: certId } }));
  assertEquals([order.replaces, count(ca, "newOrder")], [certId, 2]);
  // A second time it is refused, and goes through without.
  const again = await account.obtain(request(names, solver, { order: { replaces: certId } }));
  assertEquals([again.order.replaces, again.isNew, count(ca, "newOrder")], [undefined, true, 4]);
  assertEquals(ca.violations, []);
});

Deno.test("an order says nothing of replacing where the CA has no renewal information", async () => {
  await using ca = await makeScriptedCa();
  const { order } = await (await open(ca)).obtain(
    request(names, new MemorySolver(ca), { order: { replaces: "x.y" } }),
  );
  assertEquals([order.replaces, ca.violations], [undefined, []]);
});

const refusals: [status: number, kind: string, isTriedWithout: boolean][] = [
  [409, "alreadyReplaced", true],
  [404, "malformed", true],
  [403, "unauthorized", true],
  [400, "malformed", true],
  [500, "serverInternal", true],
  [400, "compound", true],
  [400, "caa", false],
  [400, "invalidProfile", false],
  [429, "rateLimited", false],
  [400, "rejectedIdentifier", false],
  [400, "unsupportedIdentifier", false],
  [403, "userActionRequired", false],
];
for (const [status, kind, isTriedWithout] of refusals) {
  Deno.test(`${status} ${kind}: an order with replaces is ${isTriedWithout ? "" : "not "}tried without`, async () => {
    await using ca = await makeScriptedCa();
    ca.renewalInfo = usualWindow;
    ca.use({
      answer(call, next) {
        if (call.kind === "newOrder" && call.payload.replaces) throw refusal(status, kind, "because of it");
        return next();
      },
    });
    const solver = new MemorySolver(ca);
    const obtained = (await open(ca)).obtain(request(names, solver, { order: { replaces: "x.y" } }));
    if (isTriedWithout) assertEquals((await obtained).order.replaces, undefined);
    else assertEquals((await failureOf(obtained)).about.problem?.type, `urn:ietf:params:acme:error:${kind}`);
    assertEquals(ca.orders.size, isTriedWithout ? 1 : 0);
  });
}

Deno.test("a network that fails is no reason to try without replaces", async () => {
  await using ca = await makeScriptedCa();
  ca.use(checksReplaces(ca));
  ca.renewalInfo = usualWindow;
  const network = hurry(ca);
  const account = await open(ca, undefined, network);
  let tries = 0;
  network.fetch = ((url: string, init?: RequestInit) => {
    if (!url.endsWith("/newOrder")) return ca.fetch(url, init);
    tries++;
    return Promise.reject(new TypeError("connection reset"));
  }) as typeof fetch;
  const failure = await failureOf(
    account.obtain(request(names, new MemorySolver(ca), { order: { replaces: "x.y" } })),
  );
  assertEquals([failure.kind, tries], ["ca.unreachable", 1]);
});

Deno.test("a profile that the CA doesn't advertise is refused before anything is ordered, with those that there are", async () => {
  await using ca = await makeScriptedCa();
  ca.use(...boulder(ca));
  ca.profiles = {
    classic: { lifetime: 1, description: "https://ca.example/classic\x1b[31m" },
    "short\u202e": { lifetime: 2 },
  };
  const solver = new MemorySolver(ca);
  for (const profile of ["shortlived", "__proto__", "constructor", ""]) {
    const failure = await failureOf((await open(ca)).obtain(request(names, solver, { order: { profile } })));
    assertEquals([failure.kind, failure.message], [
      "config.profile",
      `The CA has no profile "${profile}": it has classic (https://ca.example/classic\\u{1b}[31m), short\\u{202e} (short\\u{202e})`,
    ]);
  }
  ca.profiles = undefined;
  const none = await failureOf(
    (await open(ca)).obtain(request(names, solver, { order: { profile: "classic" } })),
  );
  assertEquals(none.message, 'The CA has no profile "classic": it has none');
  assertEquals([ca.orders.size, count(ca, "newOrder")], [0, 0]);
});

Deno.test("an order has the profile that was asked for, and one with another is not resumed", async () => {
  await using ca = await makeScriptedCa();
  ca.use(...boulder(ca));
  const [account, solver] = [await open(ca), new MemorySolver(ca)];
  const short = await account.obtain(request(names, solver, { order: { profile: "shortlived" } }));
  assertEquals(short.order.profile, "shortlived");
  const [{ notBefore, notAfter }] = [...ca.certificates.values()];
  assertEquals((+notAfter - +notBefore) / 3_600_000, 160);
  const resume = short.url;
  const other = await account.obtain(request(names, solver, { order: { profile: "classic" }, resume }));
  assert(other.url !== resume);
  const same = await account.obtain(request(names, solver, { order: { profile: "shortlived" }, resume }));
  assertEquals(same.url, resume);
});

Deno.test("an order with another profile than asked for is refused", async () => {
  await using ca = await makeScriptedCa();
  ca.use(...boulder(ca), {
    answer({ kind, payload }, next) {
      if (kind === "newOrder") payload.profile = "classic";
      return next();
    },
  });
  const solver = new MemorySolver(ca);
  const failure = await failureOf(
    (await open(ca)).obtain(request(names, solver, { order: { profile: "shortlived" } })),
  );
  assertEquals(failure.message, "The CA's order is for something else than asked for");
  assertEquals(solver.calls, []);
});
