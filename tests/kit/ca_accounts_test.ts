/** The scripted CA's accounts: what RFC 8555 §7.3 wants of them. */
import type { KeyObject } from "node:crypto";
import { assertEquals } from "./assert.ts";
import { begin, Client, jwkOf, kindOf, makeBinding, makeJws, newKey } from "./ca/client.ts";
import { requiresBinding } from "./ca/others.ts";
import { makeScriptedCa } from "./scripted_ca.ts";

Deno.test("accounts: once for a key, with terms, changed and deactivated", async () => {
  await using ca = await makeScriptedCa();
  const client = new Client(ca, newKey());
  assertEquals(
    kindOf(await client.post("newAccount", { onlyReturnExisting: true })),
    "400 accountDoesNotExist",
  );
  assertEquals(kindOf(await client.post("newAccount", {})), "403 userActionRequired");
  assertEquals((await client.register({ contact: ["mailto:a@example.org"] })).status, 201);
  const again = new Client(ca, client.key);
  assertEquals((await again.register()).status, 200);
  // A key that has an account is refused, another one is taken.
  const other = await begin(ca);
  const change = (key: KeyObject) =>
    client.post(
      "keyChange",
      makeJws(key, { jwk: jwkOf(key), url: `${ca.base}/keyChange` }, {
        account: client.kid,
        oldKey: jwkOf(client.key),
      }),
    );
  const refused = await change(other.key);
  assertEquals([refused.status, refused.headers.get("location")], [409, other.kid]);
  const key = newKey();
  assertEquals((await change(key)).status, 200);
  assertEquals(kindOf(await client.post(client.kid!)), "400 malformed");
  ca.violations.length = 0;
  client.key = key;
  assertEquals((await client.post(client.kid!)).body.contact, ["mailto:a@example.org"]);
  assertEquals((await client.post(client.kid!, { status: "deactivated" })).body.status, "deactivated");
  assertEquals(kindOf(await client.order(["a.example"])), "403 unauthorized");
  assertEquals(ca.violations, []);
});

Deno.test("external account binding: wanted, and only with the right key", async () => {
  await using ca = await makeScriptedCa();
  const key = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
  ca.use(requiresBinding(ca, { one: key }));
  const url = `${ca.base}/newAccount`;
  const { meta } = await (await ca.fetch(ca.directory)).json();
  assertEquals(meta.externalAccountRequired, true);
  const client = new Client(ca, newKey());
  assertEquals(kindOf(await client.register()), "403 externalAccountRequired");
  for (
    const [kid, mac, expected] of [["two", key, 403], ["one", "c2VjcmV0", 403], ["one", key, 201]] as const
  ) {
    const externalAccountBinding = makeBinding(mac, { kid, url }, jwkOf(client.key));
    assertEquals((await client.register({ externalAccountBinding })).status, expected);
  }
  assertEquals(ca.violations, []);
});
