/** When the CA wants to be left alone, RFC 8555 §6.6. */
import type { Failure } from "../errors.ts";
import type { Network } from "./network.ts";
import { isBusy } from "./reply.ts";

/** What is waited for within one run, milliseconds; the CA may ask for days. */
export const longestWait = 60_000;
const turns = 3;

/** The CA's wish (Retry-After) is for every request of every line: until when none is sent, and why. */
export class Gate {
  #closedUntil = 0;
  #why?: Failure;

  constructor(readonly network: Pick<Network, "now" | "sleep">) {}

  /** Sends nothing for a while.
   *
   * @param ms how long
   * @param why what whoever comes meanwhile fails with; else they wait
   */
  close(ms: number, why?: Failure): void {
    const until = +this.network.now() + Math.ceil(ms); // a date has no fractions
    if (until > this.#closedUntil) [this.#closedUntil, this.#why] = [until, why];
  }

  /** Waits until the CA may be asked.
   *
   * @param signal ends the wait
   * @throws {Failure} it wants to be left alone for longer than one run
   */
  async pass(signal?: AbortSignal): Promise<void> {
    // A few turns, since others may close it meanwhile; a clock that is set back must not make it endless.
    for (let turn = 0; turn < turns; turn++) {
      const wait = this.#closedUntil - +this.network.now();
      if (wait <= 0 || signal?.aborted) return;
      if (this.#why) throw this.#why;
      await this.network.sleep(Math.min(wait, longestWait));
    }
  }
}

/** How long to wait before another try: never shorter than our own growing interval, whatever the CA says.
 *
 * @param response that was no success
 * @param asked what the CA asks for, milliseconds
 * @param attempt how many there have been
 * @returns milliseconds
 */
export function pauseAfter({ status }: Response, asked: number | undefined, attempt: number): number {
  if (!isBusy(status)) return Infinity;
  // Too many requests: only the CA knows when there may be one more.
  if (status === 429 && asked === undefined) return Infinity;
  return Math.max(asked ?? 0, backoff(attempt));
}

/** Our own interval, with some chance in it so that not all come at once. */
export const backoff = (attempt: number): number => 1000 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
