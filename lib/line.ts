/** The whole line as a decision sees it, from files and state. */
import type { Config } from "./config.ts";
import { dueHooks } from "./hooks.ts";
import { staleOutputs } from "./outputs.ts";
import type { Line } from "./plan.ts";
import type { State } from "./state.ts";
import { paths, readPair, toSlot } from "./store.ts";

/** Reads the line once; whoever decides asks the disk nothing more.
 *
 * @param config the configuration
 * @param state what is remembered
 * @returns everything that a decision depends on
 */
export async function readLine(config: Config, state: State): Promise<Line> {
  const at = paths(config);
  const live = toSlot(await readPair(config, "live"), at.live.key, state);
  const staging = toSlot(await readPair(config, "staging"), at.staging.key, state);
  const isAnnounced = staging.kind === "certified" && state.staged?.spki === staging.key.spki;
  return {
    live,
    staging,
    announced: isAnnounced ? new Date(state.staged!.since) : undefined,
    due: await dueHooks(config, state),
    outputsStale: live.kind === "certified" && staleOutputs(config).length > 0,
    notBefore: state.failures && new Date(state.failures.notBefore),
  };
}
