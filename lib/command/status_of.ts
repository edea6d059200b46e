/** The status of a line on this machine. */
import type { Config } from "../config/config.ts";
import type { Failure } from "../errors.ts";
import { look } from "../steps/session.ts";
import { issuerOf } from "../x509/certificate.ts";
import type { World } from "../steps/session.ts";
import { type Status, status } from "./status.ts";

/** Looks at a line; without `hooks` too its status is that of the usual run, which has them.
 *
 * @param config the configuration
 * @param options whether hooks run; `fail`: told of what keeps anything from being decided
 * @param world the time
 */
export async function statusOf(
  config: Config,
  { hooks, fail }: { hooks: boolean; fail?: (failure: Failure) => void },
  world: World,
): Promise<Status> {
  const { line, files, memory: { failures } } = await look(config, world);
  const issuers = {
    live: line.live.kind === "certified" ? issuerOf(files.live.crt!.bytes) : undefined,
    staging: line.staging.kind === "certified" ? issuerOf(files.staging.crt!.bytes) : undefined,
  };
  const isUsual = (config.hooks.certchange ?? config.hooks.keychange) !== undefined;
  const failure = failures && { at: new Date(failures.last), text: failures.message };
  return status(line, { config, hooks: hooks || isUsual, now: world.now(), issuers, failure }, fail);
}
