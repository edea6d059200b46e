/** What is left to say when a line has been changed, to those who are there to read it. */
import type { Config } from "../config/config.ts";
import { statusOf } from "./status_of.ts";
import { formatCalm, formatSummary } from "./status_text.ts";
import type { Terminal } from "./terminal.ts";

/** A run that has come to its end without failure. */
interface Run {
  command: string;
  config: Config;
  /** Whether hooks ran. */
  hooks: boolean;
  /** Whether nothing was done. */
  wasSilent: boolean;
}

/** Says which hooks are left without `-k`, and to a person where everything is, or why nothing was done.
 *
 * @param run see {@link Run}
 * @param world where it is said
 */
export async function tellAfter({ command, config, hooks, wasSilent }: Run, world: Terminal): Promise<void> {
  const status = await statusOf(config, { hooks }, world);
  if (!hooks && command !== "recover") {
    status.hooksDue.forEach((each) => world.log(`${each} is due: -k runs it`));
  }
  if (!world.isTerminal) return;
  if (command === "init" || command === "renew") formatSummary(status).forEach(world.paint);
  if (command === "cron" && wasSilent) formatCalm(status).forEach(world.paint);
}
