/** The answers of a CA: read within limits, taken for JSON only where they say so, and what a refusal means. */
import { clockTolerance, day } from "../time.ts";
import { Failure, printable, type Problem, readable } from "../errors.ts";
import { describeProblem, host } from "./failure.ts";
import { httpsUrl, parseProblem } from "./schemas.ts";

/** An answer of the CA with a status of 2xx. */
export interface Reply {
  /** The URL that was asked. */
  readonly url: string;
  /** The status of HTTP. */
  readonly status: number;
  /** The header of the answer. */
  readonly headers: Headers;
  /** The body. */
  readonly text: string;
  /** The body, where the CA says that it is JSON. */
  json(): unknown;
}

const maxJson = 256 << 10;
const maxChain = 1 << 20;
const jsonTypes = ["application/json", "application/problem+json"];
const longestRetryAfter = 7 * day;

/** Wraps an answer whose body has been read.
 *
 * @param response a status of 2xx
 * @param text its body
 * @param url the request's
 */
export function toReply(response: Response, text: string, url: string): Reply {
  return {
    url,
    status: response.status,
    headers: response.headers,
    text,
    json() {
      if (isJson(response)) return parseJson(text, url);
      const type = response.headers.get("content-type") ?? "no content type";
      throw new Failure(
        "ca.protocol",
        `The CA ${host(url)} answered with ${printable(type, 60)}, not JSON: ${printable(text, 80)}`,
        { cure: "is something else answering in its place, such as a captive portal or a proxy?" },
      );
    },
  };
}

/** What an answer means that is no success, in an administrator's words.
 *
 * @param response the answer
 * @param url the request's
 * @param known its error object, if it has one; and `retryAfter`: until when the CA wants to be left alone
 */
export function refusal(
  { status }: Response,
  url: string,
  { problem, retryAfter }: { problem?: Problem; retryAfter?: Date },
): Failure {
  const until = retryAfter ? ` (the CA asks to wait until ${readable(retryAfter)})` : "";
  const about = { host: host(url), problem, retryAfter, isTemporary: isBusy(status) };
  return problem
    ? new Failure("ca.refused", `The CA refused: ${describeProblem(problem)}${until}`, about)
    : new Failure(
      status === 404 ? "ca.not-found" : "ca.protocol",
      `The CA ${host(url)} answered ${printable(new URL(url).pathname, 200)} with status ${status}${until}`,
      about,
    );
}

/** Whether a later request may well succeed. */
export const isBusy = (status: number): boolean => status >= 500 || status === 429;

/** Reads a body: as JSON, at most 256 KiB of it, else 1 MiB, which is enough for any chain.
 *
 * @param response the answer
 * @param url the request's, for messages
 * @throws {Failure} it is larger
 */
export async function readBody(response: Response, url: string): Promise<string> {
  const limit = isJson(response) ? maxJson : maxChain;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Counted after decompression: a small answer may unfold to gigabytes.
    if (size > limit) {
      throw new Failure("ca.protocol", `The answer of ${host(url)} is larger than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
}

/** The error object, if there is a readable one: the status says enough where there is not, as after HEAD. */
export function readProblem(response: Response, text: string): Problem | undefined {
  if (!isJson(response)) return undefined;
  try {
    return parseProblem(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** How long the CA asks to wait, RFC 8555 §6.6 and RFC 9110 §10.2.3.
 *
 * @param headers of the response; a date is compared with the CA's own clock, where it tells
 * @param now the time
 * @returns milliseconds, 0 to 7 days; undefined where the header is missing or means nothing
 */
export function retryAfter(headers: Headers, now: Date): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  const seconds = /^(\d{1,12}(?:\.\d+)?)(?:\s*,|$)/.exec(value)?.[1]; // twice the same header is joined by a comma
  const theirs = Date.parse(headers.get("date") ?? "");
  const ms = seconds ? Number(seconds) * 1000 : Date.parse(value) - (Number.isNaN(theirs) ? +now : theirs);
  if (Number.isNaN(ms) || !/^\d|^[A-Z][a-z]{2}, /.test(value)) return undefined;
  return Math.min(Math.max(ms, 0), longestRetryAfter);
}

/** Time decides what is due: a clock that is far from the CA's needs a hand.
 *
 * @param headers of the CA's answer
 * @param ours the time
 * @returns a line for an administrator; undefined: both are right, or the CA doesn't tell
 */
export function clockWarning(headers: Headers, ours: Date): string | undefined {
  const theirs = new Date(headers.get("date") ?? NaN);
  if (!(Math.abs(+theirs - +ours) > clockTolerance)) return undefined;
  return `warning: the CA's clock says ${readable(theirs)}, this machine's ${readable(ours)}: is it right?`;
}

/** Where the CA has put something new (RFC 8555 §7.3, §7.4), relative to the request where it says so.
 *
 * @param reply the answer
 * @param what is there
 * @throws {Failure} it doesn't say
 */
export function locationOf({ headers, url }: Reply, what: string): string {
  const location = headers.get("location");
  return httpsUrl(location && !/^[a-z]+:/i.test(location) ? URL.parse(location, url)?.href : location, what);
}

/** The links of one relation, RFC 8288 §3; with `alternate`, RFC 8555 §7.4.2, other chains for the same certificate.
 *
 * @param reply the answer
 * @param relation such as `alternate`
 * @returns absolute URLs
 */
export function linksOf({ headers, url }: Reply, relation: string): string[] {
  const links = (headers.get("link") ?? "").split(/,\s*(?=<)/).slice(0, 100);
  return links.flatMap((link) => {
    const [, target, parameters] = /^\s*<([^>]*)>(.*)$/.exec(link) ?? [];
    const relations = /;\s*rel\s*=\s*"?([^";]*)"?/i.exec(parameters ?? "")?.[1].toLowerCase().split(/\s+/);
    const found = relations?.includes(relation) ? URL.parse(target, url)?.href : undefined;
    return found ?? [];
  });
}

function isJson(response: Response): boolean {
  const type = response.headers.get("content-type")?.split(";")[0].trim().toLowerCase();
  return jsonTypes.includes(type ?? "");
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure("ca.protocol", `The CA ${host(url)} sent damaged JSON: ${printable(text, 80)}`);
  }
}
