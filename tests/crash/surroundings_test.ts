/** What surrounds a run: output that nobody takes, no environment, any umask and time zone, a wrong clock, odd hooks. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine, type Outcome, outcome, type Settings, type TestLine } from "../kit/line.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";
import { program } from "./strace.ts";

const ecdsa: Settings = { head: "key-type = ecdsa\n" };
const silent = { exit: 0, out: [], err: [] };
const hour = 3_600_000;

/** Runs an action through a shell that prepares what surrounds it: `"$@"` is the program. */
async function shell(script: string, line: TestLine, ...args: string[]): Promise<Outcome> {
  const command = new Deno.Command("bash", {
    args: ["-c", script, "bash", ...await program(line, args)],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  return await outcome(command.spawn());
}

/** A line with one key and certificate. */
async function begun(ca: ScriptedCa, settings: Settings = {}): Promise<TestLine> {
  const line = await makeLine(ca, { ...ecdsa, ...settings });
  assertEquals((await line.run("init")).exit, 0);
  return line;
}

for (
  const [what, script] of [
    ["standard output closed", '"$@" >&-'],
    ["both outputs closed", '"$@" >&- 2>&-'],
    ["standard output full", '"$@" >/dev/full'],
    ["both outputs full", '"$@" >/dev/full 2>/dev/full'],
    ["nobody reads", 'set -o pipefail; "$@" 2>&1 | true'],
    ["a time zone far ahead", 'TZ=Pacific/Kiritimati exec "$@"'],
    ["a time zone with daylight saving", 'TZ=America/New_York exec "$@"'],
    ["no environment", 'exec env -i "$@"'],
    ["a HOME and a TMPDIR that don't exist", 'HOME=/nonexistent TMPDIR=/nonexistent exec "$@"'],
    [
      "a proxy that is not there, and not for the CA",
      'HTTPS_PROXY=http://127.0.0.1:1 NO_PROXY=localhost exec "$@"',
    ],
  ]
) {
  Deno.test(`${what}: the certificate is renewed all the same`, async () => {
    await using ca = await startScriptedCa();
    const line = await begun(ca);
    const before = await line.read("certs/live.crt");
    const { exit, err } = await shell(script, line, "renew");
    assertEquals([exit, err], [0, []]);
    assert(await line.read("certs/live.crt") !== before);
  });
}

Deno.test("every umask gives the same permissions", async () => {
  const modes = new Map<string, string>();
  for (const umask of ["000", "022", "077", "777"]) {
    await using ca = await startScriptedCa();
    const line = await makeLine(ca, ecdsa);
    const hooks = await line.makeHooks();
    await line.configure({ ...ecdsa, hooks, files: "outputs = chain key+crt" });
    let challengeMode = "";
    ca.fault = ({ kind }) => {
      if (kind !== "challenge") return;
      for (const { name } of Deno.readDirSync(ca.challengeDir)) {
        challengeMode = (Deno.statSync(`${ca.challengeDir}/${name}`).mode! & 0o777).toString(8);
      }
    };
    assertEquals((await shell(`umask ${umask}; exec "$@"`, line, "init")).exit, 0);
    await line.configure({
      ...ecdsa,
      hooks,
      files: "outputs = chain key+crt",
      head: "key-type = ecdsa\nkey-length = 384\n",
      timing: { "staging-hours": "1" },
    });
    assertEquals((await shell(`umask ${umask}; exec "$@"`, line, "cron")).exit, 0);
    assertEquals((await shell(`umask ${umask}; exec "$@"`, line, "renew")).exit, 0);
    const found = ["", "keys/", "certs/", "backups/"].flatMap((directory) =>
      [...Deno.readDirSync(`${line.folder}/${directory}`)]
        .filter(({ name }) => !/\.conf$|change$|hook\.log/.test(name))
        .map(({ name }) =>
          `${directory}${name.replace(/\.\d{4}-.*/, "")} ${line.mode(`${directory}${name}`)}`
        )
    );
    modes.set(umask, [...new Set(found)].sort().join("\n") + `\nchallenge ${challengeMode}`);
  }
  assertEquals([...new Set(modes.values())].length, 1, [...modes.values()].join("\n\n"));
  const [text] = modes.values();
  for (
    const each of [
      "keys 710",
      "certs 755",
      "backups 700",
      "keys/live.key 600",
      "keys/staging.key 600",
      "certs/live.crt 644",
      "keys/live.key+crt 600",
      "certs/live.chain 644",
      "backups/live.crt 600",
      "account.key 600",
      "keys/.live.state.json 600",
      "keys/.live.lock 600",
      "challenge 644",
    ]
  ) {
    assert(text.split("\n").includes(each), `${each}:\n${text}`);
  }
});

Deno.test("a hook never gets a umask that lets others write", async () => {
  for (const [umask, want] of [["000", "0022"], ["022", "0022"], ["077", "0077"], ["777", "0777"]]) {
    await using ca = await startScriptedCa();
    const line = await makeLine(ca, ecdsa);
    const log = `${line.folder}/umask`;
    await Deno.writeTextFile(log, "");
    await Deno.writeTextFile(`${line.folder}/hook`, `#!/bin/sh\numask > ${log}\n`, { mode: 0o755 });
    await Deno.chmod(`${line.folder}/hook`, 0o755);
    await line.configure({ ...ecdsa, hooks: `post-certchange = ${line.folder}/hook` });
    assertEquals((await shell(`umask ${umask}; exec "$@"`, line, "-k", "init")).exit, 0);
    assertEquals((await line.read("umask")).trim(), want);
  }
});

Deno.test("status is the same in every time zone, daylight saving or not", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const zones = ["UTC", "Pacific/Kiritimati", "America/New_York"];
  const seen = await Promise.all(zones.map((zone) => shell(`TZ=${zone} exec "$@"`, line, "status")));
  assertEquals(seen.map(({ exit }) => exit), [0, 0, 0]);
  assertEquals(new Set(seen.map(({ out }) => out.join("\n"))).size, 1);
});

Deno.test("the clock falls back to the seventies: it is suspected, nobody is asked, and all is well afterwards", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const requests = ca.requests.length;
  line.offset = -55 * 365 * 24 * hour;
  const { exit, err } = await line.run("cron");
  assertEquals([exit, err.length, ca.requests.length], [75, 2, requests]);
  assert(err[0].startsWith("error: The live certificate is not valid before 20"), err[0]);
  assert(err[1].startsWith("hint: the clock of this machine says 197"), err[1]);
  line.offset = 0;
  assertEquals(await line.run("cron"), silent);
});

Deno.test("the clock jumps ten years forward: nothing is replaced, it is suspected, and all is well afterwards", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca, { timing: { "max-key-age-days": "36500" } });
  const pair = async () => [await line.read("keys/live.key"), await line.read("certs/live.crt")];
  const before = await pair();
  line.offset = 10 * 365 * 24 * hour;
  for (let i = 0; i < 3; i++) {
    const { exit, err } = await line.run("cron");
    assertEquals(exit, 1);
    assert(err[1].startsWith("hint: the clock of this machine says 2036"), err.join("\n"));
  }
  assertEquals(await pair(), before);
  line.offset = 0;
  assertEquals(await line.run("cron"), silent);
  assertEquals((await line.run("renew")).exit, 0);
});

Deno.test("a CA whose clock is hours away is reported once; what is due is decided by our own", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  ca.fault = ({ answer }) => void (answer.headers.date = new Date(Date.now() - 3 * hour).toUTCString());
  const { exit, err } = await line.run("renew");
  assertEquals([exit, err.length], [0, 1]);
  assert(/^warning: the CA's clock says .* UTC, this machine's .* UTC: is it right\?$/.test(err[0]), err[0]);
  ca.fault = ({ answer }) => void (answer.headers.date = "nonsense");
  assertEquals((await line.run("renew")).err, []);
});

Deno.test("a proxy that is not there is named, without its password", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const { exit, err } = await shell('HTTPS_PROXY=http://user:secret@127.0.0.1:9 exec "$@"', line, "renew");
  assertEquals([exit, err], [75, [
    `error: Cannot reach the CA ${new URL(ca.directory).host}: connection refused`,
    "hint: requests go through the proxy 127.0.0.1:9: is it up?",
  ]]);
});

Deno.test("the clock is set back while a key is staged: nothing happens by it, and the wait goes on", async () => {
  await using ca = await startScriptedCa();
  const timing = { "staging-hours": "2" };
  const line = await begun(ca, { timing });
  await line.configure({ head: "key-type = ecdsa\nkey-length = 384\n", timing });
  assertEquals((await line.run("cron")).out.length, 2);
  line.offset = -24 * hour;
  assertEquals((await line.run("cron")).exit, 75);
  line.offset = 1.9 * hour;
  assertEquals(await line.run("cron"), silent);
  line.offset = 2.1 * hour;
  assertEquals((await line.run("cron")).out, ["Unstaged: the staging key and certificate are live now"]);
});

Deno.test("a key is staged by a clock that runs ten years ahead: the wait begins again, and ends", async () => {
  await using ca = await startScriptedCa();
  const timing = { "staging-hours": "2" };
  const line = await begun(ca, { timing });
  await line.configure({ head: "key-type = ecdsa\nkey-length = 384\n", timing });
  assertEquals((await line.run("cron")).out.length, 2);
  const state = JSON.parse(await line.read("keys/.live.state.json"));
  const ahead = (instant: string) => new Date(Date.parse(instant) + 10 * 365 * 24 * hour).toISOString();
  state.staged.since = ahead(state.staged.since);
  for (const spki of Object.keys(state.keys)) state.keys[spki] = ahead(state.keys[spki]);
  await Deno.writeTextFile(`${line.folder}/keys/.live.state.json`, JSON.stringify(state));
  assertEquals(await line.run("cron"), silent);
  line.offset = 1.9 * hour;
  assertEquals(await line.run("cron"), silent);
  const { live } = JSON.parse((await line.run("status", "--json")).out.join("\n"));
  assert(Math.abs(Date.parse(live.key.created) - Date.now()) < 1.1 * hour, live.key.created);
  line.offset = 2.1 * hour;
  assertEquals((await line.run("cron")).out, ["Unstaged: the staging key and certificate are live now"]);
});

const hookCases: [what: string, script: string, exit: number, says: RegExp | undefined][] = [
  ["ends with 255", "exit 255", 3, /ended with status 255/],
  ["is killed", "kill -9 $$", 3, /ended with status 137/],
  ["leaves a daemon with its outputs", "sleep 60 & exit 0", 0, undefined],
  ["prints megabytes", "head -c 3000000 /dev/urandom | base64", 0, undefined],
  ["reads its input", "cat", 0, undefined],
  ["wants to know its arguments", "[ $# = 0 ]", 0, undefined],
];
for (const [what, script, status, says] of hookCases) {
  Deno.test(`a hook ${what}`, async () => {
    await using ca = await startScriptedCa();
    const line = await begun(ca);
    await Deno.writeTextFile(`${line.folder}/hook`, `#!/bin/sh\n${script}\n`);
    await Deno.chmod(`${line.folder}/hook`, 0o755);
    await line.configure({ ...ecdsa, hooks: `post-certchange = ${line.folder}/hook` });
    const begin = performance.now();
    const log = `${line.folder}/output`;
    const { exit } = await shell(`exec "$@" >${log} 2>&1 3>&-`, line, "-k", "renew");
    assertEquals(exit, status, (await Deno.readTextFile(log)).slice(0, 1000));
    assert(performance.now() - begin < 30_000);
    if (says) assert(says.test(await Deno.readTextFile(log)), await Deno.readTextFile(log));
    // What has not succeeded runs again.
    await Deno.writeTextFile(`${line.folder}/hook`, `#!/bin/sh\ntouch ${line.folder}/ran\n`);
    assertEquals((await line.run("-k", "cron")).exit, 0);
    const ranAgain = await Deno.stat(`${line.folder}/ran`).then(() => true, () => false);
    assertEquals(ranAgain, status !== 0);
  });
}

Deno.test("a hook whose first line ends with CRLF: what to look for, and it stays due", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const hook = `${line.folder}/hook`;
  await Deno.writeTextFile(hook, `#!/bin/sh\r\necho x >> ${line.folder}/ran\r\n`);
  await Deno.chmod(hook, 0o755);
  await line.configure({ ...ecdsa, hooks: `post-certchange = ${hook}` });
  for (let i = 0; i < 2; i++) {
    const { exit, err } = await line.run("-k", "cron");
    assertEquals([exit, err.length], [3, 2], err.join("\n"));
    assert(err[0].startsWith(`error: Cannot run the hook "${hook}": `), err[0]);
    assertEquals(err[1], "hint: is the interpreter in its first line there, and has it Unix line ends?");
  }
  await Deno.writeTextFile(hook, `#!/bin/sh\necho x >> ${line.folder}/ran\n`);
  assertEquals(await line.run("-k", "cron"), silent);
  assertEquals(await line.read("ran"), "x\n");
});

Deno.test("ten thousand backups: one more is made in time, and none twice", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  for (let i = 0; i < 10_000; i++) {
    const suffix = i.toString(16).padStart(8, "0");
    await Deno.writeTextFile(`${line.folder}/backups/live.crt.2020-01-01.${suffix}`, `old ${i}`);
  }
  const count = () => [...Deno.readDirSync(`${line.folder}/backups`)].length;
  // One of them is the live certificate: it is not copied again. The next one is.
  const live = await Deno.readFile(`${line.folder}/certs/live.crt`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", live)).toHex();
  await Deno.writeFile(`${line.folder}/backups/live.crt.2020-01-01.${hash.slice(0, 8)}`, live);
  const begin = performance.now();
  for (const copies of [0, 1]) {
    const before = count();
    assertEquals((await line.run("renew")).exit, 0);
    assertEquals(count() - before, copies);
  }
  assert(performance.now() - begin < 20_000, `${performance.now() - begin} ms`);
});

Deno.test("a hook that changes the line's files is told so, and runs again", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const crt = `${line.folder}/certs/live.crt`;
  await Deno.writeTextFile(
    `${line.folder}/hook`,
    `#!/bin/sh\necho x >> ${line.folder}/ran\n[ -e ${line.folder}/spare ] || echo >> ${crt}\n`,
  );
  await Deno.chmod(`${line.folder}/hook`, 0o755);
  await line.configure({ ...ecdsa, hooks: `post-certchange = ${line.folder}/hook` });
  const { exit, err } = await line.run("-k", "cron");
  assertEquals([exit, err], [0, [
    "warning: files of the line have changed while post-certchange ran: it will be run again; it must not change them itself",
  ]]);
  await Deno.writeTextFile(`${line.folder}/spare`, "");
  assertEquals(await line.run("-k", "cron"), silent);
  assertEquals(await line.run("-k", "cron"), silent);
  assertEquals((await line.read("ran")).length, 4);
});

Deno.test("a hook that calls the program finds another run active", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const command = (await program(line, ["cron"])).map((each) => `'${each}'`).join(" ");
  await Deno.writeTextFile(`${line.folder}/hook`, `#!/bin/sh\n${command}\necho $? > ${line.folder}/status\n`);
  await Deno.chmod(`${line.folder}/hook`, 0o755);
  await line.configure({ ...ecdsa, hooks: `post-certchange = ${line.folder}/hook` });
  assertEquals((await shell('exec "$@"', line, "-k", "renew")).exit, 0);
  assertEquals((await line.read("status")).trim(), "75");
});

Deno.test("the hook's environment is the caller's, and facts of this machine alone", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  await Deno.writeTextFile(`${line.folder}/hook`, `#!/bin/sh\nenv > ${line.folder}/env\n`);
  await Deno.chmod(`${line.folder}/hook`, 0o755);
  await line.configure({ ...ecdsa, hooks: `post-keychange = ${line.folder}/hook` });
  assertEquals((await shell('OWN=kept exec "$@"', line, "-k", "cron")).exit, 0);
  const env = (await line.read("env")).split("\n").filter((each) => /^(OWN|LETSENCRYPT_TINY_)/.test(each))
    .sort();
  const status = JSON.parse((await line.run("status", "--json")).out.join("\n"));
  const [domain] = status.live.certificate.domains;
  assertEquals(env, [
    `LETSENCRYPT_TINY_CONFIG=${line.config}`,
    `LETSENCRYPT_TINY_DOMAINS=${domain}`,
    "LETSENCRYPT_TINY_EVENT=post-keychange",
    `LETSENCRYPT_TINY_LIVE_CRT=${line.folder}/certs/live.crt`,
    `LETSENCRYPT_TINY_LIVE_KEY=${line.folder}/keys/live.key`,
    `LETSENCRYPT_TINY_TLSA=_443._tcp.${domain}. IN TLSA 3 1 1 ${status.live.key.spkiSha256}`,
    "OWN=kept",
  ]);
});
