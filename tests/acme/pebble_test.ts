/** The library and Pebble, a CA that we did not write. What only newer ones can is SKIPPED with an older one: PEBBLE names another
 * program than the one on the PATH (`go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1`, and pebble-challtestsrv). */
import { assert, assertEquals } from "../kit/assert.ts";
import { type Pebble, type PebbleOptions, startPebble } from "../kit/pebble.ts";
import { Account, type Solver } from "../../lib/acme/mod.ts";
import { Connection } from "../../lib/acme/connection.ts";
import { toIdentifier } from "../../lib/acme/objects.ts";
import { chainOf, type Obtained } from "../../lib/acme/order.ts";
import type { AccountOptions } from "../../lib/acme/registration.ts";
import { askRenewalInfo, certIdOf } from "../../lib/acme/renewal_info.ts";
import { revokeByKey } from "../../lib/acme/revocation.ts";
import { realSystem } from "../../lib/command/world.ts";
import { firstBlock, readCertificate, topmostIssuer } from "../../lib/x509/certificate.ts";
import { checkChain } from "../../lib/x509/chain.ts";
import { createCsr } from "../../lib/x509/csr.ts";
import { generateKey, keyIdOf } from "../../lib/x509/key.ts";
import { failureOf } from "./client.ts";

const program = Deno.env.get("PEBBLE") ?? "pebble";
/** Renewal information came with 2.6, profiles with 2.7, set-renewal-info with 2.8; so did the option that tells of it. */
const isNew =
  (await new Deno.Command(program, { args: ["-version"], stderr: "null", stdout: "null" }).output()).success;
const accountKey = await generateKey({ type: "ecdsa", length: 256 });
const key = await generateKey({ type: "ecdsa", length: 256 });

/** An account at a Pebble of its own, and how to obtain a certificate there. */
async function begin(options: PebbleOptions = {}, account: AccountOptions = { termsOfServiceAgreed: true }) {
  const pebble = await startPebble(options);
  const network = { ...realSystem({ caFile: pebble.caFile }), progress: () => {} };
  const connection = await Connection.open(pebble.directory, network);
  const opened = () => Account.open(connection, accountKey, account);
  return { pebble, connection, open: opened, [Symbol.asyncDispose]: () => pebble[Symbol.asyncDispose]() };
}

const webRoot = ({ challengeDir }: Pebble): Solver => ({
  type: "http-01",
  async present(challenges) {
    for (const { token, keyAuthorization } of challenges) {
      await Deno.writeTextFile(`${challengeDir}/${token}`, keyAuthorization);
    }
  },
  async remove(challenges) {
    for (const { token } of challenges) await Deno.remove(`${challengeDir}/${token}`);
  },
});

async function obtain(account: Account, pebble: Pebble, names: string[], more = {}): Promise<Obtained> {
  const order = { identifiers: names.map(toIdentifier), ...more };
  return await account.obtain({ order, csr: createCsr(key, names), solvers: [webRoot(pebble)] });
}

Deno.test("Pebble: names and an address, checked, and revoked by either key", async () => {
  await using ca = await begin({ strict: true, nonceReject: 30 });
  const account = await ca.open();
  const names = ["a1.example.org", "127.0.0.1"];
  const { chain } = await obtain(account, ca.pebble, names);
  const keyId = await keyIdOf(key.publicKey);
  const { certificate } = await checkChain(chain, { keyId, names, now: new Date() });
  assertEquals(await account.revoke(firstBlock(chain), { reason: 4 }), true);
  assertEquals(await account.revoke(firstBlock(chain)), false);
  const { Status, Reason } = await ca.pebble.statusOf(certificate.serial);
  assertEquals([Status, Reason], ["Revoked", 4]);
  const second = await obtain(account, ca.pebble, ["a2.example.org"]);
  assertEquals(await revokeByKey(ca.connection, firstBlock(second.chain), { key, reason: 1 }), true);
  assertEquals([...Deno.readDirSync(ca.pebble.challengeDir)], []);
});

Deno.test("Pebble: an account bound to another, with a new key, and ended", async () => {
  const mac = crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  const config = { externalAccountBindingRequired: true, externalAccountMACKeys: { "kid-1": mac } };
  const binding = { kid: "kid-1", key: mac };
  await using ca = await begin({ config }, { termsOfServiceAgreed: true, externalAccountBinding: binding });
  const unbound = await failureOf(Account.open(ca.connection, accountKey, { termsOfServiceAgreed: true }));
  assert(unbound.about.problem?.type.endsWith(":externalAccountRequired"), unbound.message);
  assertEquals((await failureOf(Account.open(ca.connection, accountKey))).kind, "ca.terms");
  const account = await ca.open();
  assertEquals((await account.read()).status, "valid");
  const next = await generateKey({ type: "rsa", length: 2048 });
  await account.changeKey(next);
  await obtain(account, ca.pebble, ["b1.example.org"]);
  const again = await Account.open(ca.connection, next, { onlyReturnExisting: true });
  assertEquals(again.url, account.url);
  await account.deactivate();
  assert((await failureOf(obtain(account, ca.pebble, ["b2.example.org"]))).area === "ca");
});

Deno.test("Pebble: the chain that leads to another root", async () => {
  await using ca = await begin({ alternateRoots: 2, chainLength: 2 });
  const account = await ca.open();
  const obtained = await obtain(account, ca.pebble, ["c1.example.org"]);
  assertEquals(obtained.alternates.length, 2);
  const first = topmostIssuer(obtained.chain);
  const { text } = await account.post(obtained.alternates[1]);
  const other = topmostIssuer(text);
  assert(first !== other);
  assertEquals(await chainOf(account, obtained, other), text);
  assertEquals(await chainOf(account, obtained, first), obtained.chain);
});

Deno.test("Pebble: one name refused and one that fails, each with its reason", async () => {
  await using ca = await begin();
  const account = await ca.open();
  const names = ["d1.example.org", "d2.example.org"];
  const half = webRoot(ca.pebble);
  const order = { identifiers: names.map(toIdentifier) };
  const failure = await failureOf(account.obtain({
    order,
    csr: createCsr(key, names),
    solvers: [{
      ...half,
      present: (all) => half.present(all.filter(({ name }) => name === names[0])),
      remove: (all) => half.remove(all.filter(({ name }) => name === names[0])),
    }],
  }));
  assertEquals([failure.kind, failure.about.failed?.map(({ name }) => name)], ["ca.challenge", [names[1]]]);
  assert(/^The CA refused the order: d2\.example\.org: \w+: /.test(failure.message), failure.message);
  // The name that was good is valid still.
  assertEquals(ca.pebble.asked.length > 1, true);
});

Deno.test({
  name: `Pebble: renewal information, what is replaced, and profiles${
    isNew ? "" : " (SKIPPED: needs Pebble 2.10)"
  }`,
  ignore: !isNew,
}, async () => {
  const profiles = {
    short: { description: "six days", validityPeriod: 160 * 3600 },
    long: { description: "ninety days", validityPeriod: 90 * 86_400 },
  };
  await using ca = await begin({ config: { profiles } });
  const account = await ca.open();
  const { renewalInfo = "", meta } = ca.connection.directory;
  assertEquals(meta.profiles, { short: "six days", long: "ninety days" });
  const missing = await failureOf(obtain(account, ca.pebble, ["e1.example.org"], { profile: "none" }));
  assertEquals(missing.message, 'The CA has no profile "none": it has long (ninety days), short (six days)');
  const first = await obtain(account, ca.pebble, ["e1.example.org"], { profile: "short" });
  const certificate = await readCertificate(first.chain);
  assertEquals([
    first.order.profile,
    Math.round((+certificate.notAfter - +certificate.notBefore) / 3_600_000),
  ], [
    "short",
    160,
  ]);
  const certId = certIdOf(certificate)!;
  const ask = () =>
    askRenewalInfo(Connection.to(renewalInfo, ca.connection.network), { certId, renewalInfo });
  const { window, failure, nextCheck } = await ask();
  assertEquals(failure, undefined);
  assert(window!.start > certificate.notBefore && window!.end <= certificate.notAfter);
  assert(Math.abs(+nextCheck - Date.now() - 21_600_000) < 60_000);
  const incident = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
  const page = "https://ca.example/incident";
  await ca.pebble.setRenewalInfo(
    first.chain,
    JSON.stringify({ suggestedWindow: incident, explanationURL: page }),
  );
  assertEquals((await ask()).window, {
    start: new Date(incident.start),
    end: new Date(incident.end),
    explanationURL: page,
  });
  await ca.pebble.setRenewalInfo(first.chain, '{"suggestedWindow": 7}');
  assertEquals([(await ask()).window, (await ask()).failure?.kind], [undefined, "ca.protocol"]);
  // Another name is no reason to stop; once replaced, it can't be replaced again.
  const more = { profile: "short", replaces: certId };
  const second = await obtain(account, ca.pebble, ["e1.example.org"], more);
  assertEquals(second.order.replaces, certId);
  for (const names of [["e1.example.org"], ["e2.example.org"]]) {
    const third = await obtain(account, ca.pebble, names, more);
    assertEquals([third.order.replaces, third.isNew], [undefined, true]);
  }
});
