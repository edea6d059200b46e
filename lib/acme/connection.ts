/** The signed conversation with a CA: directory, nonces, requests, limits (RFC 8555 §6). */
import { clockTolerance } from "../time.ts";
import { AcmeError, printable, readable, TransportError } from "../errors.ts";
import { host, networkError, problemName } from "./failure.ts";
import { type Signer, signJws } from "./jws.ts";
import { semaphore } from "./semaphore.ts";
import { readBody, readProblem, refusal, type Reply, toReply } from "./reply.ts";
import { type Directory, httpsUrl, parseDirectory, retryAfter } from "./objects.ts";

/** What a conversation with a CA needs of the outside world. */
export interface Network {
  fetch: typeof fetch;
  now(): Date;
  sleep(ms: number): Promise<void>;
  /** Something needs a hand. */
  warn(line: string): void;
  /** What is going on, for a person at a terminal; nothing elsewhere. */
  progress(text: string): void;
  /** Host and port of the proxy that requests go through, if there is one and it may be known. */
  proxy?: string;
}

/** A conversation with one CA. */
export interface Transport {
  readonly directory: Directory;
  readonly system: Network;
  /** Sends a signed request; without payload it is a read (POST-as-GET), which may be repeated freely. */
  post(signer: Signer, url: string, payload?: object, signal?: AbortSignal): Promise<Reply>;
  /** Sees to nonces for this many requests side by side, while the request before them is under way. */
  expect(requests: number): Promise<void>;
}

/** Name and version, as RFC 8555 §6.1 wants them. */
export const userAgent = "letsencrypt-tiny/0.1.0 (Deno)";

const requestTimeout = 30_000;
const maxParallel = 8;
const tries = 3;
// A CA that refuses nine of ten good nonces, as Pebble can, refuses 150 in a row once in seven million requests.
const nonceTries = 150;
const longestWait = 60_000;

/** Opens a conversation: reads the CA's directory.
 *
 * @param system network and clock
 * @param directoryUrl the CA's directory, https
 * @returns what sends the signed requests
 * @throws {TransportError} the CA can't be reached, or it is no ACME server
 */
export async function openTransport(system: Network, directoryUrl: string): Promise<Transport> {
  const nonces: string[] = [];
  const slots = semaphore(maxParallel);
  /** The CA's wish (Retry-After) is for every request of every line: until when none is sent, and why. */
  let closedUntil = 0;
  let closed: AcmeError | TransportError | undefined;

  function closeUntil(until: number, why?: AcmeError | TransportError): void {
    if (until > closedUntil) [closedUntil, closed] = [until, why];
  }

  /** One request and its whole body, bounded in time and size. */
  async function request(
    url: string,
    init: RequestInit,
    deadline?: AbortSignal,
  ): Promise<{ response: Response; text: string }> {
    const signal = AbortSignal.any([AbortSignal.timeout(requestTimeout), ...deadline ? [deadline] : []]);
    const headers = { ...init.headers, "User-Agent": userAgent, "Accept-Encoding": "identity" };
    // Deno would follow a redirected POST as a GET.
    const response = await system.fetch(url, { ...init, headers, signal, redirect: "manual" });
    const nonce = usableNonce(response.headers);
    if (nonce) nonces.push(nonce);
    compareClocks(response.headers);
    return { response, text: await readBody(response, url) };
  }

  let hasCompared = false;
  /** Time decides what is due: a clock that is far from the CA's needs a hand. */
  function compareClocks(headers: Headers): void {
    const theirs = new Date(headers.get("date") ?? NaN);
    const isFar = Math.abs(+theirs - +system.now()) > clockTolerance;
    if (hasCompared || !isFar) return;
    hasCompared = true;
    system.warn(
      `warning: the CA's clock says ${readable(theirs)}, this machine's ${
        readable(system.now())
      }: is it right?`,
    );
  }

  /** One request, repeated where the network or the server failed and repeating does no harm. */
  async function exchange(
    url: string,
    make: () => RequestInit | Promise<RequestInit>,
    { repeatable, signal }: { repeatable: boolean; signal?: AbortSignal },
  ): Promise<Reply> {
    for (let attempt = 1;; attempt++) {
      for (let wait; (wait = closedUntil - +system.now()) > 0;) {
        if (closed) throw closed;
        if (signal?.aborted) break;
        await system.sleep(Math.min(wait, longestWait)); // a clock that is set back must not make it endless
      }
      let answer;
      try {
        answer = await request(url, await make(), signal);
      } catch (error) {
        const failure = networkError(error, url, system);
        if (!failure.isTemporary || !repeatable || attempt >= tries || signal?.aborted) throw failure;
        await system.sleep(backoff(attempt));
        continue;
      }
      const { response, text } = answer;
      if (response.ok) return toReply(response, text, url);
      if (response.status >= 300 && response.status < 400) {
        throw new TransportError(
          `Unexpected redirect from ${host(url)} to "${
            printable(response.headers.get("location") ?? "", 200)
          }"`,
        );
      }
      const wait = retryAfter(response.headers, system.now());
      const problem = readProblem(response, text);
      const busy = response.status >= 500 || response.status === 429;
      // Too many requests: only the CA knows when there may be one more.
      const pause = wait ?? (response.status === 429 ? Infinity : backoff(attempt));
      if (busy && pause <= longestWait && attempt < tries) {
        if (wait === undefined) await system.sleep(pause);
        else closeUntil(+system.now() + wait);
        continue;
      }
      const notBefore = busy && wait !== undefined ? new Date(+system.now() + wait) : undefined;
      const failure = refusal(response, url, problem, { notBefore, temporary: busy });
      // A rate limit is for these names or this account; anything else that busy is busy for everybody.
      if (notBefore && !(failure instanceof AcmeError && problemName(failure) === "rateLimited")) {
        closeUntil(+notBefore, failure);
      }
      throw failure;
    }
  }

  async function nonce(): Promise<string> {
    // A nonce that comes may be taken by a request that runs beside this one: then the next is fetched.
    for (let unusable = 0; nonces.length === 0;) {
      if (!usableNonce((await fetchNonce()).headers) && ++unusable === tries) {
        throw new TransportError("The CA gives no usable nonces");
      }
    }
    return nonces.pop()!;
  }

  const fetchNonce = () => exchange(directory.newNonce, () => ({ method: "HEAD" }), { repeatable: true });

  async function post(signer: Signer, url: string, payload?: object, signal?: AbortSignal): Promise<Reply> {
    const deadline = +system.now() + requestTimeout * 2;
    for (let attempt = 1;; attempt++) {
      const sign = async (): Promise<RequestInit> => ({
        method: "POST",
        headers: { "Content-Type": "application/jose+json" },
        body: JSON.stringify(await signJws(signer, { url, nonce: await nonce(), payload })),
      });
      try {
        return await slots(() =>
          exchange(url, sign, {
            repeatable: payload === undefined,
            signal,
          })
        );
      } catch (error) {
        if (!(error instanceof AcmeError) || problemName(error) !== "badNonce") throw error;
        // RFC 8555 §6.5: the error brought a fresh nonce, and lies on top of the stack now.
        if (attempt >= nonceTries || +system.now() > deadline) {
          throw new TransportError(`The CA ${host(url)} keeps rejecting nonces`);
        }
      }
    }
  }

  /** As many as can run at a time, less the one nonce that the answer under way brings. */
  async function expect(requests: number): Promise<void> {
    const missing = Math.min(requests, maxParallel) - 1 - nonces.length;
    const fetches = Array.from({ length: Math.max(missing, 0) }, () => slots(fetchNonce));
    await Promise.allSettled(fetches); // whoever needs a nonce that did not come fetches it
  }

  const answer = await exchange(httpsUrl(directoryUrl, "directory"), () => ({}), { repeatable: true });
  const directory = parseDirectory(answer.json());
  return { directory, system, post, expect };
}

/** RFC 8555 §6.5.1: an invalid nonce is ignored. */
function usableNonce(headers: Headers): string | undefined {
  const nonce = headers.get("replay-nonce");
  return nonce && /^[A-Za-z0-9_-]{1,256}$/.test(nonce) ? nonce : undefined;
}

const backoff = (attempt: number) => 1000 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
