/** When the CA wants a certificate to be renewed, RFC 9773. */
import { day, hour } from "../time.ts";
import { Failure } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { Connection } from "./connection.ts";
import { base64url } from "./jws.ts";
import type { SuggestedWindow } from "./objects.ts";
import { retryAfter } from "./reply.ts";
import { parseRenewalInfo } from "./schemas.ts";

/** What the CA says of a certificate. */
export interface RenewalInfo {
  /** Absent where the CA has given no usable answer: then the certificate's own dates must do. */
  window?: SuggestedWindow;
  /** Before then it is not to be asked again. */
  nextCheck: Date;
  /** Why there is no answer. */
  failure?: Failure;
}

const leastPause = 60_000;
const longestPause = day;
/** RFC 9773 §4.3.3: after anything but a good answer. */
const usualPause = 6 * hour;

/** What a certificate is called in requests for renewal information and in `replaces`, RFC 9773 §4.1.
 *
 * @param certificate which one
 * @returns undefined: it has no authority key identifier, so that it has no such name
 */
export function certIdOf(
  { authorityKeyId, serial }: Pick<Certificate, "authorityKeyId" | "serial">,
): string | undefined {
  if (!authorityKeyId) return undefined;
  return [authorityKeyId, serial].map((hex) => base64url(Uint8Array.fromHex(hex))).join(".");
}

/** Asks the CA about a certificate, RFC 9773 §4.2. It must not be asked about one that has expired or been replaced.
 *
 * @param connection the CA; {@link Connection.to} is enough
 * @param about the certificate, by {@link certIdOf}; and `renewalInfo` of the CA's directory
 * @param signal ends it
 * @returns an answer in any case, since no renewal may hang on this
 */
export async function askRenewalInfo(
  connection: Connection,
  { certId, renewalInfo }: { certId: string; renewalInfo: string },
  signal?: AbortSignal,
): Promise<RenewalInfo> {
  const { now } = connection.network;
  try {
    const reply = await connection.get(`${renewalInfo.replace(/\/$/, "")}/${certId}`, signal);
    const window = parseRenewalInfo(reply.json());
    const asked = retryAfter(reply.headers, now()) ?? usualPause;
    const pause = Math.min(Math.max(asked, leastPause), longestPause);
    if (window.end > window.start) return { window, nextCheck: new Date(+now() + pause) };
    throw new Failure("ca.protocol", "The CA suggests to renew in a time that ends before it begins");
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    const { retryAfter } = failure.about;
    const until = Math.max(+now() + usualPause, Math.min(+(retryAfter ?? 0), +now() + longestPause));
    return { nextCheck: new Date(until), failure };
  }
}

/** Chooses when to renew, so that not all clients come at once: "Select a uniform random time within the suggested window" (RFC
 * 9773 §4.2). The choice is to be kept as long as the window stays.
 *
 * @param window of the CA
 * @param random from 0 to 1
 */
export const chooseTime = ({ start, end }: SuggestedWindow, random: number = Math.random()): Date =>
  new Date(+start + Math.floor(random * (+end - +start)));
