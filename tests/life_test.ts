import { assertEquals } from "./assert.ts";
import { makeLine } from "./line.ts";
import { openssl, startPebble } from "./pebble.ts";

const day = 86_400_000;

Deno.test("the whole life of a line: init, silent cron, renewal, staged key, unstaging", async () => {
  await using pebble = await startPebble({ strict: true });
  const line = await makeLine(pebble, {
    head: "key-type = rsa\nkey-length = 2048\n",
    timing: { "staging-hours": "24" },
  });
  const first = await line.run("init");
  assertEquals(first.err, []);
  assertEquals(first.exit, 0);
  await Deno.writeTextFile(`${line.folder}/root.pem`, await pebble.root());
  const crt = `${line.folder}/certs/live.crt`;
  await openssl("verify", "-CAfile", `${line.folder}/root.pem`, "-untrusted", crt, crt);

  assertEquals(await line.run("cron"), { exit: 0, out: [], err: [] });

  const key = await line.read("keys/live.key");
  const before = await line.read("certs/live.crt");
  line.offset = 80 * day;
  const renewed = await line.run("cron");
  assertEquals(renewed.err, []);
  assertEquals(renewed.out.length, 1);
  assertEquals(await line.read("keys/live.key"), key);
  assertEquals(await line.read("certs/live.crt") === before, false);
});
