/** The heart: from what a line is to the one next step. Pure; `steps/fulfil.ts` does it, and asks again. */
import type { Config } from "../config/config.ts";
import { Failure } from "../errors.ts";
import { clockTolerance } from "../time.ts";
import { isCompromised, isLive, type Line, type SlotName } from "./line.ts";
import {
  certificateDue,
  checkClock,
  goesLiveAtOnce,
  heldBackUntil,
  isUrgent,
  isUsable,
  mayAsk,
  newKeyReason,
} from "./renewal.ts";
import type { Command, Progress, Situation } from "./situation.ts";
import { nameOf, type Step } from "./step.ts";

export { describe, nameOf, type Step } from "./step.ts";
export type { Command, Progress, Situation };

/** A run that has done nothing yet. */
export const fresh: Progress = { begun: [], failed: [] };

/** Steps that change the pairs. */
const changing: readonly Step["kind"][] = ["obtain", "unstage"];
/** What follows a change and may have to be done again after the next one; all else happens once in a run. */
const following: readonly Step["kind"][] = ["write-outputs", "run-hook", "confirm-served", "start-clock"];

/** A rule offers a step, or has nothing to say; each applies where none above it does. */
type Rule = (situation: Situation) => Step | undefined;

const atOnce: Rule = (situation) => goesLiveAtOnce(situation.config) ? mayUnstage(situation) : undefined;

const outputsStale: Rule = ({ line }) => line.outputsStale ? { kind: "write-outputs" } : undefined;

/** Servers that are told to reload have to find the derived files as they should be. */
const certHookDue: Rule = ({ line, hooks }) =>
  hooks && line.due.certchange && !line.outputsStale ? { kind: "run-hook", hook: "certchange" } : undefined;

/** The record of the old key must not go, nor its certificate be revoked, while a server still has it. */
const servedUnconfirmed: Rule = ({ line, hooks, config, command }) => {
  if (line.isServed || line.due.certchange || line.live.kind !== "certified") return undefined;
  const isToRevoke = isCron(command) && line.revocations.some((each) => !isLive(each, line.live));
  const isWatched = hooks && (config.hooks.certchange ?? config.hooks.keychange) !== undefined;
  return isWatched || isToRevoke ? { kind: "confirm-served" } : undefined;
};

const keyHookDue: Rule = ({ line, hooks }) =>
  hooks && line.due.keychange && !line.due.certchange && line.isServed
    ? { kind: "run-hook", hook: "keychange" }
    : undefined;

/** No hook announces the staged key: there is none, or this line never runs hooks, or only the announcement was lost. */
const clockNotStarted: Rule = ({ line, hooks }) => {
  if (line.staging.kind !== "certified" || line.announced) return undefined;
  return line.due.keychange && (hooks || line.hasAnnounced) ? undefined : { kind: "start-clock" };
};

/** A hook may change records whose TTL nobody has seen yet: caches go by the old one (RFC 7671 §8.1). */
const dnsUnknown: Rule = (situation) =>
  situation.line.isDnsKnown || !situation.line.due.keychange ? undefined : dnsNotAsked(situation);

/** DNS is asked before anything has changed in this run; without a staged key it is asked how long caches keep records. */
const dnsNotAsked: Rule = ({ line, config, command, progress }) =>
  isCron(command) && config.dane?.announced && line.live.kind !== "empty" && !hasChanged(progress)
    ? { kind: "ask-dns" }
    : undefined;

/** The CA's word that a certificate is about to be revoked; whatever comes of it, the certificate's own dates count too. */
const renewalInfoNotAsked: Rule = ({ line, command, progress }) =>
  isCron(command) && !hasChanged(progress) &&
    Object.values(line.renewalInfo ?? {}).some((each) => each?.isToAsk)
    ? { kind: "ask-renewal-info" }
    : undefined;

const mayUnstage: Rule = (situation) => {
  const { line, command, config, now, progress } = situation;
  if (!isCron(command) || !isUsable(line.staging, situation)) return undefined;
  // What DNS said in an earlier run opens nothing.
  if (config.dane?.announced && !progress.begun.includes("ask-dns")) return undefined;
  const at = unstageTime(line, situation);
  return at && at <= now ? { kind: "unstage" } : undefined;
};

const certificatesDue: Rule = (situation) => {
  if (!mayAsk(situation)) return undefined;
  const { line, command, config, now, progress } = situation;
  const { live, staging } = line;
  const obtain = (slot: SlotName, reason: string, newKey?: string): Step | undefined =>
    progress.begun.includes(`obtain ${slot}`) || heldBackUntil(situation, slot)
      ? undefined
      : { kind: "obtain", slot, names: config.domains, reason, ...newKey ? { newKey } : {} };
  const isDue = (slot: SlotName) => {
    const due = certificateDue(slot, situation);
    return due && due.at <= now ? obtain(slot, due.reason) : undefined;
  };
  if (command === "init" && live.kind === "empty") return obtain("live", "first certificate", "first key");
  const newKey = isCron(command) && staging.kind === "empty" ? newKeyReason(situation) : undefined;
  // A new key that goes live at once brings its own certificate; but no failure of it lets the present one expire.
  const isReplaced = newKey !== undefined && goesLiveAtOnce(config) &&
    !(progress.failed.includes("obtain staging") && isUrgent(live, now));
  // A key that others have gets no other certificate, unless users would be left without.
  const isGivenUp = isCompromised(line) && !isUrgent(live, now);
  return (isReplaced || isGivenUp ? undefined : isDue("live")) ??
    (newKey ? obtain("staging", "new key", newKey) : isDue("staging"));
};

/** What is revoked must not be served any more: all servers have been told and looked at first. */
const revocationsDue: Rule = (situation) => {
  const { line, command } = situation;
  if (!isCron(command) || !mayAsk(situation) || line.due.certchange || !line.isServed) return undefined;
  return line.revocations.some((each) => !isLive(each, line.live)) ? { kind: "revoke" } : undefined;
};

const rules: readonly Rule[] = [
  atOnce, // what nobody has to be told of first
  ...[outputsStale, certHookDue, servedUnconfirmed, dnsUnknown, keyHookDue], // what an earlier step or run could not finish
  ...[clockNotStarted, dnsNotAsked, renewalInfoNotAsked, mayUnstage], // what time brings
  certificatesDue, // with a new key or the present one
  revocationsDue,
];

/** Decides the next step.
 *
 * @param situation everything that a decision depends on
 * @returns undefined: there is nothing to do, or nothing more in this run
 * @throws {Failure} the command can't work from this state
 */
export function next(situation: Situation): Step | undefined {
  checkBegun(situation);
  for (const rule of rules) {
    const step = rule(situation);
    if (step && mayBegin(step, situation.progress)) return step;
  }
}

/** What a run has begun, with one more step.
 *
 * @param progress so far
 * @param step what is begun
 */
export const begin = ({ begun, failed }: Progress, step: Step): Progress => ({
  begun: [...begun, nameOf(step)],
  failed,
});

/** No run can hammer a CA, a hook or a name server: what failed waits for the next one, what is done is done once, and what
 * follows a change once for each change. */
function mayBegin(step: Step, { begun, failed }: Progress): boolean {
  const name = nameOf(step);
  if (failed.includes(name)) return false;
  const last = begun.lastIndexOf(name);
  if (last === -1) return true;
  return following.includes(step.kind) && hasChanged({ begun: begun.slice(last), failed });
}

const hasChanged = ({ begun }: Progress): boolean =>
  begun.some((name) => changing.some((kind) => name.startsWith(kind)));

function checkBegun({ line: { live }, command, config, now }: Situation): void {
  if (live.kind === "empty" && command !== "init") {
    throw new Failure("files.not-begun", `There is no live key in "${config.dirs.keys}"`, {
      path: config.dirs.keys,
    });
  }
  if (isCron(command)) checkClock(live, now);
}

/** Whether everything that is due is done, not just what was asked for. */
const isCron = (command: Command): boolean => command !== "init" && command !== "renew";

/** When the staging key goes live.
 *
 * @param line what is on disk
 * @param options configuration, whether hooks run, and the time
 * @returns undefined: nothing is staged, or it has not been announced yet
 */
export function unstageTime(
  { staging, announced, observed, due }: Line,
  { config, hooks, now }: { config: Config; hooks: boolean; now: Date },
): Date | undefined {
  if (staging.kind !== "certified") return undefined;
  if (goesLiveAtOnce(config)) return new Date(0);
  if (hooks && (due.certchange || due.keychange)) return undefined;
  // Where DNS is asked, only its word counts; where it is not, that of the hook.
  if (config.dane?.announced) return observed?.at;
  if (!announced) return undefined;
  // A clock that was set back must make the wait neither endless nor shorter: it starts again.
  const since = +announced > +now + clockTolerance ? now : announced;
  return new Date(+since + config.timing.staging);
}
