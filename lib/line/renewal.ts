/** Why a slot needs a certificate, or the line another key, and when: two tables. Pure. */
import type { Config } from "../config/config.ts";
import { Failure, readable } from "../errors.ts";
import { clockTolerance, day } from "../time.ts";
import {
  type Certificate,
  isCompromised,
  isCondemned,
  type KeyFacts,
  type Slot,
  type SlotName,
} from "./line.ts";
import type { Situation } from "./situation.ts";

/** When something is due (long ago: now), and why, in words. */
export interface Due {
  at: Date;
  reason: string;
}

type Certified = Slot & { kind: "certified" };
const always = new Date(0);
/** The longest that anybody can ask to be left alone: what lies further ahead was written by a clock that ran ahead. */
const longestRetryAfter = 8 * day;

/** Why a slot that has a key needs a certificate; the earliest counts. */
const certificateReasons: ((slot: Exclude<Slot, { kind: "empty" }>, at: Situation) => Due | undefined)[] = [
  (slot) => slot.kind === "key" ? { at: always, reason: "no certificate" } : undefined,
  (slot, { line }) =>
    slot === line.live && isCondemned(line)
      ? { at: always, reason: "the present one is to be revoked" }
      : undefined,
  (slot, { config }) =>
    slot.kind === "certified" && !hasNames(slot, config)
      ? { at: always, reason: "domains changed" }
      : undefined,
  drift,
  (slot, { config, now }) => slot.kind === "certified" ? expiry(slot, config, now) : undefined,
  (slot, { line }) => {
    const at = line.renewalInfo?.[slot === line.live ? "live" : "staging"]?.at;
    return slot.kind === "certified" && at ? { at, reason: "the CA suggests it" } : undefined;
  },
];

/** A certificate of another CA or profile than the configured one; one that came before this was remembered stays. */
function drift(slot: Slot, { line, config: { acme } }: Situation): Due | undefined {
  const origin = line.origins?.[slot === line.live ? "live" : "staging"];
  if (!origin || slot.kind !== "certified") return undefined;
  if (origin.directory !== acme.directory) return { at: always, reason: "the CA changed" };
  return origin.profile === acme.profile ? undefined : { at: always, reason: "the profile changed" };
}

/** Why the line needs another key. */
const keyReasons: ((live: KeyFacts, at: Situation) => string | undefined)[] = [
  (_, { line }) => isCompromised(line) ? "the live key is compromised" : undefined,
  (_, { line, config }) =>
    line.revocations.some((each) => "keyId" in each) && !goesLiveAtOnce(config)
      ? "the next after a compromised one"
      : undefined,
  ({ keyType: { type, length } }, { config: { keyType } }) =>
    type !== keyType.type || length !== keyType.length
      ? `the configuration asks for ${keyType.type} ${keyType.length}`
      : undefined,
  tooOld,
];

/** When and why a slot needs a certificate.
 *
 * @param slot which
 * @param situation everything that a decision depends on
 * @returns undefined: there is no key
 */
export function certificateDue(slot: SlotName, situation: Situation): Due | undefined {
  const { line, command } = situation;
  const pair = line[slot];
  if (pair.kind === "empty") return undefined;
  if (command === "init") {
    return slot === "live" && pair.kind === "key" ? { at: always, reason: "first certificate" } : undefined;
  }
  if (command === "renew") {
    return slot === "live" || pair.kind === "certified" ? { at: always, reason: "asked for" } : undefined;
  }
  const reasons = certificateReasons.flatMap((reason) => reason(pair, situation) ?? []);
  return reasons.reduce((first, each) => each.at < first.at ? each : first);
}

/** Why a new key is needed now, if it is.
 *
 * @param situation everything that a decision depends on
 */
export function newKeyReason(situation: Situation): string | undefined {
  const { live } = situation.line;
  if (live.kind === "empty") return undefined;
  for (const reason of keyReasons) {
    const found = reason(live.key, situation);
    if (found) return found;
  }
}

/** A key that would become too old before its next certificate is due goes with the present one. */
function tooOld({ created }: KeyFacts, situation: Situation): string | undefined {
  const { line: { live }, config: { timing }, now, progress } = situation;
  const { maxKeyAge = Infinity, renewBefore } = timing;
  const age = +now - +created;
  const words = `the live key is ${Math.floor(age / day)} days old`;
  if (age >= maxKeyAge) return words;
  const due = certificateDue("live", situation);
  const isRenewed = progress.begun.includes("obtain live") || due !== undefined && due.at <= now;
  const early = isRenewed && live.kind === "certified" ? margin(live.certificate, renewBefore) : 0;
  return age + early >= maxKeyAge ? `${words}, and too old before the next certificate is due` : undefined;
}

function expiry({ certificate }: Certified, { timing }: Config, now: Date): Due {
  const { notAfter } = certificate;
  const reason = `${notAfter <= now ? "expired" : "expires"} ${readable(notAfter)}`;
  return { at: new Date(+notAfter - margin(certificate, timing.renewBefore)), reason };
}

/** Whether a new key goes live as soon as it has its certificate: nobody has to be told of it. */
export const goesLiveAtOnce = ({ timing, dane }: Config): boolean =>
  timing.staging === 0 && dane?.announced !== true;

/** Whether a certificate can serve: it is for today's names, and has not expired. */
export const isUsable = (slot: Slot, { config, now }: { config: Config; now: Date }): boolean =>
  slot.kind === "certified" && slot.certificate.notAfter > now && hasNames(slot, config);

const hasNames = ({ certificate }: Certified, { domains }: Config) =>
  [...domains].sort().join() === [...certificate.names].sort().join();

/** How long before its end a certificate is renewed.
 *
 * @param certificate the certificate
 * @param configured `renew-cert-before-expiry-days`, milliseconds
 * @returns milliseconds: at most a third of the lifetime, or half where that is under ten days
 */
export function margin(
  certificate: Pick<Certificate, "notBefore" | "notAfter">,
  configured = Infinity,
): number {
  const lifetime = +certificate.notAfter - +certificate.notBefore;
  return Math.min(configured, lifetime / (lifetime < 10 * day ? 2 : 3));
}

/** Whether waiting any longer is worse than asking the CA against its wish.
 *
 * @param slot a pair
 * @param now the time
 */
export function isUrgent(slot: Slot, now: Date): boolean {
  if (slot.kind !== "certified") return false;
  const { notBefore, notAfter } = slot.certificate;
  return +notAfter - +now < (+notAfter - +notBefore) / 10;
}

/** Whether the CA may be asked: what is asked for by hand waits for nobody.
 *
 * @param situation everything that a decision depends on
 */
export function mayAsk({ line: { live, retryAfter }, command, now }: Situation): boolean {
  if (command !== "cron" || !retryAfter || isUrgent(live, now)) return true;
  return now >= retryAfter || +retryAfter > +now + longestRetryAfter;
}

/** Until when the ledger holds back an order that is due.
 *
 * @param situation everything that a decision depends on
 * @param slot whose order; one that replaces a stolen key may be one more
 * @returns undefined: it may be placed
 */
export function heldBackUntil(
  { line, command, force }: Pick<Situation, "line" | "command" | "force">,
  slot: SlotName = "staging",
): Date | undefined {
  const { heldBack } = line;
  if (force) return undefined;
  if (isCompromised(line) && slot === "staging") return heldBack?.stolenKey;
  return command === "cron" ? heldBack?.cron : heldBack?.byHand;
}

/** Suspects the clock: a certificate from the future means that it is behind, and nothing can be decided by it.
 *
 * @param live the live pair
 * @param now the time
 * @throws {Failure} `run.clock`: it is
 */
export function checkClock(live: Slot, now: Date): void {
  if (live.kind !== "certified" || +live.certificate.notBefore <= +now + clockTolerance) return;
  throw new Failure(
    "run.clock",
    `The live certificate is not valid before ${readable(live.certificate.notBefore)}`,
  );
}
