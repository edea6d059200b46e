/** The end of the program by a signal: what is under way is cleaned up first. */
import { endHooks } from "./hook_process.ts";

/** The signals that end a program, and what the shell adds to 128 for each. */
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** What each line under way wants done before the program ends. */
const cleanUps = new Set<() => void>();
let handlers: (() => void)[] = [];

/** Calls `cleanUp` where a signal ends the program before this is disposed of.
 *
 * Handlers run between two turns of the event loop: never in the middle of what is written without `await`.
 */
export function onSignal(cleanUp: () => void): Disposable {
  if (cleanUps.size === 0) handlers = Object.entries(signals).map(listen);
  cleanUps.add(cleanUp);
  return {
    [Symbol.dispose]() {
      cleanUps.delete(cleanUp);
      if (cleanUps.size === 0) handlers.forEach((remove) => remove());
    },
  };
}

function listen([name, number]: [string, number]): () => void {
  const handler = () => {
    for (const act of [endHooks, ...cleanUps]) {
      try {
        act();
      } catch { /* the next run cleans up */ }
    }
    Deno.exit(128 + number);
  };
  Deno.addSignalListener(name as Deno.Signal, handler);
  return () => Deno.removeSignalListener(name as Deno.Signal, handler);
}
