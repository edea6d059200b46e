/** The whole outside world but the file system. */
import type { Network as CaNetwork } from "../acme/network.ts";
import type { Network as DnsNetwork } from "../dane/service.ts";

/** See above; `command/world.ts` makes the real one. */
export interface World extends CaNetwork, DnsNetwork {
  /** Runs a program without arguments to its end and returns its exit status. */
  runHook(program: string, env: Record<string, string>): Promise<number>;
  /** A line of standard output: something was done. */
  log(line: string): void;
  /** Calls `cleanUp` where a signal ends the program before this is disposed of. */
  onSignal(cleanUp: () => void): Disposable;
  /** Whether a person sits there and waits. */
  isInteractive: boolean;
  /** Stands in for the shortest wait for DNS, where a test has not that much time; milliseconds. */
  shortestWait?: number;
  /** Host and port of the proxy that requests go through, if there is one and it may be known. */
  proxy?: string;
}
