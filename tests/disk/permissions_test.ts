/** The flags that `permissions` prints: enough for a whole life, and never more than the line's own files. */
import { permissions } from "../../lib/command/permissions.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { Failure } from "../../lib/errors.ts";
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { makeFolder } from "../kit/files.ts";
import { makeLine, outcome } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";

const head = "key-type = ecdsa\n";

/** What the flags allow to be read and written, for a configuration with such an account key and such files. */
async function allowed(
  folder: string,
  accountKey: string,
): Promise<{ read: string[]; write: string[]; run: string[] }> {
  const text = `domains = example.org
[acme]
account-key = ${accountKey}
challenge-dir = ${folder}/challenges
[dirs]
certs = ${folder}/certs
keys = ${folder}/keys
backups = ${folder}/backups
`;
  const flags = await permissions([parseConfig(text, `${folder}/line.conf`)], [`${folder}/line.conf`]);
  const list = (name: string) =>
    flags.find((each) => each.startsWith(`--allow-${name}=`))?.replace(/^[^=]*=/, "").split(",") ?? [];
  return { read: list("read"), write: list("write"), run: list("run") };
}

for (const accountKey of ["/account.key", "/etc/account.key", "/etc/ssl/private/account.key"]) {
  Deno.test(`${accountKey}: no directory around it is allowed`, async () => {
    using folder = makeFolder();
    const { read, write } = await allowed(folder.path, accountKey);
    const foreign = (paths: string[]) => paths.filter((each) => !each.startsWith(`${folder.path}/`));
    const temporary = write.find((each) => each.endsWith(".tmp"))!;
    assert(temporary.startsWith(accountKey.replace("account.key", ".account.key.")), temporary);
    assertEquals([foreign(read), foreign(write)], [[accountKey, temporary], [accountKey, temporary]]);
  });
}

Deno.test("links: what is written beside their targets, and nothing else there", async () => {
  using folder = makeFolder();
  const target = folder.write("elsewhere/target.key", "key", 0o640);
  folder.write("keys/other");
  Deno.symlinkSync(target, `${folder.path}/keys/live.key`);
  const { read, write, run } = await allowed(folder.path, `${folder.path}/account.key`);
  assert(read.includes(`${folder.path}/elsewhere`), read.join());
  const names = ["target.key", ".target.key.tmp", ".target.key.old.tmp"];
  assertEquals(
    write.filter((each) => each.includes("elsewhere")),
    names.map((each) => `${folder.path}/elsewhere/${each}`),
  );
  // A group may read it: so it may have an access control list.
  assertEquals(run, ["/usr/bin/getfacl", "/usr/bin/setfacl"]);
});

Deno.test("a link to a file for whose sake a whole system directory would have to be allowed is refused", async () => {
  using folder = makeFolder();
  folder.write("certs/other");
  Deno.symlinkSync("/etc/passwd", `${folder.path}/certs/live.crt`);
  await assertRejects(
    () => allowed(folder.path, `${folder.path}/account.key`),
    (error: unknown) =>
      error instanceof Failure && error.message.endsWith('all of "/etc" would have to be allowed'),
  );
});

Deno.test("a line whose live files are links elsewhere, and whose key is for a group, lives under these flags", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head });
  assertEquals((await line.run("init")).exit, 0);
  for (const name of ["keys/live.key", "certs/live.crt"]) {
    const target = `${line.folder}/elsewhere-${name.replace("/", "/of-")}`;
    Deno.mkdirSync(target.slice(0, target.lastIndexOf("/")));
    Deno.renameSync(`${line.folder}/${name}`, target);
    Deno.symlinkSync(target, `${line.folder}/${name}`);
  }
  Deno.chmodSync(`${line.folder}/elsewhere-keys/of-live.key`, 0o640);
  const printed = await outcome(line.spawn("permissions", ["-A"]));
  const flags = printed.out[0].split(" ");
  const run = async (action: string) => await outcome(line.spawn(action, flags));
  const certificate = () => Deno.readTextFileSync(`${line.folder}/elsewhere-certs/of-live.crt`);
  const key = () => Deno.readTextFileSync(`${line.folder}/elsewhere-keys/of-live.key`);
  const before = [certificate(), key()];
  const renewed = await run("renew");
  assertEquals([renewed.exit, renewed.err], [0, []]);
  assert(certificate() !== before[0] && key() === before[1]);
  await line.configure({ head: `${head}key-length = 384\n` });
  const rolled = await run("cron");
  assertEquals([rolled.exit, rolled.err], [0, []]);
  assert(key() !== before[1]);
  assertEquals(line.mode("elsewhere-keys/of-live.key"), "640");
  assertEquals((await run("cron")).out, []);
});
