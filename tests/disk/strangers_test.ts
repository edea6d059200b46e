/** Another account on this machine: whatever it may write to decides nothing, and nothing is written through it. */
import { assert, assertEquals } from "../kit/assert.ts";
import { isRoot, modeOf, namesIn, stranger } from "../kit/files.ts";
import { makeLine, type TestLine } from "../kit/line.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";

const head = "key-type = ecdsa\n";
const ignore = !isRoot;

async function begun(ca: ScriptedCa): Promise<TestLine> {
  const line = await makeLine(ca, { head });
  await line.configure({ head, hooks: await line.makeHooks() });
  Deno.chmodSync(ca.folder, 0o755);
  assertEquals((await line.run("-k", "init")).exit, 0);
  await line.hookLog();
  return line;
}

const chown = (path: string, uid = stranger, gid = 0) => Deno.chownSync(path, uid, gid);

/** What decides what a run does, or what it writes: `at` gives the path of a name in the line's folder. */
const cases: [what: string, harm: (at: (name: string) => string) => void, blamed: string, cure: RegExp][] = [
  [
    "the configuration is writable for all",
    (at) => Deno.chmodSync(at("line.conf"), 0o666),
    "line.conf",
    /^chmod o-w /,
  ],
  ["the configuration is somebody else's", (at) => chown(at("line.conf")), "line.conf", /^chown 0 /],
  ["the folder of the configuration is somebody else's", (at) => chown(at("")), "", /^chown 0 /],
  ["a hook is somebody else's", (at) => chown(at("certchange")), "certchange", /^chown 0 /],
  [
    "a hook is writable for a group",
    (at) => {
      chown(at("keychange"), 0, 4242);
      Deno.chmodSync(at("keychange"), 0o770);
    },
    "keychange",
    /^chmod g-w /,
  ],
  [
    "the keys' directory is writable for a group",
    (at) => {
      chown(at("keys"), 0, 4242);
      Deno.chmodSync(at("keys"), 0o770);
    },
    "keys",
    /^chmod g-w /,
  ],
  ["the certificates' directory is somebody else's", (at) => chown(at("certs")), "certs", /^chown 0 /],
  ["the backups' directory is somebody else's", (at) => chown(at("backups")), "backups", /^chown 0 /],
  ["the account key is somebody else's", (at) => chown(at("account.key")), "account.key", /^chown 0 /],
  [
    "the ca-file is writable for all",
    (at) => Deno.chmodSync(at("../ca.crt"), 0o666),
    "../ca.crt",
    /^chmod o-w /,
  ],
  [
    "the live certificate is somebody else's link",
    (at) => {
      Deno.renameSync(at("certs/live.crt"), at("target"));
      Deno.symlinkSync(at("target"), at("certs/live.crt"));
      new Deno.Command("chown", { args: ["-h", String(stranger), at("certs/live.crt")] }).outputSync();
    },
    "certs/live.crt",
    /^chown -h 0 /,
  ],
  [
    "the challenge directory is somebody else's link",
    (at) => {
      Deno.renameSync(at("../challenges"), at("../real"));
      Deno.symlinkSync("real", at("../challenges"));
      new Deno.Command("chown", { args: ["-h", String(stranger), at("../challenges")] }).outputSync();
    },
    "../challenges",
    /^chown -h 0 /,
  ],
];
for (const [what, harm, blamed, cure] of cases) {
  Deno.test({ name: `${what}: refused with what mends it, before anything happens`, ignore }, async () => {
    await using ca = await startScriptedCa();
    const line = await begun(ca);
    const path = new URL(`file://${line.folder}/${blamed}`).pathname.replace(/\/$/, "");
    harm((name) => `${line.folder}/${name}`.replace(/\/$/, ""));
    const before = [await line.read("certs/live.crt"), ca.requests.length, await line.hookLog()];
    const { exit, out, err } = await line.run("-k", "renew");
    assertEquals([exit, out, err.length], [4, [], 2], err.join("\n"));
    assert(err[0].startsWith("error: ") && err[0].includes(`"${path}"`), err[0]);
    const hint = err[1].slice("hint: ".length);
    assert(cure.test(hint) && hint.endsWith(` ${path}`), err[1]);
    assertEquals([await line.read("certs/live.crt"), ca.requests.length, await line.hookLog()], before);
    // The command that is named does mend it.
    assert(new Deno.Command("sh", { args: ["-c", hint] }).outputSync().success);
    assertEquals((await line.run("-k", "renew")).exit, 0);
  });
}

Deno.test({ name: "a directory of configurations that is writable for all is refused", ignore }, async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const directory = `${line.folder}/conf.d`;
  Deno.mkdirSync(directory);
  Deno.renameSync(line.config, `${directory}/line.conf`);
  Deno.chmodSync(directory, 0o777);
  line.config = directory;
  assertEquals((await line.run("cron")).err, [
    `error: Everybody may write to "${directory}" (0777)`,
    `hint: chmod o-w ${directory}`,
  ]);
});

Deno.test({ name: "recover writes nothing for somebody else either", ignore }, async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  chown(`${line.folder}/certs`);
  Deno.removeSync(`${line.folder}/certs/live.crt`);
  assertEquals((await line.run("recover")).exit, 4);
});

Deno.test({ name: "a challenge directory that is somebody else's is nothing unusual", ignore }, async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  chown(ca.challengeDir, stranger, stranger);
  assertEquals(await line.run("-k", "renew"), { ...await line.run("-k", "renew"), exit: 0, err: [] });
});

Deno.test("what lies in the way in the challenge directory stops one order, not hooks and unstaging", async () => {
  await using ca = await startScriptedCa();
  ca.token = (name) => `token-of-${name.replaceAll(".", "-")}`;
  const line = await makeLine(ca, { head, domains: ["one.example.org"] });
  const settings = { head, hooks: await line.makeHooks(), timing: { "staging-hours": "0" } };
  await line.configure({ ...settings, domains: ["one.example.org"] });
  assertEquals((await line.run("init")).exit, 0);
  await line.hookLog();
  const obstacle = `${ca.challengeDir}/token-of-two-example-org`;
  Deno.mkdirSync(obstacle);
  await line.configure({ ...settings, domains: ["one.example.org", "two.example.org"] });
  const { exit, err } = await line.run("-k", "cron");
  assertEquals([exit, err], [4, [
    `error: Something else is in the place of the challenge file "${obstacle}"`,
    "hint: remove it",
  ]]);
  assertEquals((await line.hookLog()).filter((each) => each.startsWith("/")), ["/certchange", "/keychange"]);
  assertEquals(namesIn(ca.challengeDir), ["token-of-two-example-org"]);
  // A directory that crept in where a crash left a token is no obstacle to a run that needs it not.
  Deno.removeSync(obstacle);
  assertEquals((await line.run("-k", "cron")).exit, 0);
});

Deno.test({ name: "the lock is not written through a link", ignore }, async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const secret = `${line.folder}/secret`;
  Deno.writeTextFileSync(secret, "secret", { mode: 0o640 });
  Deno.removeSync(`${line.folder}/keys/.live.lock`);
  Deno.symlinkSync(secret, `${line.folder}/keys/.live.lock`);
  const { exit, err } = await line.run("renew");
  assertEquals([exit, err[0]], [
    4,
    `error: "${line.folder}/keys/.live.lock" is not a file of ours with this one name`,
  ]);
  assertEquals([Deno.readTextFileSync(secret), modeOf(secret)], ["secret", "640 0 0"]);
});
