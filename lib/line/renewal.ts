/** One pair of files as a decision sees it: how long it serves. Pure. */
import { clockTolerance, day } from "../time.ts";
import type { Config } from "../config/config.ts";
import { ClockError, readable } from "../errors.ts";
import type { KeyType } from "../x509/key.ts";

/** One of the two pairs of files. */
export type SlotName = "live" | "staging";

/** What is known of a private key. */
export interface KeyFacts {
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  keyId: string;
  keyType: KeyType;
  created: Date;
}

/** What is known of a certificate. */
export interface Certificate {
  notBefore: Date;
  notAfter: Date;
  names: string[];
  /** SHA-256 of its public key, hex. */
  keyId: string;
  /** Hex as in the DER. */
  serial: string;
}

/** A pair of files, as recovery leaves it: a certificate never stands without its key. */
export type Slot =
  | { kind: "empty" }
  | { kind: "key"; key: KeyFacts }
  | { kind: "certified"; key: KeyFacts; certificate: Certificate };

/** Suspects the clock: a certificate from the future means that it is behind, and nothing can be decided by it.
 *
 * @param live the live pair
 * @param now the time
 * @throws {ClockError} it is
 */
export function checkClock(live: Slot, now: Date): void {
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
export function margin(
  certificate: Pick<Certificate, "notBefore" | "notAfter">,
  configured = Infinity,
): number {
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
  const { notAfter, notBefore, names } = slot.certificate;
  if ([...config.domains].sort().join() !== names.join()) {
    return { at: always, reason: "domains changed", usable: false };
  }
  const reason = `${notAfter <= now ? "expired" : "expires"} ${readable(notAfter)}`;
  const at = new Date(+notAfter - margin({ notBefore, notAfter }, config.timing.renewBefore));
  return { at, reason, usable: notAfter > now };
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
