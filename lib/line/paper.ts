/** The rules followed on paper: what a run will do, and a life of runs, without doing any of it. Pure.
 *
 * A derived file is taken to change with each certificate, though one of the issuers alone seldom does. */
import type { Config } from "../config/config.ts";
import { day } from "../time.ts";
import { begin, fresh, next, type Situation, type Step } from "./decide.ts";
import { isLive, type Line, type Slot } from "./line.ts";

/** What is assumed of the world. */
export interface Assumptions {
  /** How long new certificates live, milliseconds; absent: as long as the live one. */
  lifetime?: number;
  /** What DNS says of a staged key from now on: for how long it keeps it waiting, milliseconds; absent: what it said last. */
  dnsWait?: number;
}

/** Decides what a run has to do.
 *
 * @param line what is on disk
 * @param options the command, the configuration, whether hooks run, and the time
 * @param assumptions what is assumed of the world
 * @returns the steps in their order; empty: nothing to do
 * @throws {Failure} the command can't work from this state
 */
export function plan(
  line: Line,
  options: Omit<Situation, "line" | "progress">,
  assumptions: Assumptions = {},
): Step[] {
  return follow(line, options, assumptions).steps;
}

/** Follows one run: its steps, and what the line is after them.
 *
 * @param line what is on disk
 * @param options the command, the configuration, whether hooks run, and the time
 * @param assumptions what is assumed of the world
 */
export function follow(
  line: Line,
  options: Omit<Situation, "line" | "progress">,
  assumptions: Assumptions = {},
): { steps: Step[]; line: Line } {
  const steps: Step[] = [];
  let [current, progress] = [line, fresh];
  for (let step; (step = next({ ...options, line: current, progress }));) {
    steps.push(step);
    progress = begin(progress, step);
    current = assume(current, step, { ...options, assumptions });
  }
  return { steps, line: current };
}

/** What a line is after a step.
 *
 * @param line before it
 * @param step which succeeds
 * @param options the configuration, the time, and what is assumed of the world
 */
export function assume(
  line: Line,
  step: Step,
  options: { config: Config; now: Date; assumptions?: Assumptions },
): Line {
  const { now, config, assumptions = {} } = options;
  const certchange = config.hooks.certchange !== undefined;
  switch (step.kind) {
    case "write-outputs":
      return { ...line, outputsStale: false };
    case "run-hook":
      return afterHook(line, step, now);
    case "confirm-served":
      return { ...line, isServed: true };
    case "start-clock":
      return { ...line, announced: now };
    case "ask-dns": {
      const asked = { ...line, isDnsKnown: true };
      if (line.staging.kind !== "certified" || assumptions.dnsWait === undefined) return asked;
      const at = new Date(+now + assumptions.dnsWait);
      return { ...asked, observed: line.observed ?? { at, problems: [] } };
    }
    case "ask-renewal-info":
      return { ...line, renewalInfo: undefined };
    case "unstage":
      return {
        ...line,
        live: line.staging,
        staging: { kind: "empty" },
        announced: undefined,
        observed: undefined,
        isServed: false,
        due: { certchange, keychange: config.hooks.keychange !== undefined },
        outputsStale: config.files.outputs.length > 0,
      };
    case "obtain":
      return withCertificate(line, step, options);
    case "revoke":
      return { ...line, revocations: line.revocations.filter((each) => isLive(each, line.live)) };
  }
}

function afterHook(line: Line, { hook }: Step & { kind: "run-hook" }, now: Date): Line {
  const isAnnouncement = hook === "keychange";
  return {
    ...line,
    due: { ...line.due, [hook]: false },
    ...isAnnouncement ? { hasAnnounced: true } : {},
    ...isAnnouncement && line.staging.kind === "certified" ? { announced: now } : {},
  };
}

let made = 0;

function withCertificate(
  line: Line,
  { slot, newKey }: Step & { kind: "obtain" },
  { now, config, assumptions = {} }: { config: Config; now: Date; assumptions?: Assumptions },
): Line {
  const before = line[slot];
  const key = newKey || before.kind === "empty"
    ? { keyId: `new ${++made}`, keyType: config.keyType, created: now }
    : before.key;
  const { lifetime = lifetimeOf(line) } = assumptions;
  const certificate = {
    keyId: key.keyId,
    notBefore: now,
    notAfter: new Date(+now + lifetime),
    names: [...config.domains],
    serial: `new ${++made}`,
  };
  const isNewInDns = before.kind !== "certified" || slot === "live" && before.key.keyId !== key.keyId;
  return {
    ...line,
    [slot]: { kind: "certified", key, certificate },
    origins: { ...line.origins, [slot]: undefined },
    renewalInfo: undefined,
    // The first key is taken to be served once somebody has looked.
    ...slot === "live" && before.kind === "empty" ? { isServed: false } : {},
    due: {
      certchange: config.hooks.certchange !== undefined,
      keychange: config.hooks.keychange !== undefined && (line.due.keychange || isNewInDns),
    },
    outputsStale: config.files.outputs.length > 0,
  };
}

const lifetimeOf = ({ live }: Line): number => live.kind === "certified" ? span(live) : 90 * day;

const span = ({ certificate }: Slot & { kind: "certified" }): number =>
  +certificate.notAfter - +certificate.notBefore;
