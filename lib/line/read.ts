/** The whole line as a decision sees it, from files and state. */
import type { Config } from "../config/config.ts";
import { type Files, matches, type Pair } from "./files.ts";
import { dueHooks } from "../steps/hooks.ts";
import { inspect } from "../disk/read.ts";
import { staleOutputs } from "./outputs.ts";
import type { Line } from "./decide.ts";
import type { KeyFacts, Slot } from "./renewal.ts";
import type { State } from "./memory.ts";
import { paths } from "../steps/install.ts";

/** Puts the line together; whoever decides asks the disk nothing more.
 *
 * @param config the configuration
 * @param files both pairs, as they were read
 * @param state what is remembered
 * @returns everything that a decision depends on
 */
export async function readLine(config: Config, files: Files, state: State): Promise<Line> {
  const at = paths(config);
  const live = toSlot(files.live, at.live.key, state);
  const staging = toSlot(files.staging, at.staging.key, state);
  const isAnnounced = staging.kind === "certified" && state.staged?.keyId === staging.key.keyId;
  return {
    live,
    staging,
    announced: isAnnounced ? new Date(state.staged!.since) : undefined,
    observed: staging.kind === "certified" ? observedOf(staging.key.keyId, state) : undefined,
    damaged: [
      ...files.live.key && !files.live.key.key ? [at.live.key] : [],
      ...files.live.crt && !matches(files.live.key, files.live.crt) ? [at.live.crt] : [],
    ],
    isInterrupted: !matches(files.live.key, files.live.crt) &&
      (matches(files.live.key, files.staging.crt) || matches(files.staging.key, files.live.crt)),
    due: await dueHooks(config, files, state),
    outputsStale: live.kind === "certified" && staleOutputs(config, files).length > 0,
    revocations: state.revocations ?? [],
    notBefore: state.failures && new Date(state.failures.notBefore),
  };
}

function observedOf(keyId: string, { observed }: State): Line["observed"] {
  if (observed?.keyId !== keyId) return undefined;
  const { at, problems } = observed;
  return { at: at === undefined ? undefined : new Date(at), problems };
}

/** The time of the key file stands in where the state doesn't know when a key was created. */
function toSlot({ key: file, crt }: Pair, path: string, state: State): Slot {
  if (!file?.key) return { kind: "empty" };
  const known = state.keys[file.key.keyId];
  const created = known ? new Date(known) : inspect(path)?.mtime ?? new Date(0);
  const key: KeyFacts = { ...file.key, created };
  return matches(file, crt)
    ? { kind: "certified", key, certificate: crt!.certificate! }
    : { kind: "key", key };
}
