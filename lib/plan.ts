/** The decisions: from what is on disk, what is configured and what time it is, to what must be done. Pure. */
import type { Certificate } from "./certificate.ts";
import type { Config } from "./config.ts";
import { ClockError, LineError, readable } from "./errors.ts";
import type { KeyType } from "./keys.ts";

/** One of the two pairs of files. */
export type SlotName = "live" | "staging";

/** What is known of a private key. */
export interface KeyFacts {
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  spki: string;
  keyType: KeyType;
  created: Date;
}

/** A pair of files, as recovery leaves it: a certificate never stands without its key. */
export type Slot =
  | { kind: "empty" }
  | { kind: "key"; key: KeyFacts }
  | { kind: "certified"; key: KeyFacts; certificate: Certificate };

/** The certificate line: everything on disk that a decision depends on. */
export interface Line {
  live: Slot;
  staging: Slot;
  /** Since when the staging key is announced; undefined: not yet. */
  announced?: Date;
  /** Hooks whose files differ from what they were when the hook last succeeded. */
  due: { certchange: boolean; keychange: boolean };
  /** Whether a derived file is missing or stale. */
  outputsStale: boolean;
  /** Until when a failed run or the CA asks to leave the CA alone. */
  notBefore?: Date;
}

/** The actions of the command line that change something. */
export type Command = "init" | "renew" | "cron";

/** One step; `execute` does them in order. */
export type Action =
  | { kind: "write-outputs" }
  | { kind: "run-hooks" }
  | { kind: "generate"; slot: SlotName; reason: string }
  | { kind: "obtain"; slot: SlotName; domains: readonly string[]; reason: string }
  | { kind: "unstage" };

const day = 86_400_000;
/** How far an instant may lie in the future before a clock must have been wrong, milliseconds. */
export const clockTolerance = 3_600_000;

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
    const mayAsk = !line.notBefore || now >= line.notBefore || isUrgent(live, now);
    const liveDue = renewal(live, options);
    const stagingDue = staging.kind === "empty" ? undefined : renewal(staging, options);
    const unstageAt = unstageTime(line, options);
    const mayUnstage = unstageAt !== undefined && unstageAt <= now;
    const newKey = staging.kind === "empty" ? newKeyReason(live, liveDue.at <= now, options) : undefined;
    const atOnce = config.timing.staging === 0;
    if (mayUnstage && stagingDue?.usable) {
      actions.push({ kind: "unstage" });
    } else if (mayAsk) {
      // A new key that goes live at once brings its own certificate.
      if (liveDue.at <= now && !(newKey && atOnce)) obtain("live", liveDue.reason);
      if (newKey) actions.push({ kind: "generate", slot: "staging", reason: newKey });
      if (newKey || stagingDue && stagingDue.at <= now) {
        obtain("staging", stagingDue?.reason ?? "new key");
        if (mayUnstage || atOnce) actions.push({ kind: "unstage" });
      }
    }
  }
  return actions;
}

/** A certificate from the future means that this machine's clock is behind: nothing can be decided by it. */
function checkClock(live: Slot, now: Date): void {
  if (live.kind !== "certified" || +live.certificate.notBefore <= +now + clockTolerance) return;
  throw new ClockError(`The live certificate is not valid before ${readable(live.certificate.notBefore)}`, {
    hint: `the clock of this machine says ${readable(now)}: is it right?`,
  });
}

/** How long before its end a certificate is renewed.
 *
 * @param certificate the certificate
 * @param configured `renew-cert-before-expiry-days`, milliseconds
 * @returns milliseconds: at most a third of the lifetime, or half where that is under ten days
 */
export function margin(certificate: Pick<Certificate, "notBefore" | "notAfter">, configured: number): number {
  const lifetime = +certificate.notAfter - +certificate.notBefore;
  return Math.min(configured, lifetime / (lifetime < 10 * day ? 2 : 3));
}

/** When and why a slot needs a certificate.
 *
 * @param slot a slot that has a key
 * @param options the configuration and the time
 * @returns the instant (long ago: now), the reason in words, and whether the present certificate can serve meanwhile
 */
export function renewal(
  slot: Slot,
  { config, now }: { config: Config; now: Date },
): { at: Date; reason: string; usable: boolean } {
  const always = new Date(0);
  if (slot.kind !== "certified") return { at: always, reason: "no certificate", usable: false };
  const { notAfter, notBefore, domains } = slot.certificate;
  if ([...config.domains].sort().join() !== domains.join()) {
    return { at: always, reason: "domains changed", usable: false };
  }
  const reason = `${notAfter <= now ? "expired" : "expires"} ${readable(notAfter)}`;
  const at = new Date(+notAfter - margin({ notBefore, notAfter }, config.timing.renewBefore));
  return { at, reason, usable: notAfter > now };
}

/** When the staging pair may go live.
 *
 * @param line what is on disk
 * @param options configuration, whether hooks run, and the time
 * @returns the instant; undefined: a hook has to succeed first, or nothing is staged
 */
export function unstageTime(
  { staging, due, announced }: Line,
  { config, hooks, now }: { config: Config; hooks: boolean; now: Date },
): Date | undefined {
  if (staging.kind !== "certified") return undefined;
  if (config.timing.staging === 0) return new Date(0);
  if (!announced || hooks && (due.certchange || due.keychange)) return undefined;
  // A clock that was set back must make the wait neither endless nor shorter: it starts again.
  const since = +announced > +now + clockTolerance ? now : announced;
  return new Date(+since + config.timing.staging);
}

/** Why a new key is needed now, if it is; earlier, where a new certificate is due anyway. */
function newKeyReason(
  slot: Exclude<Slot, { kind: "empty" }>,
  certificateDue: boolean,
  { config, now }: { config: Config; now: Date },
): string | undefined {
  const { type, length } = config.keyType;
  const { keyType, created } = slot.key;
  if (keyType.type !== type || keyType.length !== length) {
    return `the configuration asks for ${type} ${length}`;
  }
  const age = +now - +created;
  const early = certificateDue && slot.kind === "certified"
    ? margin(slot.certificate, config.timing.renewBefore)
    : 0;
  const days = (ms: number) => `${Math.floor(ms / day)} days old`;
  if (age >= config.timing.maxKeyAge) return `the live key is ${days(age)}`;
  if (age + early >= config.timing.maxKeyAge) {
    return `the live key is ${days(age)}, and too old before the next certificate is due`;
  }
}

/** Whether waiting any longer is worse than asking the CA against its wish. */
function isUrgent(slot: Slot, now: Date): boolean {
  if (slot.kind !== "certified") return false;
  const { notBefore, notAfter } = slot.certificate;
  return +notAfter - +now < (+notAfter - +notBefore) / 10;
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
      return undefined;
  }
}
