/** Hooks: due as long as what they depend on differs from what it was when they last exited 0. */
import type { Config } from "../config/config.ts";
import { HookError } from "../errors.ts";
import { type Files, matches, readFiles } from "../line/files.ts";
import { sha256 } from "../x509/key.ts";
import { outputs } from "../line/outputs.ts";
import type { State, StateFile } from "../line/memory.ts";
import { paths } from "./install.ts";
import { formatRecords } from "../dane/records.ts";
import type { World } from "./world.ts";
import { serviceNames, zoneRecords } from "../line/zone.ts";

/** The hooks, in the order in which they run: the second only once the first has succeeded. */
export const hookNames = ["certchange", "keychange"] as const;
type HookName = typeof hookNames[number];

/** Which configured hooks are due.
 *
 * @param config the configuration
 * @param files what they depend on
 * @param state what was remembered when they last succeeded
 */
export async function dueHooks(
  config: Config,
  files: Files,
  state: State,
): Promise<Record<HookName, boolean>> {
  const now = await fingerprints(config, files);
  const isDue = (name: HookName) =>
    // Before the first certificate there is nothing to serve or to announce.
    matches(files.live.key, files.live.crt) && config.hooks[name] !== undefined &&
    now[name] !== state.hooks[name];
  return { certchange: isDue("certchange"), keychange: isDue("keychange") };
}

/** Runs the hooks that are due, and remembers each that succeeds.
 *
 * The fingerprint is taken before a hook starts: what changes while it runs makes it due again.
 *
 * @param config the configuration
 * @param state remembers
 * @param system runs programs
 * @throws {HookError} a hook failed; it stays due, and so does the one after it
 */
export async function runDueHooks(config: Config, state: StateFile, system: World): Promise<void> {
  for (const name of hookNames) {
    const program = config.hooks[name];
    if (!program) continue;
    const files = await readFiles(config, state.value.contents); // a hook may have changed them
    if (!(await dueHooks(config, files, state.value))[name]) continue;
    const fingerprint = (await fingerprints(config, files))[name];
    // Not before: the record of the old key must not go while a server still has it.
    if (name === "keychange") await confirmServed(config, files, state, system);
    const status = await system.runHook(program, await environment(config, files, state.value, name));
    if (status !== 0) {
      throw new HookError(`Hook post-${name} failed: "${program}" ended with status ${status}`, {
        hint: "it will be run again by the next run with -k",
      });
    }
    const after = await fingerprints(config, await readFiles(config, state.value.contents));
    if (after[name] !== fingerprint) {
      system.warn(
        `warning: files of the line have changed while post-${name} ran: it will be run again; it must not change them itself`,
      );
    }
    if (name === "certchange") await confirmServed(config, files, state, system);
    // In one step with the hook: else a crash in between would leave a key that waits for ever.
    const staged = name === "keychange" ? stagedSpki(files) : undefined;
    state.update({
      hooks: { ...state.value.hooks, [name]: fingerprint },
      ...staged ? { staged: { keyId: staged, since: system.now().toISOString() } } : {},
    });
  }
}

/** Starts the clock of a staged key that no hook announces: there is none, or this line never runs hooks, or the hook has
 * succeeded and only this was lost.
 *
 * @param config the configuration
 * @param state remembers since when
 * @param options whether hooks run, and the time
 */
export async function startClock(
  config: Config,
  state: StateFile,
  { hooks, now }: { hooks: boolean; now: Date },
): Promise<void> {
  const files = await readFiles(config, state.value.contents);
  const keyId = stagedSpki(files);
  if (!keyId || state.value.staged?.keyId === keyId) return;
  const isDue = (await dueHooks(config, files, state.value)).keychange;
  if (isDue && (hooks || state.value.hooks.keychange !== undefined)) return;
  state.update({ staged: { keyId, since: now.toISOString() } });
}

/** Where the live key is not the one that was served last, or nobody knows which that was: every service has to serve it.
 *
 * @param config the configuration
 * @param files the live key
 * @param state remembers what was served
 * @param system reaches the services
 * @throws {HookError} one doesn't: the hook counts as failed
 */
export async function confirmServed(
  config: Config,
  files: Files,
  state: StateFile,
  system: World,
): Promise<void> {
  const keyId = files.live.key?.key?.keyId;
  if (!keyId || keyId === state.value.served) return;
  if (config.dane?.served) {
    const { awaitServed } = await import("../dane/served.ts");
    const [first, ...more] = await awaitServed(config.dane, keyId, system);
    if (first) {
      const others = more.length > 0 ? `, and ${more.length} more` : "";
      throw new HookError(`The new key is not served everywhere: ${first}${others}`, {
        hint:
          "reload that server; until the next run finds it served, old TLSA records stay and no new ones come",
      });
    }
  }
  state.update({ served: keyId });
}

/** What each hook depends on, as one hash: certificates and derived files; the set of keys. */
async function fingerprints(config: Config, files: Files): Promise<Record<HookName, string>> {
  const { live, staging } = files;
  const derived = outputs(config, files).map((each) => each.bytes);
  const certificates = [live.crt?.bytes, staging.crt?.bytes, ...derived];
  return {
    certchange: await hash(certificates.map((bytes) => bytes?.toBase64() ?? "")),
    keychange: await hash([live.key?.key?.keyId ?? "", stagedSpki(files) ?? ""]),
  };
}

/** The staged key, once there is a certificate for it. */
const stagedSpki = ({ staging }: Files) =>
  matches(staging.key, staging.crt) ? staging.key?.key?.keyId : undefined;

/** What a hook is told; nothing in it comes from the CA. */
async function environment(
  config: Config,
  files: Files,
  state: State,
  event: HookName,
): Promise<Record<string, string>> {
  const at = paths(config);
  const staging = stagedSpki(files);
  const records = formatRecords(serviceNames(config), await zoneRecords(config, files, state));
  const values: Record<string, string> = {
    EVENT: `post-${event}`,
    CONFIG: config.file,
    DOMAINS: config.domains.join(" "),
    LIVE_CRT: at.live.crt,
    LIVE_KEY: at.live.key,
    TLSA: records.join("\n"),
    ...staging ? { STAGING_CRT: at.staging.crt, STAGING_KEY: at.staging.key } : {},
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`LETSENCRYPT_TINY_${name}`, value]),
  );
}

const hash = (parts: string[]) => sha256(new TextEncoder().encode(JSON.stringify(parts)));
