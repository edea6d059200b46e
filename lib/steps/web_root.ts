/** The http-01 challenge through a web root, RFC 8555 §8.3. */
import type { Solver } from "../acme/order.ts";
import { put, remove, temporaryName } from "../disk/write.ts";
import { inspect } from "../disk/read.ts";
import { LineError } from "../errors.ts";
import type { StateFile } from "../line/memory.ts";

/** Answers challenges by files in the directory that the web server maps to `/.well-known/acme-challenge/`.
 *
 * @param directory the configured `challenge-dir`
 * @param remember called with all tokens so far before a file is written, so that a later run can remove what a
 *   crash left behind
 * @returns the solver; a name that is taken already is an error, since somebody else put it there
 */
export function webRootSolver(directory: string, remember: (tokens: string[]) => void = () => {}): Solver {
  const tokens = new Set<string>();
  let remembered: Promise<void> | undefined;
  return {
    async present(token, keyAuthorization) {
      const path = `${directory}/${token}`;
      if (inspect(path, { follow: false })) {
        throw new LineError(`The challenge file "${path}" exists already`, { hint: "remove it" });
      }
      tokens.add(token);
      // Those that arrive together are remembered together: each time the disk is waited for.
      await (remembered ??= Promise.resolve().then(() => {
        remembered = undefined;
        remember([...tokens]);
      }));
      put(path, new TextEncoder().encode(keyAuthorization), { mode: 0o644, new: true, isFleeting: true });
    },
    remove(token) {
      // A name that was taken was never ours, and is not in the set.
      if (!tokens.delete(token)) return;
      remove(`${directory}/${token}`);
    },
  };
}

/** Removes the challenge files that an interrupted run left in the web root.
 *
 * @param directory the configured `challenge-dir`
 * @param state remembers their tokens
 */
export function removeStaleChallenges(directory: string, state: StateFile): void {
  for (const [slot, order] of Object.entries(state.value.orders)) {
    if (!order || order.tokens.length === 0) continue;
    for (const token of order.tokens.filter((each) => /^[A-Za-z0-9_-]{16,128}$/.test(each))) {
      remove(temporaryName(`${directory}/${token}`));
      remove(`${directory}/${token}`);
    }
    state.update({ orders: { ...state.value.orders, [slot]: { ...order, tokens: [] } } });
  }
}
