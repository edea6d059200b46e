/** What a conversation with a CA needs of the outside world. */

/** See above. */
export interface Network {
  /** As the platform's; redirects are not followed, so that it must know `redirect: "manual"`. */
  fetch: typeof fetch;
  /** The time. */
  now(): Date;
  /** Waits so many milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Something needs a hand. */
  warn(line: string): void;
  /** What is going on, for a person at a terminal; nothing elsewhere. */
  progress(text: string): void;
}

/** The platform's own network and clock; warnings and progress go nowhere. */
export const webNetwork: Network = {
  fetch: globalThis.fetch,
  now: () => new Date(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  warn: () => {},
  progress: () => {},
};
