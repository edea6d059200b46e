/** Revocation: nothing is revoked that is still served, and a stolen key goes as fast as DNS allows. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine, type Settings, type TestLine } from "../kit/line.ts";
import { makeNames, type Names, tlsa } from "../kit/name_server.ts";
import { openssl, type Pebble, startPebble } from "../kit/pebble.ts";

const silent = { exit: 0, out: [], err: [] };
const hour = 3_600_000;
const ecdsa: Settings = { head: "key-type = ecdsa\n" };

const serial = async (line: TestLine, path = "certs/live.crt") =>
  (await openssl("x509", "-in", `${line.folder}/${path}`, "-noout", "-serial")).trim().slice("serial=".length)
    .toLowerCase();

/** What the CA says of a certificate: `Valid`, or `Revoked` with its reason. */
async function fate(pebble: Pebble, serial: string): Promise<string> {
  const { Status, Reason } = await pebble.statusOf(serial);
  return Status === "Revoked" ? `Revoked, ${Reason ?? 0}` : Status;
}

Deno.test("revoke: the live certificate is replaced first, then revoked as superseded", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, ecdsa);
  const hooks = await line.makeHooks();
  await line.configure({ ...ecdsa, hooks });
  assertEquals((await line.run("-k", "init")).exit, 0);
  const [old, key] = [await serial(line), await line.read("keys/live.key")];
  const [domain] = JSON.parse((await line.run("status", "--json")).out.join("")).live.certificate.domains;

  // A server that still has it keeps it from being revoked.
  await Deno.writeTextFile(`${line.folder}/fail-certchange`, "");
  const { exit, out } = await line.run("-k", "revoke");
  assertEquals([exit, out], [3, [
    `Obtained live certificate for ${domain}: the present one is to be revoked`,
  ]]);
  assertEquals(await fate(pebble, old), "Valid");
  await Deno.remove(`${line.folder}/fail-certchange`);
  const { out: done } = await line.run("-k", "cron");
  assertEquals(done.map((each) => each.toLowerCase()), [`revoked certificate ${old} for ${domain}`]);
  assertEquals([await fate(pebble, old), await fate(pebble, await serial(line))], ["Revoked, 4", "Valid"]);
  assertEquals(await line.read("keys/live.key"), key);
  assertEquals(await line.run("-k", "cron"), silent);
  // It lies in the backups, and is never restored from there.
  await Deno.writeTextFile(`${line.folder}/certs/live.crt`, "");
  const [note] = JSON.parse((await line.run("status", "--json")).out.join("\n")).notes;
  assertEquals(
    note,
    `"${line.folder}/certs/live.crt" is damaged or not for its key: run recover`,
  );
  const { out: mended } = await line.run("-k", "cron");
  assertEquals(mended, [`Obtained live certificate for ${domain}: no certificate`]);
});

Deno.test("compromise without staging: another key at once, and every certificate for the old one is revoked", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, ecdsa);
  assertEquals((await line.run("init")).exit, 0);
  const serials = [await serial(line)];
  assertEquals((await line.run("renew")).exit, 0);
  serials.push(await serial(line));
  const key = await line.read("keys/live.key");
  const { exit, out, err } = await line.run("compromise");
  assertEquals([exit, err], [0, []]);
  assertEquals(out.map((each) => each.split(":")[0].split(" ").slice(0, 2).join(" ")), [
    "Generated staging",
    "Obtained staging",
    "Unstaged",
    "Revoked certificate",
    "Revoked certificate",
  ]);
  for (const each of serials) assertEquals(await fate(pebble, each), "Revoked, 1");
  assert(await line.read("keys/live.key") !== key);
  assertEquals(await fate(pebble, await serial(line)), "Valid");
  assertEquals(await line.run("cron"), silent);
});

const service = "_443._tcp.www.example.org";
const gated: Settings = {
  ...ecdsa,
  domains: ["www.example.org"],
  tlsa: `services = ${service}\nresolver = 127.0.0.53\ncheck = announced`,
};

async function publish(line: TestLine, names: Names): Promise<void> {
  const records = (await line.run("tlsa", "--format", "json")).out.join("");
  for (const [address, entries] of names.servers) {
    const kept = entries.filter((each) => each.type !== "TLSA");
    names.servers.set(address, [...kept, ...JSON.parse(records).map((each: never) => tlsa(service, each))]);
  }
}

/** A gated line with its first certificate, and the DNS that it will ask. */
async function beginGated(
  pebble: Pebble,
): Promise<{ line: TestLine; names: Names; old: string; key: string }> {
  const line = await makeLine(pebble, gated);
  const names = makeNames([]);
  line.world = { exchangeDns: names.exchangeDns };
  assertEquals((await line.run("init")).exit, 0);
  return { line, names, old: await serial(line), key: await line.read("keys/live.key") };
}

Deno.test("compromise with a key that DNS knows already: it is live at once, and the next is staged", async () => {
  await using pebble = await startPebble();
  const { line, names, old, key } = await beginGated(pebble);
  // The standby: staged by hand through the configuration, long announced, but not due by staging-hours.
  const settings = { ...gated, head: "key-type = ecdsa\nkey-length = 384\n" };
  await line.configure(settings);
  await line.run("cron");
  await publish(line, names);
  await line.run("cron");
  line.offset = 3 * hour;
  const { exit, out, err } = await line.run("compromise");
  assertEquals([exit, err], [0, []]);
  assertEquals(out.map((each) => each.split(/[ :]/)[0]), ["Unstaged", "Generated", "Obtained", "Revoked"]);
  assertEquals(await fate(pebble, old), "Revoked, 1");
  assert(await line.read("keys/live.key") !== key);
  const { live, staging } = JSON.parse((await line.run("status", "--json")).out.join(""));
  assert(staging.certificate && staging.key.spkiSha256 !== live.key.spkiSha256);
});

Deno.test("compromise with nothing in DNS yet: it says what has to happen first, and cron finishes it", async () => {
  await using pebble = await startPebble();
  const { line, names, old, key } = await beginGated(pebble);
  const first = await line.run("compromise");
  assertEquals(first.exit, 75);
  assertEquals(first.out.map((each) => each.replace(/certificate for.*/, "")), [
    "Generated staging key: the live key is compromised",
    "Obtained staging ",
  ]);
  const hint = "hint: cron goes on with it, and status says how far it is";
  assertEquals(first.err, [
    "error: The compromised key is still live: the staging key waits: DNS has to know it everywhere first",
    hint,
  ]);
  const second = await line.run("compromise");
  assertEquals(second.exit, 75);
  assertEquals(second.err, [
    `error: The compromised key is still live: the staging key waits: ns1.example.org (192.0.2.1) has no TLSA for it at ${service}`,
    hint,
  ]);
  await publish(line, names);
  const third = await line.run("compromise");
  assertEquals(third.exit, 75);
  assert(/still live: the staging key goes live after 20/.test(third.err[0]), third.err.join("\n"));
  assertEquals([await fate(pebble, old), await line.read("keys/live.key")], ["Valid", key]);
  line.offset = 3 * hour;
  const { exit, out } = await line.run("cron");
  assertEquals([exit, out[0]], [0, "Unstaged: the staging key and certificate are live now"]);
  assert(out.at(-1)!.startsWith("Revoked certificate "), out.join("\n"));
  assertEquals(await fate(pebble, old), "Revoked, 1");
});

Deno.test("a CA that can't revoke: one error, and the line goes on", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, ecdsa);
  assertEquals((await line.run("init")).exit, 0);
  const old = await serial(line);
  const { fetch } = (await import("../../lib/command/world.ts")).realSystem({ caFile: pebble.caFile });
  line.world.fetch = (async (url: string, init?: RequestInit) => {
    const response = await fetch(url, init);
    if (!url.endsWith("/dir")) return response;
    const { revokeCert: _, ...directory } = await response.json();
    return Response.json(directory);
  }) as typeof globalThis.fetch;
  const { exit, err } = await line.run("revoke");
  assertEquals([exit, err], [1, [
    `error: Certificate ${old.toUpperCase()} is not revoked, though no longer in use: The CA's directory has no way to revoke certificates`,
  ]]);
  line.offset = 24 * hour;
  assertEquals(await line.run("cron"), silent);
});

Deno.test("revoke said again while the first is under way means the first, not the new certificate", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, ecdsa);
  const hooks = await line.makeHooks();
  await line.configure({ ...ecdsa, hooks });
  assertEquals((await line.run("-k", "init")).exit, 0);
  const old = await serial(line);
  // Without -k nobody has told the servers.
  const first = await line.run("revoke");
  assertEquals([first.exit, first.err], [0, [
    "notice: the old certificate is revoked once post-certchange has run: use -k",
  ]]);
  const replacement = await serial(line);
  assertEquals(await fate(pebble, old), "Valid");
  assertEquals((await line.run("-k", "revoke")).exit, 0);
  assertEquals([await serial(line), await fate(pebble, old), await fate(pebble, replacement)], [
    replacement,
    "Revoked, 4",
    "Valid",
  ]);
});

Deno.test("a certificate that the CA refuses to revoke doesn't save the others of a stolen key", async () => {
  await using pebble = await startPebble();
  await using other = await startPebble();
  const line = await makeLine(pebble, ecdsa);
  assertEquals((await line.run("init")).exit, 0);
  const serials = [await serial(line)];
  assertEquals((await line.run("renew")).exit, 0);
  serials.push(await serial(line));
  // One more in the backups, by a CA that this one doesn't know.
  await line.configure({
    ...ecdsa,
    directory: other.directory,
    caFile: other.caFile,
    challengeDir: other.challengeDir,
    domains: ["x.example.org"],
  });
  assertEquals((await line.run("renew")).exit, 0);
  await line.configure(ecdsa);
  const { exit, err } = await line.run("compromise");
  assertEquals([exit, err.length > 0], [1, true]);
  for (const each of serials) assertEquals(await fate(pebble, each), "Revoked, 1");
  line.offset = 25 * hour;
  assertEquals(await line.run("cron"), silent);
});
