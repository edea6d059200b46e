/** What went wrong between this machine and the CA, in an administrator's words. */
import {
  type ExpectedError,
  Failure,
  PermissionError,
  printable,
  readable,
  TransportError,
} from "../errors.ts";

/** What a failed request means: a later run may succeed by itself, or the administrator has to do something.
 *
 * @param error what `fetch`, or reading the body, threw
 * @param url the request's
 * @param world the time, for a hint about a wrong clock, and the proxy that may be the cause
 * @returns the failure in an administrator's words
 * @throws whatever is no failure of the network: a bug
 */
export function networkError(
  error: unknown,
  url: string,
  { now, proxy }: { now(): Date; proxy?: string },
): ExpectedError {
  if (error instanceof TransportError) return error;
  if (error instanceof Error && error.name === "NotCapable") {
    return new PermissionError(`reach ${host(url)}`, error);
  }
  if (!(error instanceof TypeError || error instanceof DOMException || isConnectionError(error))) throw error;
  const texts = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause) texts.push(each.message);
  const why = texts.join(": ");
  // Deno puts the request and the layers that it passed in front of the cause.
  const detail = printable(texts.at(-1)!.replace(/^.*client error \(\w+\): /s, ""), 200);
  const at = host(url);
  if (/invalid peer certificate/.test(why)) {
    return new TransportError(`The TLS certificate of ${at} is not trusted: ${detail}`, {
      hint: /not valid for name/.test(why)
        ? "is directory in section [acme] right?"
        : /expired|not valid yet|NotValidYet/i.test(why)
        ? `the clock of this machine says ${readable(now())}: is it right?`
        : "set ca-file if this is a private CA",
    });
  }
  const reason = /dns|lookup|resolve/i.test(why)
    ? "name not known"
    : /timed out|timeout|aborted/i.test(why)
    ? "no answer in time"
    : /refused/i.test(why)
    ? "connection refused"
    : detail;
  const hint = proxy === undefined ? undefined : `requests go through the proxy ${proxy}: is it up?`;
  return new TransportError(`Cannot reach the CA ${at}: ${reason}`, { temporary: true, hint, cause: error });
}

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && /^(Connection|Http|Unexpected|Timed|Broken)/.test(error.name);
}

/** What an administrator can do about an error object of the CA.
 *
 * @param type its URN, RFC 8555 §6.7
 * @param instance a page of the CA about it
 * @returns one line; undefined: the CA's own words must do
 */
export function problemHint(type: string, instance?: string): string | undefined {
  const kind = type.split(":").at(-1);
  const page = instance ? ` at ${printable(instance, 200)}` : "";
  if (kind === "userActionRequired") return `read and accept the CA's new terms${page}`;
  if (kind === "rateLimited") {
    return `a rate limit of the CA is used up${page ? `: see${page.slice(3)}` : ""}`;
  }
  if (kind === "externalAccountRequired") {
    return "this CA wants an account bound elsewhere, which is not supported";
  }
}

/** The last part of the URN of what the CA said, such as `badNonce`; undefined where it said nothing.
 *
 * @param failure what was thrown
 */
export const problemName = (failure: unknown): string | undefined =>
  failure instanceof Failure
    ? failure.about.problem?.type.replace("urn:ietf:params:acme:error:", "")
    : undefined;

/** The host of a URL, with its port where that is not the usual one.
 *
 * @param url an absolute URL
 */
export const host = (url: string): string => URL.parse(url)?.host ?? "";
