/** What surrounds a run: output that nobody takes, no environment, any umask and time zone, a proxy, many backups. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { begun, ecdsa, shell } from "../kit/surroundings.ts";

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

Deno.test("status is the same in every time zone, daylight saving or not", async () => {
  await using ca = await startScriptedCa();
  const line = await begun(ca);
  const zones = ["UTC", "Pacific/Kiritimati", "America/New_York"];
  const seen = await Promise.all(zones.map((zone) => shell(`TZ=${zone} exec "$@"`, line, "status")));
  assertEquals(seen.map(({ exit }) => exit), [0, 0, 0]);
  assertEquals(new Set(seen.map(({ out }) => out.join("\n"))).size, 1);
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
