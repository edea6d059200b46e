/** The conversation with a CA: directory, nonces, requests, limits (RFC 8555 §6). */
import pLimit from "p-limit";
import { Failure, printable } from "../errors.ts";
import { host, networkFailure, problemName } from "./failure.ts";
import { backoff, Gate, longestWait, pauseAfter } from "./gate.ts";
import { type Signer, signJws } from "./jws.ts";
import { type Network, webNetwork } from "./network.ts";
import { Nonces } from "./nonces.ts";
import type { Directory } from "./objects.ts";
import {
  clockWarning,
  isBusy,
  readBody,
  readProblem,
  refusal,
  type Reply,
  retryAfter,
  toReply,
} from "./reply.ts";
import { httpsUrl, parseDirectory } from "./schemas.ts";

/** Name and version, as RFC 8555 §6.1 wants them. */
export const userAgent = "letsencrypt-tiny/0.1.0 (Deno)";

const requestTimeout = 30_000;
const maxParallel = 8;
const tries = 3;
// A CA that refuses nine of ten good nonces, as Pebble can, refuses 150 in a row once in seven million requests.
const nonceTries = 150;

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
  readonly #nonces = new Nonces();
  readonly #gate: Gate;
  #hasWarned = false;

  private constructor(url: string, network: Network) {
    this.network = network;
    this.#gate = new Gate(network);
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
    const connection = Connection.to(url, network);
    const directory = parseDirectory((await connection.get(url)).json());
    for (const each of Object.values(directory)) {
      if (typeof each === "string") connection.#origins.add(new URL(each).origin);
    }
    return Object.assign(connection, { directory });
  }

  /** A conversation that has not read the directory, for requests that are not signed: its host is all that is known.
   *
   * @param url of anything at the CA, https
   * @param network the way to it, and a clock
   * @throws {Failure} it is no such URL
   */
  static to(url: string, network: Network = webNetwork): Connection {
    return new Connection(httpsUrl(url, "CA"), network);
  }

  /** Takes no URL of a host that the directory doesn't name: nothing is sent there, and nothing remembered.
   *
   * @param url where the CA says that something is
   * @returns the same
   * @throws {Failure} `ca.protocol`: it is elsewhere
   */
  own(url: string): string {
    const { origin } = new URL(url);
    if (this.#origins.has(origin)) return url;
    throw new Failure("ca.protocol", `The CA sends this program to another host: ${printable(origin, 200)}`);
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

  /** Sends a signed request. RFC 8555 §6.5, of refused nonces: "On receiving such a response, a client SHOULD retry the request
   * using the new nonce", which lies on top now.
   *
   * @param signer who asks
   * @param url whom
   * @param payload absent: a read (POST-as-GET, §6.3)
   * @param signal ends it
   * @returns the CA's answer
   * @throws {Failure} the CA can't be reached, or refuses
   */
  async post(signer: Signer, url: string, payload?: object, signal?: AbortSignal): Promise<Reply> {
    const make = async (): Promise<RequestInit> => {
      const nonce = await this.#nonces.take(() => this.#fetchNonce());
      const body = JSON.stringify(await signJws(signer, { url, nonce, payload }));
      return { method: "POST", headers: { "Content-Type": "application/jose+json" }, body };
    };
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
    const missing = Math.min(requests, maxParallel) - 1 - this.#nonces.count;
    const fetches = Array.from({ length: Math.max(missing, 0) }, () => this.#limit(() => this.#fetchNonce()));
    await Promise.allSettled(fetches); // whoever needs a nonce that did not come fetches it
  }

  /** What failed on the way is repeated a few times, where repeating does no harm. RFC 8555 §6.6: "the server SHOULD send a
   * Retry-After header field […] indicating when the current request may succeed again." */
  async #exchange(outgoing: Outgoing): Promise<Reply> {
    const { url, make, isRead, signal } = outgoing;
    for (let attempt = 1;; attempt++) {
      await this.#gate.pass(signal);
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
      else this.#gate.close(pause);
    }
  }

  /** Exactly one request and its whole body, bounded in time and size. RFC 8555 §6.1: "ACME clients MUST send a User-Agent
   * header field". No request leaves the CA's own hosts, whatever is named in an order, an authorization or a challenge. */
  async #request(
    url: string,
    init: RequestInit,
    signal?: AbortSignal,
  ): Promise<{ response: Response; text: string }> {
    this.own(url);
    const ends = AbortSignal.any([AbortSignal.timeout(requestTimeout), ...signal ? [signal] : []]);
    const headers = { ...init.headers, "User-Agent": userAgent, "Accept-Encoding": "identity" };
    // Deno would follow a redirected POST as a GET.
    const response = await this.network.fetch(url, { ...init, headers, signal: ends, redirect: "manual" });
    this.#nonces.keep(response.headers);
    this.#compareClocks(response.headers);
    const text = await readBody(response, url);
    if (response.status >= 300 && response.status < 400) {
      const target = printable(response.headers.get("location") ?? "", 200);
      throw new Failure("ca.protocol", `Unexpected redirect from ${host(url)} to "${target}"`);
    }
    return { response, text };
  }

  #compareClocks(headers: Headers): void {
    const warning = clockWarning(headers, this.network.now());
    if (warning && !this.#hasWarned) this.network.warn(warning);
    this.#hasWarned ||= warning !== undefined;
  }

  /** RFC 8555 §7.2. */
  #fetchNonce(): Promise<Reply> {
    return this.#exchange({ url: this.directory.newNonce, make: () => ({ method: "HEAD" }), isRead: true });
  }

  #refusal(response: Response, text: string, { url, asked }: { url: string; asked?: number }): Failure {
    const until = asked ? new Date(+this.network.now() + asked) : undefined;
    const failure = refusal(response, url, { problem: readProblem(response, text), retryAfter: until });
    // A rate limit is for these names or this account; anything else that busy is busy for everybody.
    if (asked && problemName(failure) !== "rateLimited") this.#gate.close(asked, failure);
    return failure;
  }
}
