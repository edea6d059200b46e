/** Hooks: due as long as what they depend on differs from what it was when they last exited 0. */
import type { Config } from "./config.ts";
import { read } from "./inspect.ts";
import { HookError } from "./errors.ts";
import { sha256 } from "./keys.ts";
import { outputs } from "./outputs.ts";
import type { State, StateFile } from "./state.ts";
import { matches, paths, readPair } from "./store.ts";
import { tlsaRecords } from "./tlsa.ts";
import type { System } from "./transport.ts";

/** The hooks, in the order in which they run: the second only once the first has succeeded. */
export const hookNames = ["certchange", "keychange"] as const;
type HookName = typeof hookNames[number];

/** Which configured hooks are due.
 *
 * @param config the configuration
 * @param state what was remembered when they last succeeded
 */
export async function dueHooks(
  config: Config,
  state: State,
): Promise<{ certchange: boolean; keychange: boolean }> {
  const live = await readPair(config, "live");
  const now = await fingerprints(config);
  const isDue = (name: HookName) =>
    // Before the first certificate there is nothing to serve or to announce.
    matches(live.key, live.crt) && config.hooks[name] !== undefined && now[name] !== state.hooks[name];
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
export async function runDueHooks(config: Config, state: StateFile, system: System): Promise<void> {
  for (const name of hookNames) {
    const program = config.hooks[name];
    if (!program || !(await dueHooks(config, state.value))[name]) continue;
    const fingerprint = (await fingerprints(config))[name];
    const staged = (await stagedKey(config))?.key?.key?.spki;
    const status = await system.runHook(program, await environment(config, name));
    if (status !== 0) {
      throw new HookError(`Hook post-${name} failed: "${program}" ended with status ${status}`, {
        hint: "it will be run again by the next run",
      });
    }
    state.update({ hooks: { ...state.value.hooks, [name]: fingerprint } });
    if (name === "keychange" && staged) {
      state.update({ staged: { spki: staged, since: system.now().toISOString() } });
    }
  }
}

/** What each hook depends on, as one hash: certificates and derived files; the set of keys. */
async function fingerprints(config: Config): Promise<Record<HookName, string>> {
  const at = paths(config);
  const files = [read(at.live.crt), read(at.staging.crt), ...outputs(config).map((each) => each.bytes)];
  const live = await readPair(config, "live");
  const staging = await stagedKey(config);
  return {
    certchange: await hash(files.map((bytes) => bytes?.toBase64() ?? "")),
    keychange: await hash([live.key?.key?.spki ?? "", staging?.key?.key?.spki ?? ""]),
  };
}

async function stagedKey(config: Config) {
  const staging = await readPair(config, "staging");
  return matches(staging.key, staging.crt) ? staging : undefined;
}

/** What a hook is told; nothing in it comes from the CA. */
async function environment(config: Config, event: HookName): Promise<Record<string, string>> {
  const at = paths(config);
  const live = (await readPair(config, "live")).key?.key?.spki;
  const staging = (await stagedKey(config))?.key?.key?.spki;
  const services = config.domains.map((domain) => `_443._tcp.${domain}`);
  const keys = [live, staging].filter((each) => each !== undefined);
  const values: Record<string, string> = {
    EVENT: `post-${event}`,
    CONFIG: config.file,
    DOMAINS: config.domains.join(" "),
    LIVE_CRT: at.live.crt,
    LIVE_KEY: at.live.key,
    TLSA: tlsaRecords(services, keys).join("\n"),
    ...staging ? { STAGING_CRT: at.staging.crt, STAGING_KEY: at.staging.key } : {},
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`LETSENCRYPT_TINY_${name}`, value]),
  );
}

const hash = (parts: string[]) => sha256(new TextEncoder().encode(JSON.stringify(parts)));
