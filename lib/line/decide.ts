/** The decisions: from what is on disk, what is configured and what time it is, to what must be done. Pure. */
import { clockTolerance, day } from "../time.ts";
import type { Config } from "../config/config.ts";
import { LineError } from "../errors.ts";
import { checkClock, isUrgent, margin, renewal, type Slot, type SlotName } from "./renewal.ts";

/** The certificate line: everything on disk that a decision depends on. */
export interface Line {
  live: Slot;
  staging: Slot;
  /** Since when the staging key is announced; undefined: not yet. */
  announced?: Date;
  /** What DNS said of the staging key; absent: it was not asked. */
  observed?: { at?: Date; problems: readonly string[] };
  /** Files that are there, but hold nothing that can be used. */
  damaged: readonly string[];
  /** Whether the next run will first finish an interrupted one. */
  isInterrupted: boolean;
  /** Hooks whose files differ from what they were when the hook last succeeded. */
  due: { certchange: boolean; keychange: boolean };
  /** Whether a derived file is missing or stale. */
  outputsStale: boolean;
  /** What is to be revoked once it is not live any more. */
  revocations: readonly Revocation[];
  /** Until when a failed run or the CA asks to leave the CA alone. */
  notBefore?: Date;
}

/** One certificate, or every certificate for a key; the reason is one of RFC 5280 §5.3.1. */
export type Revocation = { reason: number } & ({ serial: string } | { keyId: string });

/** The actions of the command line that change something. */
export type Command = "init" | "renew" | "cron" | "revoke" | "compromise";

/** One step; `execute` does them in order. */
export type Action =
  | { kind: "write-outputs" }
  | { kind: "run-hooks" }
  | { kind: "generate"; slot: SlotName; reason: string }
  | { kind: "obtain"; slot: SlotName; domains: readonly string[]; reason: string }
  | { kind: "unstage" }
  | { kind: "revoke" };

/** Decides what a run has to do.
 *
 * @param line what is on disk
 * @param options the action, the configuration, whether hooks run (`-k`), and the time
 * @returns the steps in their order; empty: nothing to do
 * @throws {LineError} the command can't work from this state
 */
export function plan(
  line: Line,
  options: { command: Command; config: Config; hooks: boolean; now: Date },
): Action[] {
  const { command, config, now } = options;
  const { live, staging } = line;
  if (live.kind === "empty" && command !== "init") {
    throw new LineError(`There is no live key in "${config.dirs.keys}"`, {
      hint: "run init to begin this certificate line",
    });
  }
  const actions: Action[] = [];
  const obtain = (slot: SlotName, reason: string) =>
    actions.push({ kind: "obtain", slot, domains: config.domains, reason });

  // What an earlier run could not finish comes first.
  if (line.outputsStale) actions.push({ kind: "write-outputs" });
  if (options.hooks && (line.due.certchange || line.due.keychange)) actions.push({ kind: "run-hooks" });

  if (command === "init") {
    if (live.kind === "empty") actions.push({ kind: "generate", slot: "live", reason: "first key" });
    if (live.kind !== "certified") obtain("live", "first certificate");
  } else if (command === "renew") {
    obtain("live", "asked for");
    if (staging.kind === "certified") obtain("staging", "asked for");
  } else if (live.kind !== "empty") {
    checkClock(live, now);
    const isAsked = command !== "cron"; // what is asked for by hand waits for nobody
    const mayAsk = isAsked || !line.notBefore || now >= line.notBefore || isUrgent(live, now);
    const liveDue = isCondemned(line) ? revocationDue : renewal(live, options);
    const stagingDue = staging.kind === "empty" ? undefined : renewal(staging, options);
    const unstageAt = unstageTime(line, options);
    const mayUnstage = unstageAt !== undefined && unstageAt <= now;
    const newKey = staging.kind === "empty" ? newKeyReason(line, liveDue.at <= now, options) : undefined;
    const atOnce = config.timing.staging === 0 && !config.dane?.announced;
    if (mayUnstage && stagingDue?.usable) {
      actions.push({ kind: "unstage" });
      if (isCompromised(line) && !atOnce && mayAsk) {
        actions.push({ kind: "generate", slot: "staging", reason: "the next after a compromised one" });
        obtain("staging", "new key");
      }
    } else if (mayAsk) {
      // A new key that goes live at once brings its own certificate.
      if (liveDue.at <= now && !(newKey && atOnce)) obtain("live", liveDue.reason);
      if (newKey) actions.push({ kind: "generate", slot: "staging", reason: newKey });
      if (newKey || stagingDue && stagingDue.at <= now) {
        obtain("staging", stagingDue?.reason ?? "new key");
        if (mayUnstage || atOnce) actions.push({ kind: "unstage" });
      }
    }
    if (mayAsk && line.revocations.some((each) => !isLiveAfter(each, live, actions))) {
      actions.push({ kind: "revoke" });
    }
  }
  return actions;
}

const revocationDue = { at: new Date(0), reason: "the present one is to be revoked", usable: true };

/** Whether the live certificate is to be revoked. */
const isCondemned = ({ live, revocations }: Line): boolean =>
  live.kind === "certified" &&
  revocations.some((each) => "serial" in each && each.serial === live.certificate.serial);

/** Whether somebody else may have the live key. */
export const isCompromised = ({ live, revocations }: Line): boolean =>
  live.kind !== "empty" && revocations.some((each) => "keyId" in each && each.keyId === live.key.keyId);

/** Whether what is to be revoked will still be in use when these actions are done. */
function isLiveAfter(
  revocation: Revocation,
  live: Exclude<Slot, { kind: "empty" }>,
  actions: Action[],
): boolean {
  if (actions.some((each) => each.kind === "unstage")) return false;
  if ("keyId" in revocation) return revocation.keyId === live.key.keyId;
  const isReplaced = actions.some((each) => each.kind === "obtain" && each.slot === "live");
  return !isReplaced && live.kind === "certified" && revocation.serial === live.certificate.serial;
}

/** When the staging pair may go live.
 *
 * @param line what is on disk
 * @param options configuration, whether hooks run, and the time
 * @returns the instant; undefined: a hook has to succeed first, or nothing is staged
 */
export function unstageTime(
  { staging, due, announced, observed }: Line,
  { config, hooks, now }: { config: Config; hooks: boolean; now: Date },
): Date | undefined {
  if (staging.kind !== "certified") return undefined;
  const isGated = config.dane?.announced === true;
  if (config.timing.staging === 0 && !isGated) return new Date(0);
  // Where DNS is asked, only its word counts; where it is not, that of the hook.
  if (hooks && (due.certchange || due.keychange)) return undefined;
  if (isGated) return observed?.at;
  if (!announced) return undefined;
  // A clock that was set back must make the wait neither endless nor shorter: it starts again.
  const since = +announced > +now + clockTolerance ? now : announced;
  return new Date(+since + config.timing.staging);
}

/** Why a new key is needed now, if it is; earlier, where a new certificate is due anyway. */
function newKeyReason(
  line: Line,
  certificateDue: boolean,
  { config, now }: { config: Config; now: Date },
): string | undefined {
  const slot = line.live;
  if (slot.kind === "empty") return undefined;
  if (isCompromised(line)) return "the live key is compromised";
  const { type, length } = config.keyType;
  const { maxKeyAge = Infinity } = config.timing;
  const { keyType, created } = slot.key;
  if (keyType.type !== type || keyType.length !== length) {
    return `the configuration asks for ${type} ${length}`;
  }
  const age = +now - +created;
  const early = certificateDue && slot.kind === "certified"
    ? margin(slot.certificate, config.timing.renewBefore)
    : 0;
  const days = (ms: number) => `${Math.floor(ms / day)} days old`;
  if (age >= maxKeyAge) return `the live key is ${days(age)}`;
  if (age + early >= maxKeyAge) {
    return `the live key is ${days(age)}, and too old before the next certificate is due`;
  }
}

/** What was done, in one line: what `cron` prints.
 *
 * @param action a step that succeeded
 * @returns the line; undefined where the step has nothing to tell
 */
export function describe(action: Action): string | undefined {
  switch (action.kind) {
    case "generate":
      return `Generated ${action.slot} key: ${action.reason}`;
    case "obtain":
      return `Obtained ${action.slot} certificate for ${action.domains.join(" ")}: ${action.reason}`;
    case "unstage":
      return "Unstaged: the staging key and certificate are live now";
    case "write-outputs":
    case "run-hooks":
    case "revoke":
      return undefined;
  }
}
