/** One step on a line, and its words. Pure. */
import type { HookName, SlotName } from "./line.ts";

/** One step on a line. */
export type Step =
  | { kind: "write-outputs" }
  | { kind: "run-hook"; hook: HookName }
  | { kind: "confirm-served" }
  | { kind: "start-clock" }
  | { kind: "ask-dns" }
  | { kind: "ask-renewal-info" }
  | { kind: "unstage" }
  | { kind: "obtain"; slot: SlotName; names: readonly string[]; reason: string; newKey?: string }
  | { kind: "revoke" };

/** What is common to a step that is begun again: the same certificate, the same hook.
 *
 * @param step a step
 */
export const nameOf = (step: Step): string =>
  [step.kind, ..."slot" in step ? [step.slot] : [], ..."hook" in step ? [step.hook] : []].join(" ");

/** What was done, in one line: what `cron` prints.
 *
 * @param step a step that succeeded
 * @returns undefined: it has nothing to tell, or has told it
 */
export function describe(step: Step): string | undefined {
  if (step.kind === "obtain") {
    return `Obtained ${step.slot} certificate for ${step.names.join(" ")}: ${step.reason}`;
  }
  return step.kind === "unstage" ? "Unstaged: the staging key and certificate are live now" : undefined;
}
