/** The examples in `mod.ts`, run as they stand but for the CA's address and the folders. */
import { assert, assertEquals } from "./kit/assert.ts";
import { makeLine, testConfig } from "./kit/line.ts";
import { openssl, startPebble } from "./kit/pebble.ts";

const module = new URL("../mod.ts", import.meta.url);
const examples = [...(await Deno.readTextFile(module)).matchAll(/ \* ```ts\n([\s\S]*?) \* ```/g)]
  .map(([, text]) => text.replace(/^ \* ?/gm, ""));

Deno.test("the examples of mod.ts do what they say", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, { head: "key-type = ecdsa\n" });
  assertEquals((await line.run("init")).exit, 0);
  const run = async (example: string) => {
    const file = `${line.folder}/example.ts`;
    const text = example
      .replace('"./mod.ts"', `"${module}"`)
      .replace("realSystem()", `realSystem({ caFile: "${pebble.caFile}" })`)
      .replace(/https:[^"]*\/directory/, pebble.directory)
      .replace("/srv/acme-challenge", pebble.challengeDir)
      .replace("/etc/letsencrypt-tiny/example.org.conf", line.config);
    await Deno.writeTextFile(file, text);
    // deno-fmt-ignore
    const args = ["run", "--config", testConfig, "--cached-only", "--check", "--quiet", "--allow-all", file];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  };
  assertEquals(examples.length, 2);
  const printed = await run(examples[0]);
  const pem = `${line.folder}/printed.pem`;
  await Deno.writeTextFile(pem, printed);
  const spki = await openssl("x509", "-in", pem, "-noout", "-pubkey");
  assertEquals(await openssl("pkey", "-in", pem, "-pubout"), spki);
  assert(/_443\._tcp\.(www\.)?example\.org\. IN TLSA 3 1 1 [0-9a-f]{64}\n$/.test(printed), printed);
  assertEquals(await run(examples[1]), "nothing\n");
});
