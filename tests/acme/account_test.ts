/** Accounts: opened without agreeing to anything unasked, found again, bound, changed, ended. */
import { assert, assertEquals } from "../kit/assert.ts";
import { requiresBinding } from "../kit/ca/others.ts";
import { makeScriptedCa, refusal } from "../kit/scripted_ca.ts";
import { Account } from "../../lib/acme/account.ts";
import { revokeByKey } from "../../lib/acme/revocation.ts";
import { Connection } from "../../lib/acme/connection.ts";
import { generateKey } from "../../lib/x509/key.ts";
import { accountKey, count, failureOf, hurry, key, MemorySolver, open, request } from "./client.ts";

Deno.test("Account.open() agrees to no terms unasked", async () => {
  await using ca = await makeScriptedCa();
  const failure = await failureOf(open(ca, {}));
  assertEquals([failure.kind, failure.message], [
    "ca.terms",
    "The CA wants its terms of service agreed to: https://ca.example/terms",
  ]);
  assertEquals(ca.accounts.size, 0);
  const heard: [string, boolean][] = [];
  const onRegister = (url: string, isNew: boolean) => void heard.push([url, isNew]);
  const { url } = await open(ca, {
    termsOfServiceAgreed: true,
    contact: ["mailto:a@example.org"],
    onRegister,
  });
  assertEquals((await open(ca, { onRegister })).url, url); // what it agreed to before
  assertEquals(heard, [[url, true], [url, false]]);
  assertEquals(await (await open(ca)).read(), {
    status: "valid",
    contact: ["mailto:a@example.org"],
  });
  assertEquals(ca.violations, []);
});

Deno.test("Account.open() registers nothing where it must not", async () => {
  await using ca = await makeScriptedCa();
  const options = { termsOfServiceAgreed: true, onlyReturnExisting: true };
  const failure = await failureOf(open(ca, options));
  assertEquals([failure.kind, ca.accounts.size], ["ca.refused", 0]);
  const { url } = await open(ca);
  assertEquals((await open(ca, options)).url, url);
});

for (const algorithm of [undefined, "HS256", "HS384", "HS512"] as const) {
  Deno.test(`an account is bound to an external one with ${algorithm ?? "the usual algorithm"}`, async () => {
    await using ca = await makeScriptedCa();
    const mac = crypto.getRandomValues(new Uint8Array(48)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
    ca.use(requiresBinding(ca, { "kid 1": mac }));
    const without = await failureOf(open(ca));
    assert(without.about.problem?.type.endsWith(":externalAccountRequired"));
    const bind = (kid: string) =>
      open(ca, { termsOfServiceAgreed: true, externalAccountBinding: { kid, key: mac, algorithm } });
    assert((await failureOf(bind("kid 2"))).about.problem?.type.endsWith(":unauthorized"));
    const damaged = { kid: "kid 1", key: `${mac}*` };
    const failure = await failureOf(
      open(ca, { termsOfServiceAgreed: true, externalAccountBinding: damaged }),
    );
    assertEquals([failure.kind, failure.message.includes(mac)], ["config.binding", false]);
    await bind("kid 1");
    assertEquals([ca.accounts.size, ca.violations], [1, []]);
  });
}

for (const kind of ["accountDoesNotExist", "malformed", "unauthorized"]) {
  Deno.test(`the account is looked up once more by its key where the CA says ${kind} to its old URL`, async () => {
    await using ca = await makeScriptedCa();
    const { url } = await open(ca);
    ca.use({
      answer({ account }, next) {
        if (account?.url === url) return next();
        throw refusal(400, kind, "no such account");
      },
    });
    const old = `${ca.base}/account/old`;
    ca.accounts.set(old, { ...ca.accounts.get(url)!, url: old, thumbprint: "another" });
    ca.use({
      answer(call, next) {
        if (call.account?.url === old) throw refusal(400, kind, "no such account");
        return next();
      },
    });
    ca.behaviours.splice(1, 1);
    const account = await open(ca, { termsOfServiceAgreed: true, url: old });
    await account.obtain(request(["a.example.org"], new MemorySolver(ca)));
    assertEquals([account.url, count(ca, "newAccount")], [url, 2]);
  });
}

Deno.test("a refusal that has nothing to do with the account's URL stays what it is", async () => {
  await using ca = await makeScriptedCa();
  const { url } = await open(ca);
  ca.use({
    answer({ kind }, next) {
      if (kind === "newOrder") throw refusal(403, "unauthorized", "not today");
      return next();
    },
  });
  const account = await open(ca, { termsOfServiceAgreed: true, url });
  const failure = await failureOf(account.obtain(request(["a.example.org"], new MemorySolver(ca))));
  assertEquals(failure.message, "The CA refused: unauthorized: not today");
  assertEquals(count(ca, "newOrder"), 1);
});

Deno.test("an account whose URL the CA has taken is not looked up again", async () => {
  await using ca = await makeScriptedCa();
  const { url } = await open(ca);
  const account = await open(ca, { termsOfServiceAgreed: true, url });
  await account.read();
  ca.use({
    answer({ kind }, next) {
      if (kind === "newOrder") throw refusal(403, "unauthorized", "not today");
      return next();
    },
  });
  await failureOf(account.obtain(request(["a.example.org"], new MemorySolver(ca))));
  assertEquals(count(ca, "newAccount"), 1);
});

Deno.test("changeKey() gives the account another key, which signs and answers challenges from then on", async () => {
  await using ca = await makeScriptedCa();
  const account = await open(ca);
  const [{ url, thumbprint }, next] = [account, await generateKey({ type: "rsa", length: 2048 })];
  await account.changeKey(next);
  assert(account.thumbprint !== thumbprint);
  await account.obtain(request(["a.example.org"], new MemorySolver(ca)));
  const connection = await Connection.open(ca.directory, hurry(ca));
  assertEquals((await Account.open(connection, next, { onlyReturnExisting: true })).url, url);
  assertEquals((await failureOf(open(ca, { onlyReturnExisting: true }))).kind, "ca.refused");
  const taken = await failureOf(account.changeKey(next));
  assertEquals(taken.about.problem?.detail, "the key has an account");
  assertEquals(ca.violations, []);
});

Deno.test("deactivate() ends an account", async () => {
  await using ca = await makeScriptedCa();
  const account = await open(ca);
  await account.deactivate();
  assertEquals([...ca.accounts.values()][0].status, "deactivated");
  assert((await failureOf(account.read())).about.problem !== undefined);
});

Deno.test("a certificate is revoked by the account, or by its own key", async () => {
  await using ca = await makeScriptedCa();
  const account = await open(ca);
  const obtain = async () => {
    await account.obtain(request(["a.example.org"], new MemorySolver(ca)));
    return [...ca.certificates.values()].at(-1)!.der;
  };
  const first = await obtain();
  assertEquals([await account.revoke(first), await account.revoke(first)], [true, false]);
  assertEquals(await account.revoke(await obtain(), { reason: 4 }), true);
  const [other, last] = [await obtain(), await obtain()];
  assertEquals(await account.revoke(other, { reason: 1, key }), true);
  ca.accounts.clear();
  const connection = await Connection.open(ca.directory, hurry(ca));
  assertEquals(await revokeByKey(connection, last, { key, reason: 1 }), true);
  assertEquals(ca.revocations.map(({ by, reason }) => [by, reason]), [
    ["account", 0],
    ["account", 4],
    ["certificate key", 1],
    ["certificate key", 1],
  ]);
  const stranger = await failureOf(revokeByKey(connection, last, { key: accountKey }));
  assertEquals(stranger.kind, "ca.refused");
  ca.use({
    async answer(_, next) {
      const answer = await next();
      return { ...answer, body: String(answer.body).replace('"revokeCert"', '"revokeCert0"') };
    },
  });
  const without = await Connection.open(ca.directory, hurry(ca));
  assertEquals(
    (await failureOf(revokeByKey(without, last, { key }))).message,
    "The CA's directory has no way to revoke certificates",
  );
  assertEquals(ca.violations, []);
});
