/** The conversation with a CA: directory, nonces, requests, limits (RFC 8555 §6). */
import pLimit from "p-limit";
import { clockTolerance } from "../time.ts";
import { Failure, printable, readable } from "../errors.ts";
import { host, networkFailure, problemName } from "./failure.ts";
import { type Signer, signJws } from "./jws.ts";
import { type Network, webNetwork } from "./network.ts";
import { type Directory, httpsUrl, parseDirectory } from "./objects.ts";
import { isBusy, readBody, readProblem, refusal, type Reply, retryAfter, toReply } from "./reply.ts";

/** Name and version, as RFC 8555 §6.1 wants them. */
export const userAgent = "letsencrypt-tiny/0.1.0 (Deno)";

const requestTimeout = 30_000;
const maxParallel = 8;
const tries = 3;
// A CA that refuses nine of ten good nonces, as Pebble can, refuses 150 in a row once in seven million requests.
const nonceTries = 150;
const longestWait = 60_000;

/** Sends requests in the name of an account. */
export interface Requester {
  /** The way to the CA. */
  readonly connection: Connection;
  /** Of the account key, RFC 8555 §8.1. */
  readonly thumbprint: string;
  /** Sends a signed request; without payload it is a read. */
  post(url: string, payload?: object, signal?: AbortSignal): Promise<Reply>;
}

/** What goes out. */
interface Outgoing {
  url: string;
  /** Made anew for each try: a nonce serves once. */
  make(): RequestInit | Promise<RequestInit>;
  /** Whether it changes nothing, so that it may be sent again though nobody knows what became of it. */
  isRead: boolean;
  signal?: AbortSignal;
}

/** A conversation with one CA, for any number of accounts. */
export class Connection {
  /** Where everything is at this CA. */
  readonly directory!: Directory;
  /** The outside world that it goes through. */
  readonly network: Network;
  readonly #origins: Set<string>;
  readonly #limit = pLimit(maxParallel);
  readonly #nonces: string[] = [];
  /** The CA's wish (Retry-After) is for every request of every line: until when none is sent, and why. */
  #closedUntil = 0;
  #closed?: Failure;
  #hasComparedClocks = false;

  private constructor(url: string, network: Network) {
    this.network = network;
    this.#origins = new Set([new URL(url).origin]);
  }

  /** Opens a conversation: reads the CA's directory, RFC 8555 §7.1.1.
   *
   * @param url the CA's directory, https
   * @param network the way to it, and a clock; the platform's own unless given
   * @returns what sends requests
   * @throws {Failure} the CA can't be reached, or it is no ACME server
   */
  static async open(url: string, network: Network = webNetwork): Promise<Connection> {
    const connection = new Connection(httpsUrl(url, "directory"), network);
    const directory = parseDirectory((await connection.get(url)).json());
    for (const each of Object.values(directory)) {
      if (typeof each === "string") connection.#origins.add(new URL(each).origin);
    }
    return Object.assign(connection, { directory });
  }

  /** Sends a request that is not signed.
   *
   * @param url what to read
   * @param signal ends it
   * @throws {Failure} the CA can't be reached, or refuses
   */
  async get(url: string, signal?: AbortSignal): Promise<Reply> {
    return await this.#limit(() => this.#exchange({ url, make: () => ({}), isRead: true, signal }));
  }

  /** Sends a signed request. RFC 8555 §6.5: "When a server rejects a request because its nonce value was unacceptable […] the
   * client SHOULD retry", with the nonce that came with the error, which lies on top of the stack.
   *
   * @param signer who asks
   * @param url whom
   * @param payload absent: a read (POST-as-GET, §6.3)
   * @param signal ends it
   * @returns the CA's answer
   * @throws {Failure} the CA can't be reached, or refuses
   */
  async post(signer: Signer, url: string, payload?: object, signal?: AbortSignal): Promise<Reply> {
    const make = async (): Promise<RequestInit> => ({
      method: "POST",
      headers: { "Content-Type": "application/jose+json" },
      body: JSON.stringify(await signJws(signer, { url, nonce: await this.#nonce(), payload })),
    });
    const deadline = +this.network.now() + requestTimeout * 2;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#limit(() => this.#exchange({ url, make, isRead: payload === undefined, signal }));
      } catch (error) {
        if (problemName(error) !== "badNonce") throw error;
        if (attempt >= nonceTries || +this.network.now() > deadline) {
          throw new Failure("ca.protocol", `The CA ${host(url)} keeps rejecting nonces`, { cause: error });
        }
      }
    }
  }

  /** Sees to nonces for this many requests side by side, while the request before them is under way: as many as can run at a
   * time, less the one that the answer under way brings. */
  async expect(requests: number): Promise<void> {
    const missing = Math.min(requests, maxParallel) - 1 - this.#nonces.length;
    const fetches = Array.from({ length: Math.max(missing, 0) }, () => this.#limit(() => this.#fetchNonce()));
    await Promise.allSettled(fetches); // whoever needs a nonce that did not come fetches it
  }

  /** What failed on the way. RFC 8555 §6.6: "servers […] SHOULD include a Retry-After header field" where one asks too often;
   * what the network or a busy server failed is repeated a few times, where repeating does no harm. */
  async #exchange(outgoing: Outgoing): Promise<Reply> {
    const { url, make, isRead, signal } = outgoing;
    for (let attempt = 1;; attempt++) {
      await this.#waitUntilOpen(signal);
      const init = await make();
      let answer;
      try {
        answer = await this.#request(url, init, signal);
      } catch (error) {
        const failure = networkFailure(error, url);
        if (!failure.isTemporary || !isRead || attempt >= tries || signal?.aborted) throw failure;
        await this.network.sleep(backoff(attempt));
        continue;
      }
      const { response, text } = answer;
      if (response.ok) return toReply(response, text, url);
      const asked = isBusy(response.status) ? retryAfter(response.headers, this.network.now()) : undefined;
      const pause = pauseAfter(response, asked, attempt);
      if (attempt >= tries || pause > longestWait) throw this.#refusal(response, text, { url, asked });
      if (asked === undefined) await this.network.sleep(pause);
      else this.#close(pause);
    }
  }

  /** Exactly one request and its whole body, bounded in time and size. RFC 8555 §6.1: "ACME clients MUST send a User-Agent
   * header field"; §6.5: "the client MUST ignore […] invalid" nonces. No request leaves the CA's own origins: whatever a
   * server names in an order, an authorization or a challenge. */
  async #request(
    url: string,
    init: RequestInit,
    signal?: AbortSignal,
  ): Promise<{ response: Response; text: string }> {
    const { origin } = new URL(url);
    if (!this.#origins.has(origin)) {
      throw new Failure(
        "ca.protocol",
        `The CA sends this program to another host: ${printable(origin, 200)}`,
      );
    }
    const ends = AbortSignal.any([AbortSignal.timeout(requestTimeout), ...signal ? [signal] : []]);
    const headers = { ...init.headers, "User-Agent": userAgent, "Accept-Encoding": "identity" };
    // Deno would follow a redirected POST as a GET.
    const response = await this.network.fetch(url, { ...init, headers, signal: ends, redirect: "manual" });
    const nonce = usableNonce(response.headers);
    if (nonce) this.#nonces.push(nonce);
    this.#compareClocks(response.headers);
    const text = await readBody(response, url);
    if (response.status >= 300 && response.status < 400) {
      const target = printable(response.headers.get("location") ?? "", 200);
      throw new Failure("ca.protocol", `Unexpected redirect from ${host(url)} to "${target}"`);
    }
    return { response, text };
  }

  async #nonce(): Promise<string> {
    // A nonce that comes may be taken by a request that runs beside this one: then the next is fetched.
    for (let unusable = 0; this.#nonces.length === 0;) {
      if (!usableNonce((await this.#fetchNonce()).headers) && ++unusable === tries) {
        throw new Failure("ca.protocol", "The CA gives no usable nonces");
      }
    }
    return this.#nonces.pop()!;
  }

  /** RFC 8555 §7.2. */
  #fetchNonce(): Promise<Reply> {
    return this.#exchange({ url: this.directory.newNonce, make: () => ({ method: "HEAD" }), isRead: true });
  }

  #refusal(response: Response, text: string, { url, asked }: { url: string; asked?: number }): Failure {
    const until = asked ? new Date(+this.network.now() + asked) : undefined;
    const failure = refusal(response, url, { problem: readProblem(response, text), retryAfter: until });
    // A rate limit is for these names or this account; anything else that busy is busy for everybody.
    if (asked && problemName(failure) !== "rateLimited") this.#close(asked, failure);
    return failure;
  }

  #close(ms: number, why?: Failure): void {
    const until = +this.network.now() + ms;
    if (until > this.#closedUntil) [this.#closedUntil, this.#closed] = [until, why];
  }

  async #waitUntilOpen(signal?: AbortSignal): Promise<void> {
    // A few turns, since others may close it meanwhile; a clock that is set back must not make it endless.
    for (let turn = 0; turn < tries; turn++) {
      const wait = this.#closedUntil - +this.network.now();
      if (wait <= 0 || signal?.aborted) return;
      if (this.#closed) throw this.#closed;
      await this.network.sleep(Math.min(wait, longestWait));
    }
  }

  /** Time decides what is due: a clock that is far from the CA's needs a hand. */
  #compareClocks(headers: Headers): void {
    const theirs = new Date(headers.get("date") ?? NaN);
    const ours = this.network.now();
    const isFar = Math.abs(+theirs - +ours) > clockTolerance;
    if (this.#hasComparedClocks || !isFar) return;
    this.#hasComparedClocks = true;
    this.network.warn(
      `warning: the CA's clock says ${readable(theirs)}, this machine's ${readable(ours)}: is it right?`,
    );
  }
}

/** How long to wait before another try: never shorter than our own growing interval, whatever the CA says. */
function pauseAfter({ status }: Response, asked: number | undefined, attempt: number): number {
  if (!isBusy(status)) return Infinity;
  // Too many requests: only the CA knows when there may be one more.
  if (status === 429 && asked === undefined) return Infinity;
  return Math.max(asked ?? 0, backoff(attempt));
}

function usableNonce(headers: Headers): string | undefined {
  const nonce = headers.get("replay-nonce");
  return nonce && /^[A-Za-z0-9_-]{1,256}$/.test(nonce) ? nonce : undefined;
}

const backoff = (attempt: number) => 1000 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
