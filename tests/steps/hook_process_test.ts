/** Hooks as processes: what they do to themselves, to the line and to their surroundings. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { begun, ecdsa, shell } from "../kit/surroundings.ts";
import { program } from "../crash/strace.ts";

const silent = { exit: 0, out: [], err: [] };

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
