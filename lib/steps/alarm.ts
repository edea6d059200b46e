/** The hook `post-failure`: somebody is told, at most once a day of the same. */
import type { Config } from "../config/config.ts";
import { lock } from "../disk/lock.ts";
import { exists } from "../disk/read.ts";
import { Failure, printable } from "../errors.ts";
import { openMemory } from "../line/memory.ts";
import { pathsOf } from "../line/paths.ts";
import { isTold, withTold } from "../line/told.ts";
import type { World } from "./session.ts";

/** What passes by itself, or is said by the run that is active. */
const quiet: Failure["kind"][] = ["run.locked", "run.waiting"];
const longest = 2000;

/** Runs the hook.
 *
 * @param failures what failed
 * @param config the line
 * @param world runs programs
 */
export async function raiseAlarm(failures: readonly Failure[], config: Config, world: World): Promise<void> {
  const at = pathsOf(config);
  const loud = failures.filter(({ kind }) => !quiet.includes(kind));
  if (loud.length === 0 || !exists(config.dirs.keys)) return;
  try {
    using _held = await lock(at.lock, world);
    const memory = await openMemory(at.memory, world);
    const now = world.now();
    const isNew = (failure: Failure) => !isTold(memory.value.told, nameOf(failure), now);
    const news = loud.filter(isNew);
    if (news.length === 0) return;
    const status = await world.runHook(config.hooks.failure!, environment(news, config));
    if (status !== 0) return world.warn(`warning: post-failure ended with status ${status}`);
    memory.update({ told: withTold(memory.value.told, news.map(nameOf), now) });
  } catch (error) {
    // What has failed already is what has to be said; another run does the rest.
    if (!(error instanceof Failure)) throw error;
    if (error.kind !== "run.locked") world.warn(`warning: post-failure was not told: ${error.message}`);
  }
}

/** The same for the same matter, whatever times and words there are in its message. */
const nameOf = ({ kind, about }: Failure) =>
  ["failure", kind, about.path, about.host].filter(Boolean).join(" ");

/** What was said may be the CA's words: escaped, and bounded. */
const environment = (failures: readonly Failure[], config: Config) => ({
  LETSENCRYPT_TINY_EVENT: "post-failure",
  LETSENCRYPT_TINY_CONFIG: config.file,
  LETSENCRYPT_TINY_DOMAINS: config.domains.join(" "),
  LETSENCRYPT_TINY_FAILURE: failures.map(({ message }) => printable(message, longest)).join("\n"),
});
