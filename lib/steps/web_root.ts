/** The http-01 challenge through a web root, RFC 8555 §8.3. */
import type { Presented, Solver } from "../acme/challenge.ts";
import { put, remove, temporaryName } from "../disk/write.ts";
import { inspect } from "../disk/read.ts";
import { LineError } from "../errors.ts";
import type { Config } from "../config/config.ts";
import type { MemoryFile } from "../line/memory.ts";

/** Answers challenges by files in the directory that the web server maps to `/.well-known/acme-challenge/`.
 *
 * @param directory the configured `challenge-dir`
 * @param remember called with all tokens so far before a file is written, so that a later run can remove what a
 *   crash left behind
 * @returns the solver; a name that is taken already is an error, since somebody else put it there
 */
export function webRootSolver(directory: string, remember: (tokens: string[]) => void = () => {}): Solver {
  const tokens = new Set<string>();
  const pathOf = ({ token }: Pick<Presented, "token">) => `${directory}/${token}`;
  return {
    type: "http-01",
    present(challenges) {
      const taken = challenges.find((each) => inspect(pathOf(each), { follow: false }));
      if (taken) {
        throw new LineError(`The challenge file "${pathOf(taken)}" exists already`, { hint: "remove it" });
      }
      for (const { token } of challenges) tokens.add(token);
      remember([...tokens]);
      for (const each of challenges) {
        const bytes = new TextEncoder().encode(each.keyAuthorization);
        put(pathOf(each), bytes, { mode: 0o644, new: true, isFleeting: true });
      }
      return Promise.resolve();
    },
    remove(challenges) {
      // A name that was taken was never ours, and is not in the set.
      for (const each of challenges) if (tokens.delete(each.token)) remove(pathOf(each));
      return Promise.resolve();
    },
  };
}

/** Removes the challenge files that an interrupted run left in the web root.
 *
 * @param config names the challenge directory
 * @param memory remembers their tokens
 */
export function removeStaleChallenges({ acme: { challengeDir } }: Config, memory: MemoryFile): void {
  const { orders } = memory.value;
  if (challengeDir === undefined || orders.every(({ tokens }) => tokens.length === 0)) return;
  for (const token of orders.flatMap(({ tokens }) => tokens)) {
    if (!/^[A-Za-z0-9_-]{16,128}$/.test(token)) continue;
    remove(temporaryName(`${challengeDir}/${token}`));
    remove(`${challengeDir}/${token}`);
  }
  memory.update({ orders: orders.map((each) => ({ ...each, tokens: [] })) });
}
