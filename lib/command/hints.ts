/** What the command makes of a failure: an exit status, and what the administrator can do. */
import { type Area, Failure, type Kind } from "../errors.ts";

/** Exit statuses by area; what may pass by itself at the CA is 75, `EX_TEMPFAIL` of sysexits.h. */
const statuses: Record<Area, number> = { usage: 2, config: 2, files: 4, ca: 1, hook: 3, run: 75 };

/** Hints that hang on nothing but the kind. */
const hints: Partial<Record<Kind, string>> = {
  "files.permission": "the action permissions prints the flags that are needed",
};

/** The exit status that stands for a failure.
 *
 * @param failure what was thrown; anything but a {@link Failure} is a bug
 */
export function exitStatus(failure: unknown): number {
  if (!(failure instanceof Failure)) return 70;
  return failure.area === "ca" && failure.isTemporary ? 75 : statuses[failure.area];
}

/** What to do about a failure, in one line.
 *
 * @param failure what was thrown
 * @returns undefined: its message must do
 */
export const hint = ({ kind, about }: Failure): string | undefined => about.cure ?? hints[kind];
