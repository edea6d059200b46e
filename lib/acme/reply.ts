/** The answers of a CA: read within limits, taken for JSON only where they say so, and what a refusal means. */
import { AcmeError, describeProblem, printable, type Problem, readable, TransportError } from "../errors.ts";
import { host, problemHint } from "./failure.ts";
import { parseProblem } from "./objects.ts";

/** An answer of the CA with a status of 2xx. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  json(): unknown;
}

const maxJson = 256 << 10;
const maxChain = 1 << 20;
const jsonTypes = ["application/json", "application/problem+json"];

/** Wraps an answer whose body has been read.
 *
 * @param response a status of 2xx
 * @param text its body
 * @param url the request's, for messages
 */
export function toReply(response: Response, text: string, url: string): Reply {
  return {
    status: response.status,
    headers: response.headers,
    text,
    json() {
      if (isJson(response)) return parseJson(text, url);
      const type = response.headers.get("content-type") ?? "no content type";
      throw new TransportError(
        `The CA ${host(url)} answered with ${printable(type, 60)}, not JSON: ${printable(text, 80)}`,
        { hint: "is something else answering in its place, such as a captive portal or a proxy?" },
      );
    },
  };
}

/** What an answer means that is no success, in an administrator's words.
 *
 * @param response the answer
 * @param url the request's
 * @param problem its error object, if it has one
 * @param options `notBefore`: until when the CA wants to be left alone; `temporary`: whether a later run may succeed
 */
export function refusal(
  response: Response,
  url: string,
  problem: Problem | undefined,
  options: { notBefore?: Date; temporary: boolean },
): AcmeError | TransportError {
  const until = options.notBefore ? ` (the CA asks to wait until ${readable(options.notBefore)})` : "";
  if (problem) {
    const hint = problemHint(problem.type, problem.instance);
    return new AcmeError(`The CA refused: ${describeProblem(problem)}${until}`, problem, {
      ...options,
      hint,
    });
  }
  const hint = response.status === 404 ? "is directory in section [acme] right?" : undefined;
  const { pathname } = new URL(url);
  return new TransportError(
    `The CA ${host(url)} answered ${pathname} with status ${response.status}${until}`,
    { ...options, hint },
  );
}

/** Reads a body: as JSON, at most 256 KiB of it, else 1 MiB, which is enough for any chain.
 *
 * @param response the answer
 * @param url the request's, for messages
 * @throws {TransportError} it is larger
 */
export async function readBody(response: Response, url: string): Promise<string> {
  const limit = isJson(response) ? maxJson : maxChain;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Counted after decompression: a small answer may unfold to gigabytes.
    if (size > limit) throw new TransportError(`The answer of ${host(url)} is larger than ${limit} bytes`);
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

function isJson(response: Response): boolean {
  const type = response.headers.get("content-type")?.split(";")[0].trim().toLowerCase();
  return jsonTypes.includes(type ?? "");
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TransportError(`The CA ${host(url)} sent damaged JSON: ${printable(text, 80)}`);
  }
}
