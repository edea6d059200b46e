/** The certificate line of Let's Encrypt Tiny as a library: its configuration, what it needs, and the whole command.
 *
 * ACME itself is in `./acme`, keys, requests and certificates are in `./x509`, TLSA records are in `./dane`.
 *
 * What `cron` would do with a line, without doing any of it:
 *
 * ```ts
 * import * as tiny from "@letsencrypt-tiny/letsencrypt-tiny";
 *
 * const file = "/etc/letsencrypt-tiny/example.org.conf";
 * const config = tiny.parseConfig(await Deno.readTextFile(file), file);
 * const now = new Date();
 * const line = await tiny.readLine(config, { now: () => now, warn: console.error });
 * const steps = tiny.plan(line, { command: "cron", config, hooks: true, now });
 * console.log(steps.map((step) => step.kind).join() || "nothing");
 * ```
 *
 * @module
 */
import { look, type World } from "./lib/steps/session.ts";
import type { Config } from "./lib/config/settings.ts";
import type { Line } from "./lib/line/line.ts";

/** Reads a line as it is on disk and in memory; changes nothing, and needs no network.
 *
 * @param config the line
 * @param world the time, and who hears of what is wrong with the memory
 * @returns everything that a decision depends on
 * @throws {Failure} a file is not what it should be
 */
export async function readLine(config: Config, world: Pick<World, "now" | "warn">): Promise<Line> {
  return (await look(config, world)).line;
}

export { main } from "./lib/command/cli.ts";
export { type Options as StatusOptions, type SlotStatus, type Status, status } from "./lib/command/status.ts";
export type { Circumstances } from "./lib/command/status_notes.ts";
export { type Verdict, verdicts } from "./lib/command/verdict.ts";
export { realSystem } from "./lib/command/world.ts";

export type { World };
export { webRootSolver } from "./lib/steps/web_root.ts";

export type { Line };
export { describe, type Step } from "./lib/line/decide.ts";
export { hookNames } from "./lib/line/line.ts";
export type {
  Certificate,
  HookName,
  KeyFacts,
  Origin,
  RenewalWindow,
  Revocation,
  Slot,
  SlotName,
} from "./lib/line/line.ts";
export { type Assumptions, plan } from "./lib/line/paper.ts";
export type { Command, Progress, Situation } from "./lib/line/situation.ts";

export type { Config };
export { parseConfig } from "./lib/config/config.ts";
export { type AcmeConfig, type OutputPart, outputParts, type TimingConfig } from "./lib/config/settings.ts";
export type { ChallengeConfig, ChallengeType, DnsConfig } from "./lib/config/challenge.ts";

export { protocols } from "./lib/dane/service.ts";
export type {
  DaneConfig,
  Endpoint,
  Network as DnsNetwork,
  Parameters,
  Protocol,
  Service,
} from "./lib/dane/service.ts";
export type { Network as CaNetwork } from "./lib/acme/network.ts";
export type { Presented, Solver } from "./lib/acme/challenge.ts";
export type { Challenge } from "./lib/acme/objects.ts";
export type { KeyType } from "./lib/x509/key.ts";
export type { Name } from "./lib/x509/name.ts";
export { type About, type Area, type FailedName, Failure, type Kind, type Problem } from "./lib/errors.ts";
