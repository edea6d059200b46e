/** What went wrong between this machine and the CA, in an administrator's words. */
import { Failure, printable, type Problem } from "../errors.ts";

/** What a failed request means: a later run may succeed by itself, or the administrator has to do something.
 *
 * @param error what `fetch`, or reading the body, threw
 * @param url the request's
 * @returns the failure in an administrator's words
 * @throws whatever is no failure of the network: a bug
 */
export function networkFailure(error: unknown, url: string): Failure {
  if (error instanceof Failure) return error;
  const at = host(url);
  if (error instanceof Error && error.name === "NotCapable") {
    return new Failure("files.permission", `Deno may not reach ${at}: ${error.message}`, { cause: error });
  }
  if (!(error instanceof TypeError || error instanceof DOMException || isConnectionError(error))) throw error;
  const causes: Error[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause) causes.push(each);
  // Deno names the request and the layers that it passed before the cause: no word of the URL is a diagnosis.
  const why = causes.at(-1)!.message.replace(/^.*client error \(\w+\): /s, "");
  const detail = printable(why, 200);
  const about = { host: at, cause: error };
  if (why.startsWith("invalid peer certificate")) {
    const kind = /not valid for name/.test(why)
      ? "ca.wrong-host"
      : /expired|not valid yet|NotValidYet/i.test(why)
      ? "ca.clock"
      : "ca.untrusted";
    return new Failure(kind, `The TLS certificate of ${at} is not trusted: ${detail}`, about);
  }
  const isLate = causes.some(({ name }) => /^(Timeout|Abort)Error$/.test(name)) || /timed out/.test(why);
  const reason = isLate
    ? "no answer in time"
    : /^dns error/.test(why)
    ? "name not known"
    : /connection refused/i.test(why)
    ? "connection refused"
    : detail;
  return new Failure("ca.unreachable", `Cannot reach the CA ${at}: ${reason}`, {
    ...about,
    isTemporary: true,
  });
}

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && /^(Connection|Http|Unexpected|Timed|Broken)/.test(error.name);
}

/** The last part of the URN of what the CA said, such as `badNonce`; undefined where it said nothing.
 *
 * @param failure what was thrown
 */
export const problemName = (failure: unknown): string | undefined =>
  failure instanceof Failure ? failure.about.problem?.type.replace(urn, "") : undefined;

const urn = "urn:ietf:params:acme:error:";
const longest = 500;
const longestLink = 4000;

/** One line for a problem: the CA's own words, then one part for each subproblem (RFC 8555 §6.7.1).
 *
 * @param problem the CA's error object
 * @returns printable text without line breaks; a link is not cut in the middle, since it would lead nowhere
 */
export function describeProblem({ type, detail, identifier, subproblems }: Problem): string {
  const kind = type === "about:blank" && detail ? "" : type.replace(urn, ""); // RFC 7807 §4.2: it says nothing
  const own = [identifier, kind, detail].filter((part) => part)
    .map((part) => printable(part!, limitOf(part!))).join(": ");
  return [own, ...subproblems.map(describeProblem)].join("; ");
}

function limitOf(text: string): number {
  for (const { 0: link, index } of text.matchAll(/https:\/\/\S+/g)) {
    const end = index + link.length;
    if (index < longest && end > longest) return Math.min(end, longestLink);
  }
  return longest;
}

/** The host of a URL, with its port where that is not the usual one.
 *
 * @param url an absolute URL
 */
export const host = (url: string): string => URL.parse(url)?.host ?? "";
