/** What must stay as it was: pairs that can't be replaced, who may read a key, and the copies in backups. */
import { assert, assertEquals } from "../kit/assert.ts";
import { isRoot, modeOf, namesIn, stranger, succeeds } from "../kit/files.ts";
import { makeLine, type TestLine } from "../kit/line.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";

const old = { head: "key-type = ecdsa\n" };
const next = { head: "key-type = ecdsa\nkey-length = 384\n" };
const ignore = !isRoot;

async function begun(ca: ScriptedCa, files = ""): Promise<TestLine> {
  const line = await makeLine(ca, { ...old, files });
  assertEquals((await line.run("init")).exit, 0);
  await line.configure({ ...next, files });
  return line;
}

const pair = async (line: TestLine) => [await line.read("keys/live.key"), await line.read("certs/live.crt")];

/** Ways in which a certificate can't be replaced, and back; undefined: they can't be had here. */
const obstacles: [what: string, put: (path: string) => (() => unknown) | undefined][] = [
  ["immutable", (path) => succeeds("chattr", "+i", path) ? () => succeeds("chattr", "-i", path) : undefined],
  ["mounted by itself", (path) => {
    Deno.copyFileSync(path, `${path}.mounted`);
    return succeeds("mount", "--bind", `${path}.mounted`, path)
      ? () => succeeds("umount", path) && Deno.removeSync(`${path}.mounted`)
      : undefined;
  }],
];
for (const [what, put] of obstacles) {
  Deno.test({
    name:
      `a certificate that is ${what} can't be replaced by a new key's: the old pair stays, the message says which`,
    ignore,
  }, async () => {
    await using ca = await startScriptedCa();
    const line = await begun(ca);
    const before = await pair(line);
    const crt = `${line.folder}/certs/live.crt`;
    const undo = put(crt);
    if (!undo) return console.error(`SKIPPED: a file can't be made ${what} here`);
    try {
      const { exit, err } = await line.run("cron");
      assertEquals([exit, err.length], [4, 2], err.join("\n"));
      assert(err[0].endsWith(` replacing "${crt}"`), err[0]);
      assert(/lsattr|mount/.test(err[1]), err[1]);
      assertEquals(await pair(line), before);
      assertEquals((await line.run("recover")).out, []);
      assertEquals(namesIn(`${line.folder}/keys`).filter((name) => name.endsWith(".tmp")), []);
    } finally {
      undo();
    }
    assertEquals((await line.run("cron")).exit, 0);
    const after = await pair(line);
    assert(after[0] !== before[0] && after[1] !== before[1]);
    assertEquals(ca.issued, 2);
  });
}

Deno.test({
  name: "owner, group and their rights stay with the key, and with what holds it, when a new one goes live",
  ignore,
}, async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca, "outputs = key+crt");
  Deno.chownSync(`${line.folder}/keys/live.key`, stranger, 4242);
  Deno.chmodSync(`${line.folder}/keys/live.key`, 0o640);
  const before = await pair(line);
  assertEquals((await line.run("cron")).exit, 0);
  assert((await pair(line))[0] !== before[0]);
  for (const name of ["live.key", "live.key+crt"]) {
    assertEquals(modeOf(`${line.folder}/keys/${name}`), `640 ${stranger} 4242`, name);
  }
});

Deno.test(
  { name: "an access control list stays with the key when a new one goes live", ignore },
  async () => {
    await using ca = await startScriptedCa();
    const line = await begun(ca);
    const key = `${line.folder}/keys/live.key`;
    if (!succeeds("setfacl", "-m", `u:${stranger}:r`, key)) {
      return console.error("SKIPPED: access control lists need Debian's package acl");
    }
    const list = () =>
      new TextDecoder().decode(new Deno.Command("getfacl", { args: ["-cpn", key] }).outputSync().stdout);
    const [before, was] = [await pair(line), list()];
    assertEquals((await line.run("cron")).exit, 0);
    assert((await pair(line))[0] !== before[0]);
    assertEquals([list(), was.includes(`user:${stranger}:r--`)], [was, true]);
  },
);

Deno.test("backups that are large or can't be read stop neither a renewal nor recover; one warning each", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, old);
  assertEquals((await line.run("init")).exit, 0);
  const backups = `${line.folder}/backups`;
  const huge = `${backups}/live.crt.2020-01-01.huge`;
  Deno.writeTextFileSync(huge, "");
  Deno.truncateSync(huge, 2 << 20);
  Deno.mkdirSync(`${backups}/live.key.2020-01-01.directory`);
  Deno.symlinkSync("/nonexistent", `${backups}/live.crt.2020-01-01.nowhere`);
  assertEquals(await line.run("renew").then(({ exit, err }) => [exit, err]), [0, []]);
  assertEquals((await line.run("renew", "--force")).exit, 0);
  const copies = namesIn(backups).filter((name) => /^live\.crt.*[0-9a-f]{8}$/.test(name));
  assertEquals(copies.length, 2);
  Deno.writeTextFileSync(`${line.folder}/certs/live.crt`, "damaged");
  const { exit, out, err } = await line.run("recover");
  assertEquals([exit, out.length], [0, 1], err.join("\n"));
  assertEquals(err, [`warning: "${huge}" is larger than 1048576 bytes: it is no backup of anything`]);
  const kept = await Promise.all(copies.map((name) => line.read(`backups/${name}`)));
  assert(kept.includes(await line.read("certs/live.crt")));
});

Deno.test("what has the name of a backup, but another content, is not overwritten", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, old);
  assertEquals((await line.run("init")).exit, 0);
  const certificate = await line.read("certs/live.crt");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(certificate));
  const hash = new Uint8Array(digest).toHex();
  const name = (date: string, digits: number) =>
    `${line.folder}/backups/live.crt.${date}.${hash.slice(0, digits)}`;
  const taken = name("2020-01-01", 8);
  Deno.writeTextFileSync(taken, "another");
  const today = Deno.statSync(`${line.folder}/certs/live.crt`).mtime!.toISOString().slice(0, 10);
  Deno.symlinkSync(taken, name(today, 16));
  assertEquals((await line.run("renew")).exit, 0);
  assertEquals(Deno.readTextFileSync(taken), "another");
  const copy = namesIn(`${line.folder}/backups`).find((name) => name.endsWith(hash))!;
  assertEquals(await line.read(`backups/${copy}`), certificate);
});
