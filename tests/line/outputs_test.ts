/** Derived files: the same pair in other shapes, whatever line ends it has. */
import { assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";

const ends: Record<string, (text: string) => string> = {
  "as we write it": (text) => text,
  "without a final newline": (text) => text.trimEnd(),
  "with CRLF": (text) => text.replaceAll("\n", "\r\n"),
  "with blank lines": (text) => text.replaceAll(/\n(?=-----BEGIN)/g, "\n\n"),
  "a leaf alone, without a final newline": (text) =>
    text.slice(0, text.indexOf("-----END")) + "-----END CERTIFICATE-----",
};
for (const [what, change] of Object.entries(ends)) {
  Deno.test(`derived files of a certificate ${what}`, async () => {
    await using ca = await startScriptedCa();
    const settings = { head: "key-type = ecdsa\n", files: "outputs = leaf chain key+crt leaf+chain+key" };
    const line = await makeLine(ca, settings);
    assertEquals((await line.run("init")).exit, 0);
    const key = await line.read("keys/live.key");
    const crt = await line.read("certs/live.crt");
    await Deno.writeTextFile(`${line.folder}/certs/live.crt`, change(crt));
    assertEquals((await line.run("cron")).exit, 0);
    const [leaf, ...issuers] =
      (change === ends["a leaf alone, without a final newline"] ? change(crt) + "\n" : crt)
        .split(/(?=-----BEGIN)/);
    const chain = issuers.join("");
    assertEquals(await line.read("certs/live.leaf"), leaf);
    assertEquals((await line.read("certs/live.chain")).trim(), chain.trim());
    assertEquals((await line.read("keys/live.key+crt")).replaceAll(/\n\n/g, "\n"), key + leaf + chain);
    assertEquals((await line.read("keys/live.leaf+chain+key")).replaceAll(/\n\n/g, "\n"), leaf + chain + key);
  });
}
