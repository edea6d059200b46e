/** The sample hooks that we ship, against the servers that they are for. */
import { assert, assertEquals } from "../kit/assert.ts";
import { openssl } from "../kit/pebble.ts";
import { isWhole } from "../crash/extent.ts";
import { claimAddresses } from "../kit/rig/addresses.ts";
import { attempt, missingPrograms } from "../kit/rig/daemon.ts";
import { askTlsa } from "../kit/rig/dns.ts";
import { startKnot } from "../kit/rig/knot.ts";
import { installSample, writeHook } from "../kit/rig/sample.ts";
import { servedCertificate } from "../kit/rig/served.ts";
import { type Server, startApache, startDovecot, startNginx, startPostfix } from "../kit/rig/servers.ts";
import { startZone, ttl, zoneName } from "../kit/rig/zone.ts";

/** A folder that every user may enter, since some servers become another one. */
async function makeFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-hooks-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.chmod(folder, 0o755);
  return folder;
}

/** Registers a test that is skipped, loudly, where it can't be. */
async function testWith(name: string, programs: string[], fn: () => Promise<void>): Promise<void> {
  const missing = [...await missingPrograms([...programs, "ip"]), ...Deno.uid() === 0 ? [] : ["to be root"]];
  if (missing.length > 0) console.error(`SKIPPED: ${name} needs ${missing.join(", ")}`);
  Deno.test({ name, ignore: missing.length > 0, fn });
}

/** Runs something until it holds: servers load and sign after they have said yes. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      return await check();
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const web = `_443._tcp.www.${zoneName}`;
const mail = `_25._tcp.mail.${zoneName}`;
const hashes = ["5a", "b6", "c7"].map((each) => each.repeat(32));

/** What each hook for a zone has to do.
 *
 * @param hook installed, its settings filled in
 * @param server whom to ask
 */
async function checkKeyHook(hook: string, server: string): Promise<void> {
  const run = (records: string[]) =>
    attempt("env", `LETSENCRYPT_TINY_TLSA=${records.join("\n")}`, "PATH=/usr/bin:/bin", hook);
  const publish = async (...published: string[]) => {
    const data = published.map((each) => `3 1 1 ${each}`).sort();
    const records = [web, mail].flatMap((name) => data.map((each) => `${name}. IN TLSA ${each}`));
    // Twice: a hook may be run again for no reason.
    for (let round = 0; round < 2; round++) {
      const { code, text } = await run(records);
      assertEquals(code, 0, text);
    }
    await eventually(async () => {
      for (const name of [web, mail]) {
        const answer = await askTlsa(server, name);
        assertEquals([answer.records, answer.ttl], [data, ttl]);
      }
    });
  };
  await publish(hashes[0]);
  await publish(hashes[0], hashes[1]);
  await publish(hashes[1]);
  await publish(hashes[2]);
  assert((await run([`_443._tcp.www.example.net. IN TLSA 3 1 1 ${hashes[0]}`])).code !== 0, "another zone's");
  assert((await run([])).code !== 0, "no records");
  await publish(hashes[2]);
}

for (const [changes, sample] of [["file", "bind"], ["updates", "nsupdate"]] as const) {
  const programs = ["named", "rndc", "tsig-keygen", "named-checkzone", "nsupdate"];
  await testWith(`key-hook-${sample}.sample replaces the records in a zone of BIND`, programs, async () => {
    await using stack = new AsyncDisposableStack();
    const folder = await makeFolder(stack);
    const { at } = stack.use(await claimAddresses(3));
    const place = { primary: at(1), secondary: at(2), nowhere: at(3), names: { www: at(3), mail: at(3) } };
    const zone = stack.use(await startZone(`${folder}/zone`, place, changes));
    const hook = `${folder}/hook`;
    const settings = zone.settings[sample];
    await installSample(`key-hook-${sample}`, hook, settings);
    await checkKeyHook(hook, at(1));
    if (sample === "nsupdate") {
      const { text } = await attempt("tsig-keygen", "-a", "hmac-sha256", "dane-test");
      await Deno.writeTextFile(`${folder}/other.key`, text);
      await installSample("key-hook-nsupdate", hook, { ...settings, key: `${folder}/other.key` });
    } else await installSample("key-hook-bind", hook, { ...settings, rndc: '"rndc -s 127.0.0.1 -p 1"' });
    const record = `${web}. IN TLSA 3 1 1 ${hashes[0]}`;
    assert((await attempt("env", `LETSENCRYPT_TINY_TLSA=${record}`, hook)).code !== 0, "refused");
  });
}

await testWith(
  "key-hook-knot.sample replaces the records in a zone of Knot",
  ["knotd", "knotc"],
  async () => {
    await using stack = new AsyncDisposableStack();
    const folder = await makeFolder(stack);
    const { at } = stack.use(await claimAddresses(1));
    const knot = stack.use(await startKnot(`${folder}/knot`, at(1)));
    await installSample("key-hook-knot", `${folder}/hook`, knot.settings);
    await checkKeyHook(`${folder}/hook`, at(1));
    await knot.stop();
    const record = `${web}. IN TLSA 3 1 1 ${hashes[0]}`;
    assert((await attempt("env", `LETSENCRYPT_TINY_TLSA=${record}`, `${folder}/hook`)).code !== 0, "dead");
  },
);

/** Each server, its program, its port and its configuration file. */
const servers = {
  nginx: { start: startNginx, program: "nginx", port: 443, config: "nginx.conf" },
  apache: { start: startApache, program: "apachectl", port: 443, config: "apache2.conf" },
  postfix: { start: startPostfix, program: "postfix", port: 25, config: "etc/main.cf" },
  dovecot: { start: startDovecot, program: "dovecot", port: 993, config: "dovecot.conf" },
};

/** Makes a key with a certificate. */
async function makePair(folder: string): Promise<{ crt: string; key: string; both: string }> {
  const files = { crt: `${folder}/live.crt`, key: `${folder}/live.key`, both: `${folder}/live.key+crt` };
  // deno-fmt-ignore
  await openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    "-keyout", files.key, "-out", files.crt, "-subj", `/CN=www.${zoneName}`);
  await Deno.writeTextFile(
    files.both,
    await Deno.readTextFile(files.key) + await Deno.readTextFile(files.crt),
  );
  return files;
}

/** The end-entity certificate in a file. */
async function certificateIn(file: string): Promise<string> {
  return (await openssl("x509", "-in", file)).replace(/-----.*-----|\n/g, "");
}

for (const [name, { start, program, port, config }] of Object.entries(servers)) {
  await testWith(`cert-hook-${name}.sample has the new certificate served`, [program], async () => {
    await using stack = new AsyncDisposableStack();
    const folder = await makeFolder(stack);
    const { at } = stack.use(await claimAddresses(1));
    const files = await makePair(folder);
    const server: Server = stack.use(await start(`${folder}/server`, at(1), files));
    const served = async () => (await servedCertificate({ name: "www", port, address: at(1) })).toBase64();
    const isServed = async () => assertEquals(await served(), await certificateIn(files.crt));
    const run = () => attempt("env", "PATH=/usr/bin:/bin", `${folder}/cert-hook`);

    await installSample(`cert-hook-${name}`, `${folder}/cert-hook-${name}`, server.settings);
    await installSample("cert-hook", `${folder}/cert-hook`, { hooks: folder, servers: `"other ${name}"` });
    await writeHook(`${folder}/cert-hook-other`, "#!/bin/sh\nexit 0\n");
    await isServed();
    // More than once, and once for no reason.
    for (const change of isWhole ? [makePair, makePair, () => {}] : [makePair]) {
      await change(folder);
      const { code, text } = await run();
      assertEquals(code, 0, text);
      await eventually(isServed);
    }

    // Another server's failure is not this one's, and is not forgotten.
    await makePair(folder);
    await writeHook(`${folder}/cert-hook-other`, "#!/bin/sh\nexit 7\n");
    assertEquals((await run()).code, 7);
    await eventually(isServed);
    await writeHook(`${folder}/cert-hook-other`, "#!/bin/sh\nexit 0\n");

    // A mistake in the configuration is told, and does not stop a server that runs.
    const before = await served();
    await makePair(folder);
    await Deno.writeTextFile(`${folder}/server/${config}`, "{ this is no configuration\n", { append: true });
    assert((await run()).code !== 0, "a mistake in the configuration");
    assertEquals(await served(), before);

    await server.stop();
    assert((await run()).code !== 0, "no server");
  });
}
