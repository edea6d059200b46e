/** What steps are called. */
import type { Step } from "../line/decide.ts";
import type { Line } from "../line/line.ts";

/** A step in the words of `due`; what follows from another one goes without saying.
 *
 * @param step the step
 * @param line before the run
 */
export function worded(step: Step, line: Line): string[] {
  switch (step.kind) {
    case "obtain":
      return [
        ...step.newKey ? [`generate ${step.slot}: ${step.newKey}`] : [],
        `obtain ${step.slot}: ${step.reason}`,
      ];
    case "run-hook":
      return line.due[step.hook] ? ["run-hooks"] : [];
    case "write-outputs":
      return line.outputsStale ? [step.kind] : [];
    case "unstage":
    case "revoke":
      return [step.kind];
    default:
      return [];
  }
}

/** Where a person reads them. */
const words: Record<string, string> = {
  recover: "finish the interrupted run",
  "write-outputs": "write derived files",
  "run-hooks": "run the hooks",
  unstage: "the staging key goes live",
  revoke: "revoke what is to be revoked",
};

/** One of the words of `due`, for a person.
 *
 * @param step see {@link worded}
 */
export function inWords(step: string): string {
  const [, kind, slot, reason = ""] = /^(generate|obtain) (\w+)(:.*)?$/.exec(step) ?? [];
  if (kind) return `${kind === "obtain" ? `get a ${slot} certificate` : `make a ${slot} key`}${reason}`;
  return words[step] ?? step;
}
