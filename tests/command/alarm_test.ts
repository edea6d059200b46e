/** The hook `post-failure`, and hooks that run without being asked for. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";

const day = 86_400_000;
const head = "key-type = ecdsa\n";

Deno.test("post-failure is told what failed, once a day of the same, and again where it could not be told", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head });
  assertEquals((await line.run("init")).exit, 0);
  const alarm = `${line.folder}/alarm`;
  const write = (status: number) =>
    Deno.writeTextFile(
      alarm,
      `#!/bin/sh\n{ echo "$LETSENCRYPT_TINY_EVENT"; echo "$LETSENCRYPT_TINY_FAILURE"; } >> ${line.folder}/told\nexit ${status}\n`,
      { mode: 0o755 },
    );
  await write(0);
  const told = async () => {
    const text = await line.read("told").catch(() => "");
    await Deno.remove(`${line.folder}/told`).catch(() => {});
    return text.split("\n").filter((each) => each);
  };
  await line.configure({ head, hooks: `post-failure = ${alarm}` });
  ca.fault = ({ kind, answer }) => {
    if (kind !== "newOrder") return;
    answer.status = 403;
    answer.headers["content-type"] = "application/problem+json";
    answer.body = JSON.stringify({
      type: "urn:ietf:params:acme:error:unauthorized",
      detail: "no\n\x1b[31mway",
    });
  };
  const renew = async (...flags: string[]) => {
    const { exit } = await line.run(...flags, "renew", "--force");
    return [exit, ...await told()];
  };
  assertEquals(await renew(), [1]);
  const words = await renew("-k");
  assertEquals(words.slice(0, 2), [1, "post-failure"]);
  assert(words.length === 3 && String(words[2]).includes("no\\u{a}\\u{1b}[31mway"), words.join("\n"));
  assertEquals(await renew("-k"), [1]);

  // A day later it is told again; a hook that fails has not been told.
  line.offset = day + 60_000;
  await write(1);
  assertEquals((await renew("-k")).length, 3);
  await write(0);
  assertEquals((await renew("-k")).length, 3);
  assertEquals(await renew("-k"), [1]);

  // What stops a run before it begins is told too; another run that is active is not.
  ca.fault = undefined;
  const key = await line.read("keys/live.key");
  await Deno.writeTextFile(`${line.folder}/keys/live.key`, "damaged");
  assertEquals((await line.run("-k", "cron")).exit, 4);
  assertEquals((await told())[0], "post-failure");
  await Deno.writeTextFile(`${line.folder}/keys/live.key`, key);
  const file = await Deno.open(`${line.folder}/keys/.live.lock`, { write: true });
  await file.lock(true);
  assertEquals((await line.run("-k", "cron")).exit, 75);
  file.close();
  assertEquals(await told(), []);
  assertEquals(await line.run("-k", "cron"), { exit: 0, out: [], err: [] });
});

Deno.test("[hooks] run = always: as if -k had been said", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head });
  await line.configure({ head, hooks: `${await line.makeHooks()}\nrun = always` });
  const { exit, out } = await line.run("init");
  assertEquals([exit, out.at(-1)!.startsWith("Obtained")], [0, true]);
  assertEquals((await line.hookLog()).filter((each) => each.startsWith("/")), ["/certchange", "/keychange"]);
});
