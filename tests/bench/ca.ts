/** The CA of the benchmark: one Pebble for all, near or far, whose log counts the requests of each client. */
import { type Pebble, startPebble } from "../kit/pebble.ts";
import type { Ca } from "./clients.ts";
import { type DelayProxy, startDelayProxy } from "./delay_proxy.ts";

/** The running CA. */
export interface BenchCa extends AsyncDisposable {
  /** The CA so many milliseconds away, there and back; each time with an empty folder for clients. */
  at(roundTrip: number): Promise<Ca>;
  /** How many requests there were so far. */
  requests(): Promise<number>;
}

/** Starts Pebble; without its random waits and refusals, and without reuse of authorizations. */
export async function startBenchCa(): Promise<BenchCa> {
  await using stack = new AsyncDisposableStack();
  const log = await Deno.makeTempFile({ prefix: "letsencrypt-tiny-" });
  stack.defer(() => Deno.remove(log));
  const pebble: Pebble = stack.use(await startPebble({ log }));
  const webRoot = `${pebble.folder}/webroot`;
  await Deno.mkdir(`${webRoot}/.well-known`, { recursive: true });
  await Deno.symlink(pebble.challengeDir, `${webRoot}/.well-known/acme-challenge`);
  const proxies = new Map<number, DelayProxy>();
  const owned = stack.move();
  return {
    async at(roundTrip) {
      const directory = new URL(pebble.directory);
      if (roundTrip > 0) {
        const proxy = proxies.get(roundTrip) ??
          owned.use(await startDelayProxy(Number(directory.port), roundTrip));
        proxies.set(roundTrip, proxy);
        directory.port = String(proxy.port);
      }
      const { caFile, challengeDir, root } = pebble;
      const folder = await Deno.makeTempDir({ dir: pebble.folder, prefix: "bench" });
      return { directory: directory.href, caFile, challengeDir, webRoot, folder, root };
    },
    async requests() {
      return (await Deno.readTextFile(log)).match(/ -> calling handler\(\)$/gm)?.length ?? 0;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
