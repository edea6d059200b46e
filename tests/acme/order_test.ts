/** Orders: challenges that fail, CAs that judge in their own ways, waits that have no sense. */
import { assert, assertEquals } from "../kit/assert.ts";
import { answersInChallenge, neverValidates, processesForEver } from "../kit/ca/others.ts";
import { alternateChain, reusesOrders } from "../kit/ca/boulder.ts";
import { findChallenge } from "../kit/ca/orders.ts";
import { json, makeScriptedCa, refusal, type ScriptedCa } from "../kit/scripted_ca.ts";
import { makeRoot } from "../kit/issuer.ts";
import { chainOf } from "../../lib/acme/order.ts";
import { count, failureOf, hurry, MemorySolver, open, request } from "./client.ts";

const statuses = (ca: ScriptedCa) =>
  Object.fromEntries(
    [...ca.authorizations.values()].map(({ identifier, status }) => [identifier.value, status]),
  );
const names = (...each: string[]) => each.map((name) => `${name}.example.org`);

Deno.test("obtain() takes an order from names to a chain, all challenges at once", async () => {
  await using ca = await makeScriptedCa();
  const solver = new MemorySolver(ca);
  const urls: (string | undefined)[] = [];
  const wanted = ["a.example.org", "192.0.2.1", "2001:db8::1"];
  const account = await open(ca);
  const { chain, order, url, isNew } = await account.obtain(
    request(wanted, solver, { onOrder: (each) => urls.push(each) }),
  );
  assertEquals(chain, [...ca.certificates.values()][0].chain);
  assertEquals([order.status, isNew, urls], ["valid", true, [url]]);
  assertEquals([...ca.orders.values()][0].identifiers.map(({ type }) => type), ["dns", "ip", "ip"]);
  assertEquals(solver.calls, ["present 3", "remove 3"]);
  assertEquals(ca.violations, []);
});

Deno.test("obtain() has a solver for each type: a wildcard goes to the one that can", async () => {
  await using ca = await makeScriptedCa();
  const [web, dns] = [new MemorySolver(ca), new MemorySolver(ca, "dns-01")];
  const wanted = ["example.org", "*.example.org"];
  await (await open(ca)).obtain(request(wanted, web, { solvers: [web, dns] }));
  const show = ({ presented }: MemorySolver) => presented.map(({ name, isWildcard }) => [name, isWildcard]);
  assertEquals([show(web), show(dns)], [[["example.org", false]], [["example.org", true]]]);
  const failure = await failureOf((await open(ca)).obtain(request(["*.example.org"], web)));
  assertEquals(failure.message, "The CA offers no http-01 challenge for example.org");
});

Deno.test("one name that fails ends neither the others nor the look at them", async () => {
  await using ca = await makeScriptedCa();
  const solver = new MemorySolver(ca);
  const look = ca.validators["http-01"];
  ca.validators["http-01"] = async (asked) => {
    if (asked.name.startsWith("bad")) return "no such file";
    if (asked.name.startsWith("never")) return await new Promise(() => {});
    await new Promise((resolve) => setTimeout(resolve, 60));
    return look(asked);
  };
  ca.patience = 1;
  const wanted = names("bad1", "good1", "good2", "bad2", "never");
  const urls: (string | undefined)[] = [];
  const failure = await failureOf(
    (await open(ca)).obtain(request(wanted, solver, { onOrder: (url) => urls.push(url) })),
  );
  assertEquals(failure.kind, "ca.challenge");
  assertEquals(
    failure.about.failed?.map(({ name, problem }) => [name, problem.detail]),
    [["bad1.example.org", "no such file"], ["bad2.example.org", "no such file"]],
  );
  assertEquals(
    failure.message,
    "The CA refused the order: bad1.example.org: unauthorized: no such file; bad2.example.org: unauthorized: no such file",
  );
  assertEquals(statuses(ca), {
    "bad1.example.org": "invalid",
    "good1.example.org": "valid",
    "good2.example.org": "valid",
    "bad2.example.org": "invalid",
    "never.example.org": "deactivated",
  });
  assertEquals([solver.calls, urls.length, urls[1]], [["present 5", "remove 5"], 2, undefined]);
  assertEquals(ca.violations, []);
});

Deno.test("a CA that judges in the reply to the challenge is asked again, and a web server that is mended helps", async () => {
  await using ca = await makeScriptedCa();
  const solver = new MemorySolver(ca);
  const look = ca.validators["http-01"];
  let looks = 0;
  ca.validators["http-01"] = (asked) => ++looks > 3 ? look(asked) : "connection refused";
  ca.use(answersInChallenge(ca));
  await (await open(ca)).obtain(request(names("a"), solver));
  assertEquals(count(ca, "challenge"), 4);
});

Deno.test("a CA that judges in the reply to the challenge: its words, soon, and the order is given up", async () => {
  await using ca = await makeScriptedCa();
  const solver = new MemorySolver(ca);
  const look = ca.validators["http-01"];
  ca.validators["http-01"] = (asked) => asked.name.startsWith("bad") ? "connection refused" : look(asked);
  ca.use(answersInChallenge(ca));
  const network = hurry(ca);
  const begin = +network.now();
  const urls: (string | undefined)[] = [];
  const wanted = request(names("bad", "good"), solver, { onOrder: (url) => urls.push(url) });
  const failure = await failureOf((await open(ca, undefined, network)).obtain(wanted));
  assertEquals([failure.kind, failure.message], [
    "ca.challenge",
    "The CA refused the order: bad.example.org: connection: connection refused",
  ]);
  assertEquals(statuses(ca), { "bad.example.org": "deactivated", "good.example.org": "valid" });
  assert(+network.now() - begin < 60_000);
  assert(count(ca, "challenge") <= 12, `${count(ca, "challenge")}`);
  assertEquals(urls.at(-1), undefined);
});

Deno.test("a refused answer to a challenge that was taken already is no failure", async () => {
  await using ca = await makeScriptedCa();
  const solver = new MemorySolver(ca);
  ca.use({
    async answer({ kind, url, payload }, next) {
      if (kind !== "challenge" || payload === undefined) return await next();
      await next();
      assertEquals(findChallenge(ca, url).challenge.status, "valid");
      throw refusal(400, "malformed", "the challenge is not pending");
    },
  });
  assertEquals((await (await open(ca)).obtain(request(names("a"), solver))).isNew, true);
  // Where it was not taken, its refusal counts.
  ca.use({
    answer({ kind }, next) {
      if (kind === "challenge") throw refusal(400, "malformed", "not now");
      return next();
    },
  });
  const failure = await failureOf((await open(ca)).obtain(request(names("b"), solver)));
  assertEquals([failure.kind, failure.message], ["ca.refused", "The CA refused: malformed: not now"]);
  assertEquals(solver.shown.size, 0);
});

for (const wait of ["0", "Thu, 01 Jan 1970 00:00:00 GMT", "0.01", "0, 0", "-5", "soon"]) {
  Deno.test(`Retry-After "${wait}" makes polls no faster, and five minutes pending are enough`, async () => {
    await using ca = await makeScriptedCa();
    const network = hurry(ca);
    ca.use(neverValidates(ca), {
      async answer(_, next) {
        const answer = await next();
        answer.headers["retry-after"] = wait;
        return answer;
      },
    });
    const solver = new MemorySolver(ca);
    const begin = +network.now();
    const failure = await failureOf((await open(ca, undefined, network)).obtain(request(names("a"), solver)));
    assertEquals([failure.kind, failure.isTemporary], ["ca.slow", true]);
    assertEquals(failure.message, 'The CA needs longer than 5 minutes: the order is "pending"');
    const seconds = (+network.now() - begin) / 1000;
    assert(count(ca, "order") < 80 && seconds > 280 && seconds < 310, `${count(ca, "order")} in ${seconds}`);
    assertEquals([solver.shown.size, statuses(ca)], [0, { "a.example.org": "pending" }]);
  });
}

Deno.test("Retry-After is heard where it asks for more", async () => {
  await using ca = await makeScriptedCa();
  const network = hurry(ca);
  ca.use(processesForEver(ca), {
    async answer(_, next) {
      const answer = await next();
      answer.headers["retry-after"] = "40";
      return answer;
    },
  });
  const failure = await failureOf(
    (await open(ca, undefined, network)).obtain(request(names("a"), new MemorySolver(ca))),
  );
  assertEquals([failure.kind, network.waits.filter((ms) => ms === 40_000).length], ["ca.slow", 7]);
});

Deno.test("Retry-After makes no wait of more than a minute", async () => {
  await using ca = await makeScriptedCa();
  const network = hurry(ca);
  let polls = 0;
  ca.use({
    async answer({ kind }, next) {
      const answer = await next();
      if (kind !== "order" || ++polls > 2) return answer;
      answer.headers["retry-after"] = "86400";
      return { ...answer, body: String(answer.body).replace('"status":"ready"', '"status":"pending"') };
    },
  });
  await (await open(ca, undefined, network)).obtain(request(names("a"), new MemorySolver(ca)));
  assertEquals(network.waits, [60_000, 60_000]);
});

/** Changes the objects of a kind that the CA sends. */
function change(ca: ScriptedCa, kind: string, edit: (fields: Record<string, unknown>) => void): void {
  ca.use({
    async answer(call, next) {
      const answer = await next();
      if (call.kind !== kind) return answer;
      const fields = JSON.parse(String(answer.body));
      edit(fields);
      return { ...answer, body: JSON.stringify(fields) };
    },
  });
}

Deno.test("what an order is for never changes", async () => {
  for (
    const edit of [
      (fields: Record<string, unknown>) => fields.authorizations = ["https://ca.example/authorization/other"],
      (fields: Record<string, unknown>) => fields.identifiers = [{ type: "dns", value: "b.example.org" }],
    ]
  ) {
    await using ca = await makeScriptedCa();
    change(ca, "order", edit);
    const solver = new MemorySolver(ca);
    const failure = await failureOf((await open(ca)).obtain(request(names("a"), solver)));
    assertEquals(failure.message, "The CA changed the order while it was under way");
    assertEquals(solver.shown.size, 0);
  }
});

Deno.test("an order that can't be read any more ends no challenge that the CA still looks at", async () => {
  await using ca = await makeScriptedCa();
  const solver = new MemorySolver(ca);
  ca.patience = 40;
  change(ca, "order", (fields) => fields.status = "strange");
  const failure = await failureOf((await open(ca)).obtain(request(names("a"), solver)));
  assertEquals([failure.kind, statuses(ca)], ["ca.protocol", { "a.example.org": "valid" }]);
  assertEquals(solver.shown.size, 0);
});

Deno.test("where the reply to a challenge is lost, the authorization tells whether it was heard", async () => {
  await using ca = await makeScriptedCa();
  const network = hurry(ca);
  const fetch = network.fetch;
  ca.patience = 5;
  let isHeard = true;
  network.fetch = (async (url: string, init?: RequestInit) => {
    if (!url.includes("/challenge/")) return await fetch(url, init);
    if (isHeard) await fetch(url, init);
    throw new TypeError("connection reset");
  }) as typeof globalThis.fetch;
  const account = await open(ca, undefined, network);
  await account.obtain(request(names("a"), new MemorySolver(ca)));
  isHeard = false;
  const solver = new MemorySolver(ca);
  const failure = await failureOf(account.obtain(request(names("b"), solver)));
  assertEquals([failure.kind, failure.isTemporary, solver.shown.size], ["ca.unreachable", true, 0]);
});

Deno.test("no challenge for a name that was not asked for is answered", async () => {
  await using ca = await makeScriptedCa();
  change(ca, "authorization", (fields) => fields.identifier = { type: "dns", value: "evil.example\x1b" });
  const solver = new MemorySolver(ca);
  const failure = await failureOf((await open(ca)).obtain(request(names("a"), solver)));
  assertEquals(failure.message, "The CA asks for a challenge for evil.example\\u{1b}");
  assertEquals([solver.calls, count(ca, "challenge")], [[], 0]);
});

Deno.test("a token that may not become a file name is rejected, and none that has failed is answered", async () => {
  for (
    const token of ["../../etc/cron.d/x", "a/b", "", "x".repeat(129), "x".repeat(15), "a\nb".repeat(9), null]
  ) {
    await using ca = await makeScriptedCa();
    change(ca, "authorization", ({ challenges }) => {
      for (const each of challenges as { token: unknown }[]) each.token = token;
    });
    const solver = new MemorySolver(ca);
    const failure = await failureOf((await open(ca)).obtain(request(names("a"), solver)));
    assertEquals(failure.message, "The CA sent an unusable challenge token for a.example.org");
    assertEquals([solver.calls, count(ca, "challenge")], [[], 0]);
  }
  await using ca = await makeScriptedCa();
  change(ca, "authorization", ({ challenges }) => {
    const failed = {
      type: "http-01",
      url: `${ca.base}/challenge/x`,
      status: "invalid",
      token: "x".repeat(20),
    };
    (challenges as object[]).unshift({ type: "odd-1" }, failed);
  });
  const solver = new MemorySolver(ca);
  await (await open(ca)).obtain(request(names("a"), solver));
  assert(!solver.presented.some(({ token }) => token.startsWith("xxx")));
});

Deno.test("a key that can't be made is heard of where the request is needed, and no sooner", async () => {
  await using ca = await makeScriptedCa();
  const account = await open(ca);
  const solver = new MemorySolver(ca);
  const csr = () => Promise.reject(new Error("no key"));
  assertEquals(
    await account.obtain(request(names("a"), solver, { csr: csr() })).catch(({ message }) => message),
    "no key",
  );
  ca.validators["http-01"] = () => "not there";
  assertEquals(
    (await failureOf(account.obtain(request(names("b"), solver, { csr: csr() })))).kind,
    "ca.challenge",
  );
});

Deno.test("an order can be resumed, unless it is for something else or has come to nothing", async () => {
  await using ca = await makeScriptedCa();
  const solver = new MemorySolver(ca);
  const account = await open(ca);
  const { url } = await account.obtain(request(names("a"), solver));
  const again = await account.obtain(request(names("a"), solver, { resume: url }));
  assertEquals([again.url, again.isNew], [url, false]);
  for (const resume of [`${ca.base}/order/nothing`, url]) {
    const other = await account.obtain(request(names("b"), solver, { resume }));
    assert(other.isNew && other.url !== url);
  }
});

Deno.test("an order that the CA gives back valid is told from a new one", async () => {
  await using ca = await makeScriptedCa();
  const account = await open(ca);
  const solver = new MemorySolver(ca);
  const { url, isNew } = await account.obtain(request(names("a"), solver));
  ca.use({
    answer({ kind }, next) {
      if (kind !== "newOrder") return next();
      const order = ca.orders.get(url)!;
      const finalize = url.replace("order", "finalize");
      return json({ ...order, finalize }, 201, { location: url });
    },
  });
  const old = await account.obtain(request(names("a"), solver));
  assertEquals([isNew, old.isNew, old.url], [true, false, url]);
});

Deno.test("an order that ends with a refused request says why", async () => {
  await using ca = await makeScriptedCa();
  ca.use({
    answer({ kind, url }, next) {
      if (kind !== "finalize") return next();
      ca.orders.get(url.replace("/finalize/", "/order/"))!.status = "invalid";
      throw refusal(400, "badCSR", "public key is forbidden");
    },
  });
  const failure = await failureOf((await open(ca)).obtain(request(names("a"), new MemorySolver(ca))));
  assertEquals([failure.kind, failure.message], [
    "ca.refused",
    "The CA refused the order: badCSR: public key is forbidden",
  ]);
  assertEquals(failure.about.problem?.type, "urn:ietf:params:acme:error:badCSR");
});

Deno.test("a pending order that the CA gives again is gone on with", async () => {
  await using ca = await makeScriptedCa();
  ca.use(reusesOrders(ca));
  const solver = new MemorySolver(ca);
  const account = await open(ca);
  let isDown = true;
  ca.use({
    answer({ kind }, next) {
      if (kind === "finalize" && isDown) throw refusal(500, "serverInternal", "down");
      return next();
    },
  });
  assertEquals((await failureOf(account.obtain(request(names("a"), solver)))).isTemporary, true);
  isDown = false;
  await account.obtain(request(names("a"), solver));
  assertEquals(ca.orders.size, 1);
});

Deno.test("Location may be relative to the request", async () => {
  await using ca = await makeScriptedCa();
  const account = await open(ca);
  ca.use({
    async answer({ kind }, next) {
      const answer = await next();
      if (kind === "newOrder") answer.headers.location = answer.headers.location.replace(ca.base, "");
      return answer;
    },
  });
  const { url } = await account.obtain(request(names("a"), new MemorySolver(ca)));
  assert(url.startsWith(`${ca.base}/order/`), url);
});

Deno.test("no request leaves the CA's own hosts, whatever an object names", async () => {
  const evil = "https://evil.example/x";
  type Fields = Record<string, unknown> & { challenges: { url: string }[] };
  const rows: Record<string, (fields: Fields) => void> = {
    "order finalize": (fields) => fields.finalize = evil,
    "newOrder authorizations": (fields) => fields.authorizations = [evil],
    "authorization challenge": (fields) => fields.challenges.forEach((each) => each.url = evil),
    "order certificate": (fields) => fields.certificate &&= evil,
    "finalize certificate": (fields) => fields.certificate &&= evil,
  };
  for (const [what, change] of Object.entries(rows)) {
    await using ca = await makeScriptedCa();
    const network = hurry(ca);
    const asked: string[] = [];
    network.fetch =
      ((url: string, init?: RequestInit) => (asked.push(url), ca.fetch(url, init))) as typeof fetch;
    ca.use({
      async answer({ kind }, next) {
        const answer = await next();
        if (kind !== what.split(" ")[0]) return answer;
        const fields = JSON.parse(String(answer.body));
        change(fields);
        return { ...answer, body: JSON.stringify(fields) };
      },
    });
    const solver = new MemorySolver(ca);
    if (what.startsWith("order")) ca.patience = 5;
    const failure = await failureOf((await open(ca, undefined, network)).obtain(request(names("a"), solver)));
    assertEquals([what, failure.kind, failure.message], [
      what,
      "ca.protocol",
      "The CA sends this program to another host: https://evil.example",
    ]);
    assertEquals(asked.filter((url) => url.includes("evil")), []);
    assertEquals(solver.shown.size, 0);
  }
});

Deno.test("a failure to remove what was shown is heard of, but not in place of the order's own", async () => {
  await using ca = await makeScriptedCa();
  const solver = new MemorySolver(ca);
  solver.remove = () => Promise.reject(new Error("the disk is full"));
  const account = await open(ca);
  const heard = await account.obtain(request(names("a"), solver)).catch((error) => error.message);
  assertEquals(heard, "the disk is full");
  solver.present = () => Promise.resolve();
  assertEquals((await failureOf(account.obtain(request(names("b"), solver)))).kind, "ca.challenge");
});

Deno.test("a signal ends an order", async () => {
  await using ca = await makeScriptedCa();
  ca.use(neverValidates(ca));
  const controller = new AbortController();
  const solver = new MemorySolver(ca);
  const network = hurry(ca);
  network.progress = (text) => void (text.startsWith("Waiting") && controller.abort());
  const account = await open(ca, undefined, network);
  const failure = await failureOf(account.obtain(request(names("a"), solver, { signal: controller.signal })));
  assertEquals([failure.kind, failure.isTemporary, solver.shown.size], ["ca.unreachable", true, 0]);
  assertEquals(count(ca, "order"), 1);
});

Deno.test("chainOf() finds the chain that leads to an issuer, and reads others only where it must", async () => {
  await using ca = await makeScriptedCa();
  const other = await makeRoot("other root");
  const cross = await other.issue({ spki: ca.issuer.key.publicKey, subject: ca.issuer.name, ca: true });
  ca.use(alternateChain(ca, (leaf) => leaf + cross));
  const account = await open(ca);
  const obtained = await account.obtain(request(names("a"), new MemorySolver(ca)));
  assertEquals(obtained.alternates.length, 1);
  const before = ca.requests.length;
  assertEquals(await chainOf(account, obtained, "scripted root"), obtained.chain);
  assertEquals(ca.requests.length, before);
  assert((await chainOf(account, obtained, "other root"))?.endsWith(cross));
  assertEquals(await chainOf(account, obtained, "no root"), undefined);
  assertEquals(await chainOf(account, { ...obtained, chain: "garbage" }, "no root"), undefined);
});
