/** What the CA has said of when certificates are to be renewed, RFC 9773; by certificate, never by slot. Pure. */
import { day, hour } from "../time.ts";
import type { Files } from "./files.ts";
import type { Certificate, RenewalWindow } from "./line.ts";
import type { Memory } from "./memory.ts";

/** What is remembered of one certificate. */
export type KnownWindow = NonNullable<Memory["renewalInfo"]>["windows"][string];

/** The next run is taken to come in half a day. */
const untilNextRun = 12 * hour;

/** What a certificate is called in requests, RFC 9773 §4.1. */
export function certIdOf({ authorityKeyId, serial }: Certificate): string | undefined {
  if (!authorityKeyId) return undefined;
  const base64url = (hex: string) =>
    Uint8Array.fromHex(hex).toBase64({ alphabet: "base64url", omitPadding: true });
  return `${base64url(authorityKeyId)}.${base64url(serial)}`;
}

/** The names of the certificates in both slots. */
export const windowsOf = ({ live, staging }: Files): string[] =>
  [live, staging].flatMap(({ crt }) => crt?.certificate ? certIdOf(crt.certificate) ?? [] : []);

/** What the CA said of a certificate.
 *
 * @param certificate which
 * @param memory what is remembered
 * @param ca the URL of the directory that is configured
 * @returns undefined: the CA gives no such information, or none can be asked for
 */
export function windowOf(
  certificate: Certificate,
  { renewalInfo }: Pick<Memory, "renewalInfo">,
  { directory, now }: { directory: string; now: Date },
): RenewalWindow | undefined {
  const certId = certIdOf(certificate);
  if (!certId || certificate.notAfter <= now) return undefined;
  const isKnown = renewalInfo?.directory === directory && Date.parse(renewalInfo.readAt) + day > +now;
  if (!isKnown) return { isToAsk: true };
  if (!renewalInfo.url) return undefined;
  const known = renewalInfo.windows[certId];
  if (!known) return { isToAsk: true };
  return {
    isToAsk: isToCheck(known, now),
    ...known.selected && known.end ? { at: renewalTime(known.selected, known.end, now) } : {},
    ...known.explanationURL ? { explanationURL: known.explanationURL } : {},
    ...known.failure ? { failure: known.failure } : {},
  };
}

/** Whether the last answer is no longer good; none is good for two days, unless a clock ran ahead.
 *
 * @param known the last answer
 * @param now the time
 */
export function isToCheck({ nextCheck }: Pick<KnownWindow, "nextCheck">, now: Date): boolean {
  const at = Date.parse(nextCheck);
  return at <= +now || at > +now + 2 * day;
}

/** RFC 9773 §4.2: a time that comes before the next run is now, unless the window will still be open then. */
function renewalTime(selected: string, end: string, now: Date): Date {
  const closesBeforeNextRun = Date.parse(end) <= +now + untilNextRun;
  return closesBeforeNextRun && Date.parse(selected) > +now && Date.parse(selected) <= +now + untilNextRun
    ? now
    : new Date(selected);
}
