/** The http-01 challenge through a web root, RFC 8555 §8.3. */
import type { Solver } from "./acme.ts";
import { put, remove, temporaryName } from "./disk.ts";
import { exists } from "./inspect.ts";
import { LineError } from "./errors.ts";

/** Answers challenges by files in the directory that the web server maps to `/.well-known/acme-challenge/`.
 *
 * @param directory the configured `challenge-dir`
 * @param remember called with all tokens under way before a file is written and after one is removed, so that a
 *   later run can remove what a crash left behind
 * @returns the solver; a name that is taken already is an error, since somebody else put it there
 */
export function webRootSolver(directory: string, remember: (tokens: string[]) => void = () => {}): Solver {
  const tokens = new Set<string>();
  return {
    present(token, keyAuthorization) {
      const path = `${directory}/${token}`;
      if (exists(path)) {
        throw new LineError(`The challenge file "${path}" exists already`, { hint: "remove it" });
      }
      tokens.add(token);
      remember([...tokens]);
      put(path, new TextEncoder().encode(keyAuthorization), { mode: 0o644, new: true });
    },
    remove(token) {
      // A name that was taken was never ours, and is not in the set.
      if (!tokens.delete(token)) return;
      remove(`${directory}/${token}`);
    },
  };
}

/** Removes the challenge files that an interrupted run left.
 *
 * @param directory the configured `challenge-dir`
 * @param tokens as remembered
 */
export function removeChallenges(directory: string, tokens: readonly string[]): void {
  for (const token of tokens.filter((each) => /^[A-Za-z0-9_-]{16,128}$/.test(each))) {
    remove(temporaryName(`${directory}/${token}`));
    remove(`${directory}/${token}`);
  }
}
