/** The scripted CA is a strict one: what a client does wrong is found. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { exportKey } from "../../lib/x509/key.ts";
import { assert, assertEquals } from "./assert.ts";
import { alternateChain, boulder, reusesOrders } from "./ca/boulder.ts";
import {
  begin,
  certificateKey,
  Client,
  finalize,
  jwkOf,
  kindOf,
  makeJws,
  newKey,
  obtain,
} from "./ca/client.ts";
import { answersInChallenge, neverValidates, processesForEver } from "./ca/others.ts";
import { makeRoot } from "./issuer.ts";
import { makeScriptedCa } from "./scripted_ca.ts";

const hour = 3_600_000;

Deno.test("what no correct client sends is refused, and remembered", async () => {
  await using ca = await makeScriptedCa();
  const client = await begin(ca);
  const url = `${ca.base}/newOrder`;
  const nonce = await client.nonce();
  const payload = { identifiers: [{ type: "dns", value: "a.example" }] };
  const good = { kid: client.kid, nonce, url };
  assertEquals((await client.send(url, makeJws(client.key, good, payload))).status, 201);
  assertEquals(ca.violations.splice(0), []);
  const cases: [what: string, header: object, key: KeyObject, expected: string, path?: string][] = [
    ["a nonce twice", { nonce }, client.key, "400 badNonce"],
    ["another URL", { url: `${url}/` }, client.key, "400 malformed"],
    ["another key", {}, newKey(), "400 malformed"],
    ["an unknown account", { kid: `${client.kid}0` }, client.key, "400 accountDoesNotExist"],
    ["kid and jwk", { jwk: jwkOf(client.key) }, client.key, "400 malformed"],
    ["jwk alone", { kid: undefined, jwk: jwkOf(client.key) }, client.key, "400 malformed"],
    ["another algorithm", { alg: "RS256" }, client.key, "400 malformed"],
  ];
  for (const [what, header, key, expected] of cases) {
    const sent = { ...good, nonce: await client.nonce(), ...header };
    const reply = await client.send(url, makeJws(key, sent, payload));
    assertEquals([what, kindOf(reply)], [what, expected]);
    const isBug = expected === "400 malformed";
    assertEquals([what, ca.violations.splice(0).length], [what, isBug ? 1 : 0]);
  }
  const [order] = ca.orders.keys();
  assertEquals(kindOf(await client.post(order, {})), "400 malformed");
  assertEquals(kindOf(await (await begin(ca)).post(order)), "403 unauthorized");
});

Deno.test("names, wildcards and addresses; authorizations that serve again, or are given up", async () => {
  await using ca = await makeScriptedCa();
  const client = await begin(ca);
  await obtain(client, ["a.example", "192.0.2.1", "2001:db8::1"]);
  ca.validators["dns-01"] = () => undefined;
  const wildcard = await client.order(["*.a.example"]);
  const found = (await client.post(wildcard.body.authorizations[0])).body;
  assertEquals([
    found.identifier.value,
    found.wildcard,
    found.challenges.map((each: { type: string }) => each.type),
  ], [
    "a.example",
    true,
    ["dns-01"],
  ]);
  assertEquals((await client.order(["a.example"])).body.status, "pending");
  ca.authorizationReuse = hour;
  const second = await client.order(["a.example", "b.example"]);
  assertEquals((await client.answer(second, false)).length, 1);
  assertEquals((await client.order(["a.example"])).body.status, "ready");
  const third = await client.order(["c.example"]);
  await client.post(third.body.authorizations[0], { status: "deactivated" });
  assertEquals((await client.post(third.headers.get("location")!)).body.status, "invalid");
  assertEquals(kindOf(await finalize(client, third)), "403 orderNotReady");
});

Deno.test("profiles, lifetimes and renewal information; one certificate is replaced once", async () => {
  await using ca = await makeScriptedCa();
  ca.use(...boulder(ca));
  const client = await begin(ca);
  assertEquals(kindOf(await client.order(["a.example"], { profile: "strange" })), "400 invalidProfile");
  const url = await obtain(client, ["a.example"], { profile: "shortlived" });
  const issued = ca.certificates.get(url)!;
  assertEquals(+issued.notAfter - +issued.notBefore, 160 * hour);
  const ask = async () =>
    (await (await ca.fetch(`${ca.base}/renewalInfo/${issued.certId}`)).json()).suggestedWindow;
  const { start, end } = await ask();
  const middle = (Date.parse(start) + Date.parse(end)) / 2;
  assertEquals(Math.abs(middle - +issued.notBefore - 80 * hour) < 1000, true);
  const other = await begin(ca);
  const replaces = issued.certId;
  assertEquals(kindOf(await other.order(["a.example"], { replaces })), "403 unauthorized");
  assertEquals(kindOf(await client.order(["b.example"], { replaces })), "400 malformed");
  assertEquals(kindOf(await client.order(["a.example"], { replaces: "AAAA.AAAA" })), "404 malformed");
  assertEquals((await client.order(["a.example"], { replaces })).body.replaces, replaces);
  // Pending counts, but the very same order is the same order.
  assertEquals(kindOf(await client.order(["a.example", "b.example"], { replaces })), "409 alreadyReplaced");
  const certificate = issued.der.toBase64({ alphabet: "base64url", omitPadding: true });
  assertEquals((await client.post("revokeCert", { certificate, reason: 4 })).status, 200);
  assert(Date.parse((await ask()).end) < Date.now());
});

Deno.test("the same order for the same names, account and profile, while it is under way", async () => {
  await using ca = await makeScriptedCa();
  ca.use(reusesOrders(ca));
  const client = await begin(ca);
  const where = async (names: string[], by = client) => (await by.order(names)).headers.get("location");
  const first = await where(["a.example", "b.example"]);
  assertEquals(await where(["b.example", "a.example"]), first);
  assert(await where(["a.example"]) !== first);
  assert(await where(["a.example", "b.example"], await begin(ca)) !== first);
});

Deno.test("revocation by account or key, once; a key that proves itself compromised is blocked", async () => {
  await using ca = await makeScriptedCa();
  const client = await begin(ca);
  const issued = ca.certificates.get(await obtain(client, ["a.example"]))!;
  const certificate = issued.der.toBase64({ alphabet: "base64url", omitPadding: true });
  assertEquals(kindOf(await (await begin(ca)).post("revokeCert", { certificate })), "403 unauthorized");
  assertEquals(
    kindOf(await new Client(ca, newKey()).post("revokeCert", { certificate })),
    "403 unauthorized",
  );
  const holder = new Client(ca, createPrivateKey(await exportKey(certificateKey)));
  assertEquals((await holder.post("revokeCert", { certificate, reason: 1 })).status, 200);
  assertEquals(kindOf(await client.post("revokeCert", { certificate })), "400 alreadyRevoked");
  const [{ by, reason }] = ca.revocations;
  assertEquals([by, reason, [...ca.blockedKeys]], ["certificate key", 1, [issued.keyId]]);
  const order = await client.order(["b.example"]);
  await client.answer(order);
  assertEquals(kindOf(await finalize(client, order)), "400 badCSR");
});

Deno.test("another root's chain by a link", async () => {
  await using ca = await makeScriptedCa();
  const root = await makeRoot("other root");
  const cross = await root.issue({ spki: ca.issuer.key.publicKey, subject: ca.issuer.name, ca: true });
  ca.use(alternateChain(ca, (pem) => pem + cross));
  const client = await begin(ca);
  const url = await obtain(client, ["a.example"]);
  const main = await client.post(url);
  const alternate = main.headers.get("link")!.match(/<([^>]+)>;rel="alternate"/)![1];
  const other = await client.post(alternate);
  assertEquals([main.body === other.body, other.body.endsWith(cross)], [false, true]);
});

Deno.test("CAs that judge in the reply to a challenge, that never look, and that never finish", async () => {
  await using ca = await makeScriptedCa();
  const client = await begin(ca);
  ca.use(answersInChallenge(ca));
  const order = await client.order(["a.example"]);
  const url = order.headers.get("location")!;
  const [failed] = await client.answer(order, false);
  assertEquals([failed.body.status, failed.body.error.detail], ["pending", "no such file"]);
  assertEquals((await client.post(url)).body.status, "pending");
  await client.answer(order);
  assertEquals((await client.post(url)).body.status, "ready");
  ca.use(processesForEver(ca));
  assertEquals((await finalize(client, order)).body.status, "processing");
  assertEquals((await client.post(url)).body.status, "processing");
  ca.use(neverValidates(ca));
  const next = await client.order(["b.example"]);
  await client.answer(next);
  assertEquals((await client.post(next.headers.get("location")!)).body.status, "pending");
});
