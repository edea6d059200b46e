/** What an action does with one certificate line; what only some runs need is loaded only there. */
import { checkAccess } from "./access.ts";
import type { Contact } from "./account_key.ts";
import type { Config } from "./config.ts";
import { type ExpectedError, LineError } from "./errors.ts";
import { readFiles } from "./files.ts";
import { removeStaleChallenges } from "./http01.ts";
import { exists } from "./inspect.ts";
import { readLine } from "./line.ts";
import { lock } from "./lock.ts";
import { type Command, type Line, plan } from "./plan.ts";
import { recover } from "./recover.ts";
import { openState, withoutFuture } from "./state.ts";
import { makeDirectories, paths, removeTemporaries } from "./store.ts";
import type { System } from "./transport.ts";

/** Changes a line: lock, clean up, recover, decide once, act in order.
 *
 * @param command the action
 * @param config the line
 * @param options `hooks`: whether they run (`-k`); `contact`: the way to the CA, loaded when it is needed
 * @param system the outside world
 * @returns the failures; empty: all is done
 * @throws {ExpectedError} nothing could be begun
 */
export async function change(
  command: Command | "recover",
  config: Config,
  options: { hooks: boolean; contact: () => Promise<Contact> },
  system: System,
): Promise<ExpectedError[]> {
  const { hooks } = options;
  if (command === "init") makeDirectories(config);
  if (!exists(config.dirs.keys)) {
    throw new LineError(`The directory "${config.dirs.keys}" does not exist`, {
      hint: "run init to begin this line",
    });
  }
  using _held = await lock(paths(config).lock, system.now());
  const state = openState(paths(config).state, system);
  // A server that starts may need recovery more than anything here needs a hand.
  if (command !== "recover") { for (const warning of checkAccess(config, { hooks })) system.warn(warning); }
  const { challengeDir } = config.acme;
  using _tidy = system.onSignal(() => removeStaleChallenges(challengeDir, state));
  removeTemporaries(config);
  removeStaleChallenges(challengeDir, state);
  const { done, files } = await recover(config, system.now(), state.value.contents);
  for (const line of done) system.log(line);
  if (command === "recover") return [];
  state.update({ contents: files.contents });
  if (command === "init") {
    const { createAccountKey } = await import("./account_key.ts");
    await createAccountKey(config, system);
    for (const notice of config.notices) system.warn(`notice: ${notice}`);
  }
  let line = await readLine(config, files, state.value);
  // The CA's word that it is at least this late: the clock is not behind now, so it ran ahead when it wrote such things.
  if (line.live.kind === "certified" && line.live.certificate.notBefore <= system.now()) {
    const mended = withoutFuture(state.value, system.now());
    if (mended !== state.value) {
      state.update(mended);
      line = await readLine(config, files, state.value);
    }
  }
  const actions = plan(line, { command, config, hooks, now: system.now() });
  if (actions.length === 0) return [];
  const { execute } = await import("./execute.ts");
  return await execute(actions, { config, state, system, hooks, contact: await options.contact() });
}

/** Looks at a line: no lock, no recovery, no network.
 *
 * @param config the line
 * @param system for what is wrong with the state
 * @returns everything that a decision depends on
 */
export async function look(config: Config, system: System): Promise<Line> {
  const { value } = openState(paths(config).state, { warn: system.warn, readOnly: true });
  return await readLine(config, await readFiles(config, value.contents), value);
}
