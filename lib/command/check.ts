/** What is wrong with a line: its files, and what those who use it meet. */
import { checkAccess, checkFiles } from "../steps/safety.ts";
import type { Config } from "../config/config.ts";
import { Failure } from "../errors.ts";
import type { Line } from "../line/line.ts";
import { isUrgent } from "../line/renewal.ts";
import type { World } from "../steps/session.ts";
import { criticals, type Finding, type Seen, warnings } from "./finding.ts";
import { hint } from "./hints.ts";
import { certificateProblem } from "./verdict.ts";

/** Looks for what needs a hand.
 *
 * @param config the configuration
 * @param seen what is on disk, and what is remembered
 * @param world reaches DNS and services
 * @returns empty: all is well
 */
export async function check(config: Config, seen: Seen, world: World): Promise<Finding[]> {
  const { line } = seen;
  const findings = [...accessFindings(config, world), ...lineFindings(config, line, world.now())];
  if (line.live.kind !== "certified") return findings;
  const [{ caaFindings }, { dnsFindings }, { dnssecFindings }, { servedFindings }, { webRootFindings }] =
    await Promise.all([
      import("./check_caa.ts"),
      import("./check_dns.ts"),
      import("./check_dnssec.ts"),
      import("./check_served.ts"),
      import("./check_web_root.ts"),
    ]);
  const { dane } = config;
  const outside = await Promise.all([
    ...dane ? [attempt(world, () => dnsFindings(config, dane, seen, world))] : [],
    attempt(world, () => servedFindings(config, line, world)),
    attempt(world, () => webRootFindings(config, world)),
    attempt(world, () => caaFindings(config, seen.memory, world)),
    attempt(world, () => dnssecFindings(config, world)),
  ]);
  return [...findings, ...outside.flat()];
}

/** What can't be looked at is a finding too. */
async function attempt(world: World, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return warnings([explained(error, world)]);
  }
}

function accessFindings(config: Config, world: World): Finding[] {
  try {
    const unseen = checkFiles(config);
    // Once, for who looks; under the printed flags it is always so.
    if (unseen.length > 0 && world.isInteractive) {
      const paths = unseen.map((path) => `"${path}"`).join(", ");
      world.warn(
        `notice: Deno may not look at ${paths}: who may change them is seen with --allow-read alone`,
      );
    }
    return warnings(checkAccess(config, { hooks: true }).map((each) => each.replace(/^warning: /, "")));
  } catch (error) {
    return criticals([explained(error, world)]);
  }
}

/** A failure with its cure, in one line. */
function explained(error: unknown, { now, proxy }: World): string {
  if (!(error instanceof Failure)) throw error;
  const cure = hint(error, { now: now(), proxy });
  return cure ? `${error.message}: ${cure}` : error.message;
}

function lineFindings(config: Config, { live, damaged, outputsStale, due }: Line, now: Date): Finding[] {
  const problem = damaged.length > 0 ? undefined : certificateProblem(live, { config, now });
  const hooks = Object.entries(due).filter(([, isDue]) => isDue).map(([name]) => name);
  return [
    ...problem ? [{ text: problem.text, isCritical: problem.isOver || isUrgent(live, now) }] : [],
    ...criticals(damaged.map((path) => `"${path}" is damaged or not for its key: run recover`)),
    ...warnings([
      ...outputsStale ? ["a derived file is missing or stale: run cron -k"] : [],
      ...hooks.map((name) =>
        `post-${name} has not succeeded since its files changed: run cron -k and read what it says`
      ),
    ]),
  ];
}
