/** Everything that a key rollover touches, as real servers: zone, resolver, CA, nginx, Postfix, and the line between. */
import { assert, assertEquals } from "../assert.ts";
import { makeLine, type Outcome, outcome, testConfig, type TestLine } from "../line.ts";
import { type Pebble, startPebble } from "../pebble.ts";
import { claimAddresses } from "./addresses.ts";
import { askTlsa } from "./dns.ts";
import { attempt, missingPrograms } from "./daemon.ts";
import { type Probe, startProbe } from "./probe.ts";
import { makeReferee, type Referee } from "./referee.ts";
import { startResolver } from "./resolver.ts";
import { installSample, writeHook } from "./sample.ts";
import { type Service, tlsaName } from "./served.ts";
import { startNginx, startPostfix } from "./servers.ts";
import { startZone, ttl, type Zone, zoneName } from "./zone.ts";
import { startZoneAbove } from "./zone_above.ts";

/** How the client under test treats a new key. */
export type Client =
  /** Replaces key and certificate, and tells the zone: what most clients do. */
  | "naive"
  /** Announces the key, and waits by the clock. */
  | "timer"
  /** Announces the key, and looks: the section `[tlsa]`. */
  | "gate";

/** A rig that runs. */
export interface Rig extends AsyncDisposable {
  line: TestLine;
  zone: Zone;
  referee: Referee;
  /** The line's next runs are of this client, and want a key of this length: another one forces a rollover.
   *
   * @param ports the services that the gate knows of; by default all
   */
  become(client: Client, keyLength: 256 | 384, ports?: readonly number[]): Promise<void>;
  /** Seconds that the records get from now on. The zone has to be changed by updates. */
  setTtl(ttl: number): Promise<void>;
  /** Puts into the zone what the line says that it must hold, as an administrator does by hand. */
  publish(): Promise<void>;
  /** Starts a `cron` run of its own process. */
  spawn(): Deno.ChildProcess;
  /** One `cron` run to its end. */
  cron(): Promise<Outcome>;
  /** What the line says of itself. */
  status(): Promise<Status>;
  /** Runs `cron` twice a second until a condition holds.
   *
   * @throws {Error} it doesn't within this many seconds
   */
  cronUntil(
    what: string,
    condition: (status: Status) => boolean | Promise<boolean>,
    seconds: number,
  ): Promise<void>;
  /** Makes something go wrong until it is undone: the key's hook fails; nginx is not reloaded, and nobody notices. */
  break(what: "key-hook" | "nginx-reload"): Promise<void>;
  mend(what: "key-hook" | "nginx-reload"): Promise<void>;
  /** Whether every authoritative server announces exactly these keys for every service. */
  isAnnounced(keys: readonly string[]): Promise<boolean>;
  probe(): Probe;
}

/** The part of `status --json` that the rig looks at. */
export interface Status {
  live: { key: { length: number; spkiSha256: string } };
  staging: { key?: { spkiSha256: string } };
  hooksDue: string[];
}

/** What the rig needs and this machine lacks: programs, and the right to have addresses. */
export async function missingParts(): Promise<string[]> {
  // deno-fmt-ignore
  const programs = ["named", "rndc", "tsig-keygen", "nsupdate", "named-checkzone", "unbound", "nginx", "postfix",
    "ldns-dane", "openssl", "ip"];
  return [...await missingPrograms(programs), ...Deno.uid() === 0 ? [] : ["to be root"]];
}

/** Whether nothing is left to do for the line: the key is live, and its hooks have succeeded. */
export const isSettled = (keyLength: number) => (status: Status) =>
  status.live.key.length === keyLength && !status.staging.key && status.hooksDue.length === 0;

/** Starts everything, and waits until the world sees a line with a key of 256 bits.
 *
 * @param changes how the hook changes the zone
 */
export async function startRig(changes: "file" | "updates" = "file"): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const pebble: Pebble = stack.use(await startPebble());
  const addresses = stack.use(await claimAddresses(8));
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-dane-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  // Postfix changes to a user of its own before it gets there.
  await Deno.chmod(folder, 0o755);
  const [primary, secondary, hidden, above, resolver, otherResolver, web, mail] = [1, 2, 3, 4, 5, 6, 7, 8]
    .map(addresses.at);
  const services: Service[] = [
    { name: `www.${zoneName}`, port: 443, address: web },
    { name: `mail.${zoneName}`, port: 25, address: mail },
  ];
  const domains = services.map((each) => each.name);
  const line = await makeLine(pebble);

  const become: Rig["become"] = (client, keyLength, ports = [443, 25]) =>
    line.configure({
      domains,
      head: `key-type = ecdsa\nkey-length = ${keyLength}`,
      // Two TTLs and a little more.
      timing: { "staging-hours": client === "naive" ? "0" : String((2 * ttl + 0.5) / 3600) },
      hooks: `post-certchange = ${folder}/cert-hook\npost-keychange = ${folder}/key-hook`,
      files: `outputs = key+crt
${
        client === "gate"
          ? `[tlsa]
services =
${services.filter(({ port }) => ports.includes(port)).map((each) => `  ${tlsaName(each)}`).join("\n")}
resolver = ${resolver}
parameters = 3 1 1
check = announced, served`
          : ""
      }`,
    });
  await become("timer", 256);
  const { exit, err } = await line.run("init");
  assertEquals(exit, 0, err.join("\n"));

  const names = { www: web, mail };
  const zone = stack.use(
    await startZone(`${folder}/zone`, { primary, secondary, hidden, nowhere: resolver, names }, changes),
  );
  stack.use(await startZoneAbove(`${folder}/above`, above, [primary, secondary, hidden]));
  const resolvers = [resolver, otherResolver];
  for (const each of resolvers) {
    stack.use(await startResolver(`${folder}/resolver-${each}`, each, { above, zone }));
  }
  const authorities = Object.values(zone.servers);
  const files = {
    crt: `${line.folder}/certs/live.crt`,
    key: `${line.folder}/keys/live.key`,
    both: `${line.folder}/keys/live.key+crt`,
  };
  const nginx = stack.use(await startNginx(`${folder}/nginx`, web, files));
  const postfix = stack.use(await startPostfix(`${folder}/postfix`, mail, files));

  // The hooks that we ship, each behind a switch.
  const broken = (what: string) => `${folder}/broken-${what}`;
  await installSample("cert-hook-nginx", `${folder}/real-cert-hook-nginx`, nginx.settings);
  await installSample("cert-hook-postfix", `${folder}/cert-hook-postfix`, postfix.settings);
  await installSample("cert-hook", `${folder}/cert-hook`, { hooks: folder, servers: '"nginx postfix"' });
  await writeHook(
    `${folder}/cert-hook-nginx`,
    `#!/bin/sh\ntest -e ${broken("nginx-reload")} || exec ${folder}/real-cert-hook-nginx\n`,
  );
  const kind = changes === "file" ? "bind" : "nsupdate";
  await installSample(`key-hook-${kind}`, `${folder}/real-key-hook`, zone.settings[kind]);
  // Without the section [tlsa], records come for HTTPS alone: mail's are made of those.
  await writeHook(
    `${folder}/key-hook`,
    `#!/bin/sh
set -eu
test ! -e ${broken("key-hook")}
LETSENCRYPT_TINY_TLSA=$(echo "$LETSENCRYPT_TINY_TLSA" | sed 's/^_443\\._tcp\\.mail\\./_25._tcp.mail./')
export LETSENCRYPT_TINY_TLSA
exec ${folder}/real-key-hook
`,
  );

  const referee = await makeReferee(`${folder}/referee`, resolver);
  const rig: Rig = {
    line,
    zone,
    referee,
    become,
    async setTtl(ttl) {
      const settings = { ...zone.settings.nsupdate, ttl: String(ttl) };
      await installSample("key-hook-nsupdate", `${folder}/real-key-hook`, settings);
    },
    async publish() {
      const { out } = await line.run("tlsa");
      const { code, text } = await attempt(
        "env",
        `LETSENCRYPT_TINY_TLSA=${out.join("\n")}`,
        `${folder}/real-key-hook`,
      );
      assertEquals(code, 0, text);
    },
    spawn: () =>
      new Deno.Command(Deno.execPath(), {
        // deno-fmt-ignore
        args: ["run", "--config", testConfig, "--cached-only", "--no-prompt", "--allow-all", "--no-check",
          new URL("cron.ts", import.meta.url).pathname, pebble.caFile, "-c", line.config, "-k"],
        env: { NO_COLOR: "1" },
        ...{ stdin: "null", stdout: "piped", stderr: "piped" },
      }).spawn(),
    cron: () => outcome(rig.spawn()),
    async status() {
      const { exit, out, err } = await line.run("status", "--json");
      assertEquals(exit, 0, err.join("\n"));
      return JSON.parse(out.join("\n"));
    },
    async cronUntil(what, condition, seconds) {
      const deadline = performance.now() + seconds * 1000;
      while (true) {
        const { out, err } = await rig.cron();
        const status = await rig.status();
        if (await condition(status)) return;
        assert(
          performance.now() < deadline,
          `${what}: not within ${seconds} s: ${[JSON.stringify(status), ...out, ...err].join("\n")}`,
        );
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
    break: (what) => Deno.writeTextFile(broken(what), ""),
    mend: (what) => Deno.remove(broken(what)),
    async isAnnounced(keys) {
      const expected = keys.map((each) => `3 1 1 ${each}`).sort().join();
      const answers = await Promise.all(
        authorities.flatMap((server) => services.map((each) => askTlsa(server, tlsaName(each)))),
      );
      return answers.every(({ records }) => records.join() === expected);
    },
    probe: () => startProbe(services, { resolvers, authorities, referee }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
  await rig.cronUntil("the first records", isSettled(256), 20);
  // The resolver may know for one more TTL that there are none.
  for (let attempt = 0;; attempt++) {
    const answers = await Promise.all(
      resolvers.flatMap((resolver) => services.map((each) => askTlsa(resolver, tlsaName(each)))),
    );
    if (answers.every((each) => each.isValidated && each.records.length > 0)) break;
    assert(attempt < 100, `no validated records: ${JSON.stringify(answers)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const parts = stack.move();
  return rig;
}
