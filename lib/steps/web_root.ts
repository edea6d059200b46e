/** The http-01 challenge through a web root, RFC 8555 §8.3. */
import type { Presented, Solver } from "../acme/challenge.ts";
import { remove } from "../disk/descriptor.ts";
import { look, place, type Placed, removePlaced } from "../disk/place.ts";
import { Failure } from "../errors.ts";
import type { Config } from "../config/config.ts";
import type { MemoryFile } from "../line/memory.ts";

/** Answers challenges by files in the directory that the web server maps to `/.well-known/acme-challenge/`.
 *
 * @param directory the configured `challenge-dir`, which may be somebody else's
 * @param remember is told the tokens whose files there are: before one is written, so that a later run can remove what a
 *   crash left behind; and when some are gone
 * @returns the solver; it throws a {@link Failure} of kind `files.taken` where something else has a file's name
 */
export function webRootSolver(
  directory: string,
  remember: Record<"present" | "leave", (tokens: string[]) => void> = { present() {}, leave() {} },
): Solver {
  const tokens = new Set<string>();
  const made = new Map<string, Placed>();
  const pathOf = ({ token }: Pick<Presented, "token">) => `${directory}/${token}`;
  const contentOf = (each: Presented) => new TextEncoder().encode(each.keyAuthorization);
  return {
    type: "http-01",
    present: (challenges) =>
      Promise.try(() => {
        // What is there already may be removed by who left it; not by us.
        const missing = challenges.filter((each) => !isThere(pathOf(each), contentOf(each)));
        for (const { token } of missing) tokens.add(token);
        remember.present([...tokens]);
        for (const each of missing) {
          const placed = placeOrFind(pathOf(each), contentOf(each));
          if (placed) made.set(each.token, placed);
        }
      }),
    remove: (challenges) =>
      Promise.try(() => {
        for (const each of challenges) {
          const placed = made.get(each.token);
          if (placed && made.delete(each.token)) removePlaced(pathOf(each), placed);
          tokens.delete(each.token);
          remember.leave([...tokens]);
        }
      }),
  };
}

/** Returns nothing where the run of another line, which shares the directory and has the same order, was faster. */
function placeOrFind(path: string, bytes: Uint8Array): Placed | undefined {
  try {
    return place(path, bytes, 0o644);
  } catch (error) {
    const isTaken = error instanceof Failure && error.kind === "files.taken";
    if (isTaken && look(path, bytes) === "whole") return undefined;
    throw error;
  }
}

/** Whether a file has the right content already, whoever left it; what a crash cut short is removed. */
function isThere(path: string, bytes: Uint8Array): boolean {
  const found = look(path, bytes);
  if (found === "whole") return true;
  if (found === "begun") remove(path);
  if (found !== "other") return false;
  const message = `Something else is in the place of the challenge file "${path}"`;
  throw new Failure("files.taken", message, { path });
}

/** Removes the challenge files that an interrupted run left in the web root; what its owner put in the way stays there, and
 * what can't be removed is tried again.
 *
 * @param config names the challenge directory
 * @param memory remembers their tokens
 */
export function removeStaleChallenges({ acme: { challengeDir } }: Config, memory: MemoryFile): void {
  const { orders } = memory.value;
  if (challengeDir === undefined || orders.every(({ tokens }) => tokens.length === 0)) return;
  const stays = (token: string) => {
    if (!/^[A-Za-z0-9_-]{16,128}$/.test(token)) return false;
    try {
      remove(`${challengeDir}/${token}`);
      return false;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return error.about.code !== "EISDIR";
    }
  };
  memory.update({ orders: orders.map((each) => ({ ...each, tokens: each.tokens.filter(stays) })) });
}
