/** The conversation with a CA, request by request: nonces, repetitions, waits, limits. */
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { Connection, userAgent } from "../../lib/acme/connection.ts";
import type { Network } from "../../lib/acme/network.ts";
import { accountKey, failureOf } from "./client.ts";

const base = "https://ca.example";
const directory = {
  newNonce: `${base}/nonce`,
  newAccount: `${base}/account`,
  newOrder: "https://orders.example/order",
};
const signer = { key: accountKey, kid: `${base}/account/1` };

interface Sent {
  url: string;
  init: RequestInit;
  nonce?: string;
}
type Answer = Response | Error | Promise<Response>;
/** What is answered to a request that is neither for the directory nor for a nonce; how many there were before. */
type Script = (sent: Sent, nth: number) => Answer;

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
const refuse = (status: number, kind: string, headers: Record<string, string> = {}) =>
  json({ type: `urn:ietf:params:acme:error:${kind}`, detail: "no" }, status, {
    "content-type": "application/problem+json",
    ...headers,
  });

/** A conversation with a CA that answers by a script, in a time that passes at once. */
async function converse(script: Script, clock: { offset: number } = { offset: 0 }) {
  const [sent, waits, warnings]: [Sent[], number[], string[]] = [[], [], []];
  let nonces = 0;
  const network: Network = {
    fetch: ((url: string, init: RequestInit = {}) => {
      if (url === `${base}/directory`) return Promise.resolve(json(directory));
      if (url === directory.newNonce) {
        return Promise.resolve(new Response(null, { headers: { "replay-nonce": `fetched${++nonces}` } }));
      }
      const jws = init.body ? JSON.parse(String(init.body)) : undefined;
      const header = jws && JSON.parse(atob(jws.protected.replaceAll("-", "+").replaceAll("_", "/")));
      const one = { url, init, nonce: header?.nonce };
      sent.push(one);
      const answer = script(one, sent.length - 1);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    }) as typeof fetch,
    now: () => new Date(Date.UTC(2027, 0, 1) + clock.offset),
    sleep(ms) {
      waits.push(ms);
      clock.offset += ms;
      return Promise.resolve();
    },
    warn: (line) => void warnings.push(line),
    progress: () => {},
  };
  return {
    connection: await Connection.open(`${base}/directory`, network),
    network,
    sent,
    waits,
    warnings,
    clock,
  };
}

const reset = new TypeError("connection reset");
/** Whether waits grow as ours do: 1 s, 2 s, with a quarter of chance in them. */
const areOurs = (waits: number[]) => waits.every((ms, i) => ms >= 750 * 2 ** i && ms <= 1251 * 2 ** i);

Deno.test("a request says who asks, wants no compression, and follows no redirect", async () => {
  const { connection, sent } = await converse((_, nth) =>
    nth === 0
      ? json({})
      : new Response(null, { status: 307, headers: { location: "https://elsewhere.example/\x7f" } })
  );
  await connection.post(signer, `${base}/x`, {});
  const [{ init }] = sent;
  assertEquals(init.headers, {
    "Content-Type": "application/jose+json",
    "User-Agent": userAgent,
    "Accept-Encoding": "identity",
  });
  assertEquals([init.method, init.redirect, init.signal?.aborted], ["POST", "manual", false]);
  const failure = await failureOf(connection.post(signer, `${base}/x`));
  assertEquals([failure.kind, sent.length], ["ca.protocol", 2]);
  assert(failure.message.startsWith('Unexpected redirect from ca.example to "https://elsewhere.example/'));
});

Deno.test("requests go to the hosts that the directory names, and to no others", async () => {
  const { connection, sent } = await converse(() => json({}));
  await connection.post(signer, directory.newOrder, {});
  for (
    const url of ["https://evil.example/", "https://ca.example:444/", "https://ca.example.evil.example/"]
  ) {
    assertEquals((await failureOf(connection.post(signer, url, {}))).kind, "ca.protocol");
  }
  assertEquals(sent.map(({ url }) => url), [directory.newOrder]);
});

Deno.test("a read is repeated twice after the network failed, at growing intervals; what changes something is not", async () => {
  const read = await converse((_, nth) => nth < 2 ? reset : json({ done: true }));
  assertEquals((await read.connection.post(signer, `${base}/x`)).json(), { done: true });
  assert(read.waits.length === 2 && areOurs(read.waits), read.waits.join());
  assertEquals(new Set(read.sent.map(({ nonce }) => nonce)).size, 3);
  const dead = await converse(() => reset);
  assertEquals((await failureOf(dead.connection.post(signer, `${base}/x`))).isTemporary, true);
  assertEquals(dead.sent.length, 3);
  const write = await converse(() => reset);
  assertEquals((await failureOf(write.connection.post(signer, `${base}/x`, {}))).kind, "ca.unreachable");
  assertEquals(write.sent.length, 1);
});

Deno.test("a busy CA is asked again, never faster than our own interval, whatever Retry-After says", async () => {
  for (const asked of [undefined, "0", "-1", "0.001", "Thu, 01 Jan 1970 00:00:00 GMT"]) {
    const headers: Record<string, string> = asked === undefined ? {} : { "retry-after": asked };
    const { connection, waits, sent } = await converse((_, nth) =>
      nth < 2 ? refuse(503, "serverInternal", headers) : json({})
    );
    await connection.post(signer, `${base}/x`, {});
    assertEquals(sent.length, 3);
    assert(areOurs(waits), `${asked}: ${waits}`);
  }
  const { connection, waits } = await converse((_, nth) =>
    nth === 0 ? refuse(429, "rateLimited", { "retry-after": "40" }) : json({})
  );
  await connection.post(signer, `${base}/x`, {});
  assertEquals(waits, [40_000]);
});

Deno.test("too many requests, and no word when there may be one more: nothing is asked again", async () => {
  const { connection, sent } = await converse(() => refuse(429, "rateLimited"));
  const failure = await failureOf(connection.post(signer, `${base}/x`, {}));
  assertEquals([failure.isTemporary, failure.about.retryAfter, sent.length], [true, undefined, 1]);
});

Deno.test("a CA that wants to be left alone is left alone by everybody; a rate limit is for these names only", async () => {
  const busy = await converse(() => refuse(503, "serverInternal", { "retry-after": "86400" }));
  const failure = await failureOf(busy.connection.post(signer, `${base}/x`, {}));
  assertEquals(failure.about.retryAfter, new Date(Date.UTC(2027, 0, 2)));
  assertEquals(
    failure.message,
    "The CA refused: serverInternal: no (the CA asks to wait until 2027-01-02 00:00:00 UTC)",
  );
  assertEquals(await failureOf(busy.connection.post(signer, `${base}/other`)), failure);
  assertEquals(busy.sent.length, 1);
  busy.clock.offset = 86_400_001;
  await failureOf(busy.connection.post(signer, `${base}/other`));
  assertEquals(busy.sent.length, 2);
  const limited = await converse((_, nth) =>
    nth === 0 ? refuse(429, "rateLimited", { "retry-after": "86400" }) : json({})
  );
  await failureOf(limited.connection.post(signer, `${base}/x`, {}));
  await limited.connection.post(signer, `${base}/other`, {});
});

Deno.test("a clock that is set back makes no wait endless", async () => {
  const script: Script = (_, nth) =>
    nth === 0 ? refuse(503, "serverInternal", { "retry-after": "30" }) : json({});
  const { connection, network, waits } = await converse(script);
  let turns = 0;
  network.sleep = (ms) => {
    waits.push(ms);
    assert(++turns < 10);
    return Promise.resolve();
  };
  network.now = () => new Date(Date.UTC(2027, 0, 1) - (turns > 0 ? 9e10 : 0));
  await connection.post(signer, `${base}/x`, {});
  assert(waits.every((ms) => ms <= 60_000), waits.join());
});

Deno.test("a refused nonce is replaced by the one that came with the refusal", async () => {
  const { connection, sent } = await converse((_, nth) =>
    nth < 3
      ? refuse(400, "badNonce", { "replay-nonce": `fresh${nth}` })
      : json({}, 200, { "replay-nonce": "next" })
  );
  await connection.post(signer, `${base}/x`, {});
  assertEquals(sent.map(({ nonce }) => nonce), ["fetched1", "fresh0", "fresh1", "fresh2"]);
  await connection.post(signer, `${base}/x`, {});
  assertEquals(sent.at(-1)!.nonce, "next");
});

Deno.test("a nonce that is none is ignored", async () => {
  for (const nonce of ["a=b", "a, b", "x".repeat(257), " ", "ä"]) {
    const { connection, sent } = await converse(() =>
      json({}, 200, nonce === "ä" ? {} : { "replay-nonce": nonce })
    );
    await connection.post(signer, `${base}/x`, {});
    await connection.post(signer, `${base}/x`, {});
    assertEquals(sent.map((each) => each.nonce), ["fetched1", "fetched2"]);
  }
});

Deno.test("a CA that refuses all nonces is given up", async () => {
  let n = 0;
  const { connection, sent } = await converse(() => refuse(400, "badNonce", { "replay-nonce": `n${n++}` }));
  const failure = await failureOf(connection.post(signer, `${base}/x`, {}));
  assertEquals([failure.message, sent.length], ["The CA ca.example keeps rejecting nonces", 150]);
});

Deno.test("the newest nonce goes first, and those that are missing are fetched ahead", async () => {
  const { connection, sent } = await converse((_, nth) => json({}, 200, { "replay-nonce": `n${nth}` }));
  await Promise.all([connection.post(signer, `${base}/x`, {}), connection.post(signer, `${base}/y`, {})]);
  await connection.post(signer, `${base}/z`, {});
  assertEquals(sent.at(-1)!.nonce, "n1");
  const other = await converse((_, nth) => json({}, 200, { "replay-nonce": `n${nth}` }));
  await other.connection.expect(100);
  await Promise.all(Array.from({ length: 7 }, () => other.connection.post(signer, `${base}/x`, {})));
  assertEquals(new Set(other.sent.map(({ nonce }) => nonce)).size, 7);
  assert(other.sent.every(({ nonce }) => nonce!.startsWith("fetched")));
});

Deno.test("no more than eight requests run at a time", async () => {
  let [now, most] = [0, 0];
  const { connection } = await converse(async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 5));
    now--;
    return json({});
  });
  await Promise.all(Array.from({ length: 50 }, (_, i) => connection.post(signer, `${base}/${i}`, {})));
  assertEquals(most, 8);
});

Deno.test("an answer that is too large is given up, as JSON sooner than as a chain", async () => {
  const body = (kilobytes: number, type: string) =>
    new Response("x".repeat(kilobytes << 10), { headers: { "content-type": type } });
  const rows: [number, string, boolean][] = [
    [255, "application/json", true],
    [257, "application/json; charset=utf-8", false],
    [257, "application/problem+json", false],
    [1023, "application/pem-certificate-chain", true],
    [1025, "application/pem-certificate-chain", false],
  ];
  for (const [kilobytes, type, isTaken] of rows) {
    const { connection } = await converse(() => body(kilobytes, type));
    const reply = connection.post(signer, `${base}/x`);
    if (isTaken) assertEquals((await reply).text.length, kilobytes << 10);
    else assert(/is larger than \d+ bytes/.test((await failureOf(reply)).message));
  }
});

Deno.test("a clock that is far from the CA's is told of once", async () => {
  const date = "Fri, 01 Jan 2027 01:00:01 GMT";
  const { connection, warnings } = await converse(() => json({}, 200, { date }));
  for (let i = 0; i < 3; i++) await connection.post(signer, `${base}/x`, {});
  assertEquals(warnings, [
    "warning: the CA's clock says 2027-01-01 01:00:01 UTC, this machine's 2027-01-01 00:00:00 UTC: is it right?",
  ]);
});

Deno.test("a 404 without words of the CA says that nothing is there", async () => {
  const { connection } = await converse(() => new Response("nothing", { status: 404 }));
  const failure = await failureOf(connection.post(signer, `${base}/gone`));
  assertEquals([failure.kind, failure.message], [
    "ca.not-found",
    "The CA ca.example answered /gone with status 404",
  ]);
});

Deno.test("a directory has to be an https URL", async () => {
  for (
    const url of [
      "http://ca.example/",
      "file:///etc/passwd",
      "data:application/json,{}",
      "",
      "https://a:b@ca.example/",
    ]
  ) {
    await assertRejects(() => Connection.open(url), /no usable URL of the CA/);
  }
});
