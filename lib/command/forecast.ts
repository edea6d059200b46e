/** What `cron` will do: the rules followed through time. Pure. */
import { Failure } from "../errors.ts";
import type { Line } from "../line/line.ts";
import { follow } from "../line/paper.ts";
import { day, hour } from "../time.ts";
import type { Options } from "./status.ts";
import { worded } from "./step_words.ts";

/** How often `cron` is taken to run. */
const interval = 12 * hour;

/** One run that does something. */
export interface Run {
  at: Date;
  /** In the words of `due`. */
  steps: string[];
}

/** Follows a line for some days, if nothing fails and DNS knows new keys within a day.
 *
 * @param line what is on disk
 * @param options configuration, whether hooks run, and the time
 * @param days how long
 * @throws {Failure} nothing can be decided
 */
export function forecast(line: Line, options: Options, days: number): Run[] {
  const { config, hooks, now } = options;
  if (line.isInterrupted) throw new Failure("run.waiting", "An interrupted run has to be finished first");
  const assumptions = { dnsWait: Math.max(config.timing.staging, day) };
  const runs: Run[] = [];
  let current = line;
  for (let at = now; +at <= +now + days * day; at = new Date(+at + interval)) {
    const { heldBack } = current;
    current = { ...current, heldBack: heldBack?.cron && heldBack.cron > at ? heldBack : undefined };
    const before = current;
    const run = follow(before, { command: "cron", config, hooks, now: at }, assumptions);
    const steps = [...new Set(run.steps.flatMap((step) => worded(step, before)))];
    if (steps.length > 0) runs.push({ at, steps });
    current = run.line;
  }
  return runs;
}
