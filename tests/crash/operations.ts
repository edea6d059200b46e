/** What the sweeps interrupt: each operation on a line, and what must hold afterwards whatever happened. */
import { parseConfig } from "../../lib/config/config.ts";
import { matches, readBackups, readFiles } from "../../lib/line/files.ts";
import { pathsOf } from "../../lib/line/paths.ts";
import { look } from "../../lib/steps/session.ts";
import { makeLine, type Settings, type TestLine } from "../kit/line.ts";
import { openssl } from "../kit/pebble.ts";
import type { ScriptedCa } from "../kit/scripted_ca.ts";
import { run } from "./strace.ts";

/** An operation, and how a line gets to where it can begin. */
export interface Operation {
  name: string;
  /** Brings a line that `init` made to the state before; absent: not even `init` has run. */
  prepare?(line: TestLine, configure: (change: Settings) => Promise<void>): Promise<void>;
  action: string;
  /** What finishes it after an interruption. */
  retry: string;
}

const longer = { head: "key-type = ecdsa\nkey-length = 384\n" };
const staged = { timing: { "staging-hours": "0.00001" } };
const stage = async (line: TestLine, configure: (change: Settings) => Promise<void>) => {
  await configure({ ...longer, timing: { "staging-hours": "1000" } });
  await line.run("-k", "cron");
};

/** The operations that change a line. */
export const operations: Operation[] = [
  { name: "init", action: "init", retry: "init" },
  { name: "renew", async prepare() {}, action: "renew", retry: "renew" },
  {
    name: "cron renews",
    prepare: (_line, configure) => configure({ domains: ["one.example.org", "two.example.org"] }),
    action: "cron",
    retry: "cron",
  },
  {
    name: "cron stages",
    prepare: (_line, configure) => configure({ ...longer, timing: { "staging-hours": "1000" } }),
    action: "cron",
    retry: "cron",
  },
  {
    name: "cron unstages",
    async prepare(line, configure) {
      await stage(line, configure);
      await configure({ ...longer, ...staged });
    },
    action: "cron",
    retry: "cron",
  },
  {
    name: "cron stages and unstages",
    prepare: (_line, configure) => configure(longer),
    action: "cron",
    retry: "cron",
  },
  {
    name: "cron takes over a line of the original",
    async prepare(line, configure) {
      const key = `${line.folder}/keys/live.key`;
      const pem = await openssl("rsa", "-in", key, "-traditional");
      await Deno.writeTextFile(key, pem);
      await Deno.chmod(key, 0o644);
      for (const name of [".live.state.json", ".live.lock"]) await Deno.remove(`${line.folder}/keys/${name}`);
      await configure({ head: "key-type = ecdsa\n" });
    },
    action: "cron",
    retry: "cron",
  },
  {
    name: "recover finishes an unstaging",
    async prepare(line, configure) {
      await stage(line, configure);
      await Deno.copyFile(`${line.folder}/keys/live.key`, `${line.folder}/backups/live.key.2020-01-01.0`);
      await Deno.copyFile(`${line.folder}/certs/live.crt`, `${line.folder}/backups/live.crt.2020-01-01.0`);
      await Deno.rename(`${line.folder}/keys/staging.key`, `${line.folder}/keys/live.key`);
    },
    action: "recover",
    retry: "recover",
  },
];

/** A line, ready for an operation that can be begun again and again from the same state. */
export interface Scene {
  operation: Operation;
  line: TestLine;
  ca: ScriptedCa;
  /** Puts the line's folder back to the state before the operation. */
  reset(): Promise<void>;
  /** The live certificate when the operation begins; empty where there is none. */
  certificate: string;
  /** Public keys that may be in use when the operation begins. */
  keys: string[];
}

/** Builds a scene.
 *
 * @param ca the CA
 * @param operation what is to be interrupted
 */
export async function setScene(ca: ScriptedCa, operation: Operation): Promise<Scene> {
  const isOriginal = operation.name.includes("original");
  const base: Settings = {
    domains: ["one.example.org"],
    head: isOriginal ? "key-length = 2048\n" : "key-type = ecdsa\n",
    files: "outputs = key+crt",
  };
  const line = await makeLine(ca, base);
  const hooks = await makeHooks(line.folder);
  const configure = (change: Settings) => line.configure({ ...base, hooks, ...change });
  await configure({});
  if (operation.prepare) {
    const { exit, err } = await line.run("-k", "init");
    if (exit !== 0) throw new Error(err.join("\n"));
    await operation.prepare(line, configure);
  }
  const before = `${line.folder}.before`;
  await run("cp", "-a", line.folder, before);
  return {
    operation,
    line,
    ca,
    keys: await keysInUse(line),
    certificate: await read(pathsOf(await configOf(line)).live.crt),
    async reset() {
      await run("rm", "-rf", line.folder);
      await run("cp", "-a", before, line.folder);
    },
  };
}

/** Hooks that note what they saw; they look through a link, so that a fault that is meant for the program spares them. */
async function makeHooks(folder: string): Promise<string> {
  await Deno.symlink(folder, `${folder}.seen`);
  // What a hook did is as durable as it makes it itself.
  const script = (what: string) =>
    `#!/bin/sh
${what} > ${folder}/saw-$LETSENCRYPT_TINY_EVENT
sync ${folder}/saw-$LETSENCRYPT_TINY_EVENT ${folder}
`;
  const seen = {
    certchange: `for file in $LETSENCRYPT_TINY_LIVE_CRT $LETSENCRYPT_TINY_STAGING_CRT; do
  cat "${folder}.seen\${file#${folder}}"
done`,
    keychange: `echo "$LETSENCRYPT_TINY_TLSA" | sed 's/.* //' | sort -u`,
  };
  for (const [name, what] of Object.entries(seen)) {
    await Deno.writeTextFile(`${folder}/${name}`, script(what), { mode: 0o755 });
  }
  return Object.keys(seen).map((name) => `post-${name} = ${folder}/${name}`).join("\n");
}

const read = (path: string) => Deno.readTextFile(path).catch(() => "");
const configOf = async (line: TestLine) => parseConfig(await Deno.readTextFile(line.config), line.config);

/** Keys whose loss would hurt: those of a live or staging slot that has a certificate. */
async function keysInUse(line: TestLine): Promise<string[]> {
  const config = await configOf(line);
  const found: string[] = [];
  const { live, staging } = await readFiles(config);
  for (const { crt } of [live, staging]) {
    if (crt?.certificate) found.push(crt.certificate.keyId);
  }
  return found;
}

/** What is broken right after an interruption: I1 and I2 of the design.
 *
 * @param scene whose operation was interrupted
 * @returns one line for each violation
 */
export async function violationsAfterCrash({ line, operation, keys }: Scene): Promise<string[]> {
  const config = await configOf(line);
  const found: string[] = [];
  const { live, staging } = await readFiles(config);
  if (operation.prepare) {
    if (!live.key?.key) found.push(`I1: live.key is ${live.key ? "damaged" : "missing"}`);
    if (!live.crt?.certificate) found.push(`I1: live.crt is ${live.crt ? "damaged" : "missing"}`);
  } else {
    if (live.key && !live.key.key) found.push("I1: live.key is damaged");
    if (live.crt && !live.crt.certificate) found.push("I1: live.crt is damaged");
  }
  const kept = new Set([live.key?.key?.keyId, staging.key?.key?.keyId]);
  for await (const { key } of readBackups(config)) kept.add(key?.key?.keyId);
  for (const spki of new Set([...keys, ...await keysInUse(line)])) {
    if (!kept.has(spki)) found.push(`I2: the key ${spki.slice(0, 8)} is lost`);
  }
  return found;
}

/** Runs `recover` twice and tells what is wrong then: I3 and I4.
 *
 * @param scene whose operation was interrupted
 * @returns one line for each violation
 */
export async function violationsAfterRecovery({ line, operation }: Scene): Promise<string[]> {
  const config = await configOf(line);
  const found: string[] = [];
  const hasBegun = operation.prepare !== undefined || (await readFiles(config)).live.crt !== undefined;
  if (!hasBegun) return [];
  const { exit, err } = await line.run("recover");
  if (exit !== 0 || err.length > 0 && !err[0].includes("state file")) {
    found.push(`I3: recover ends with ${exit}: ${err.join(" / ")}`);
  }
  const { live } = await readFiles(config);
  if (!matches(live.key, live.crt)) found.push("I3: live.key and live.crt don't match");
  const again = await line.run("recover");
  if (again.exit !== 0 || again.out.length + again.err.length > 0) {
    found.push(`I4: recover twice: ${again.exit} ${again.out}${again.err}`);
  }
  return found;
}

/** Runs what finishes the operation, without fault, and tells what is wrong then: I3, I4, I5, and the CA's count.
 *
 * @param scene whose operation was interrupted
 * @param issued how many certificates the CA had issued before the operation
 * @param options `retry`: the action; default: what finishes the operation; `recovers`: whether `recover` runs first, as
 *   where a server starts meanwhile; else the action has to heal by itself
 * @returns one line for each violation
 */
export async function violationsAfterRetry(
  scene: Scene,
  issued: number,
  { retry = scene.operation.retry, recovers = true }: { retry?: string; recovers?: boolean } = {},
): Promise<string[]> {
  const { line, ca, operation } = scene;
  const config = await configOf(line);
  const found: string[] = [];
  if (recovers) found.push(...await violationsAfterRecovery(scene));
  // What was asked for by hand is asked for again, unless it is done.
  const isDone = operation.name === "renew" && await read(pathsOf(config).live.crt) !== scene.certificate;
  for (const action of new Set([isDone ? "cron" : retry, "cron"])) {
    const { exit, err } = await line.run("-k", action);
    if (exit !== 0 || err.some((each) => !each.startsWith("notice: "))) {
      found.push(`I3: ${action} ends with ${exit}: ${err.join(" / ")}`);
    }
  }
  const seen = await look(config, { now: () => new Date(), warn: (text) => found.push(text) });
  const { live, staging } = seen.files;
  if (!matches(live.key, live.crt)) found.push("I3: live.key and live.crt don't match");
  const { due, outputsStale } = seen.line;
  if (due.certchange || due.keychange) found.push(`I5: still due: ${JSON.stringify(due)}`);
  if (outputsStale) found.push("derived files are stale");
  const chains = await read(pathsOf(config).live.crt) + await read(pathsOf(config).staging.crt);
  if (await read(`${line.folder}/saw-post-certchange`) !== chains) {
    found.push("I5: post-certchange saw other files");
  }
  const records = [...new Set((await line.run("tlsa")).out.map((each) => each.split(" ").at(-1)))].sort()
    .join("\n");
  const announced = (await read(`${line.folder}/saw-post-keychange`)).trim();
  if (matches(staging.key, staging.crt) || staging.key === undefined) {
    if (announced !== records) found.push("I5: post-keychange saw other keys");
  }
  if (ca.issued - issued > 1) found.push(`the CA issued ${ca.issued - issued} certificates for one`);
  if (ca.violations.length > 0) found.push(...ca.violations.splice(0));
  for (const directory of ["keys", "certs", "backups"]) {
    for (const { name } of Deno.readDirSync(`${line.folder}/${directory}`)) {
      if (name.endsWith(".tmp")) found.push(`${directory}/${name} stays`);
    }
  }
  const challenges = [...Deno.readDirSync(ca.challengeDir)].map(({ name }) => name);
  if (challenges.length > 0) found.push(`challenge files stay: ${challenges}`);
  for (const name of challenges) await Deno.remove(`${ca.challengeDir}/${name}`);
  return found;
}
