/** How a line is, in a word: what status, check and metrics agree on. */
import type { Config } from "../config/config.ts";
import { readable } from "../errors.ts";
import type { Line, Slot } from "../line/line.ts";
import { margin } from "../line/renewal.ts";

/** From the best to the gravest. */
export const verdicts = ["ok", "waiting", "needs a hand"] as const;
/** Nothing to do; what `cron` does when it is time; what it can't do alone. */
export type Verdict = typeof verdicts[number];

/** What is wrong with the live certificate.
 *
 * @param live the live pair
 * @param options the configuration and the time
 * @returns undefined: nothing that `cron` doesn't see to
 */
export function certificateProblem(
  live: Slot,
  { config, now }: { config: Config; now: Date },
): { text: string; isOver: boolean } | undefined {
  if (live.kind === "empty") return { text: "there is no live key: run init", isOver: true };
  if (live.kind === "key") return { text: "there is no live certificate: run cron", isOver: true };
  const { notAfter } = live.certificate;
  const isOver = notAfter <= now;
  // A renewal that is due is cron's business; one that is half a margin late is the administrator's.
  const late = +notAfter - margin(live.certificate, config.timing.renewBefore) / 2;
  if (+now < late) return undefined;
  const ends = isOver ? "expired" : "expires";
  return {
    text: `the live certificate ${ends} ${readable(notAfter)}: run cron and read what it says`,
    isOver,
  };
}

/** What needs a hand, the gravest first.
 *
 * @param line what is on disk
 * @param options the configuration and the time
 */
export function problems(line: Line, options: { config: Config; now: Date }): string[] {
  const { live, damaged, isInterrupted } = line;
  if (isInterrupted) return [];
  const broken = damaged.map((path) => `"${path}" is damaged or not for its key: run recover`);
  const certificate = broken.length > 0 && live.kind !== "certified"
    ? undefined
    : certificateProblem(live, options);
  return [...certificate ? [certificate.text] : [], ...broken];
}
