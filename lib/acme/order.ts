/** The order flow of RFC 8555 §7.4: from names to a certificate. */
import type { Account } from "./account.ts";
import {
  AcmeError,
  describeProblem,
  ExpectedError,
  PollTimeoutError,
  printable,
  TransportError,
} from "../errors.ts";
import { base64url } from "./jws.ts";
import {
  type Authorization,
  type Challenge,
  httpsUrl,
  type Order,
  parseAuthorization,
  parseOrder,
  retryAfter,
} from "./objects.ts";

/** Makes a key authorization visible at `/.well-known/acme-challenge/TOKEN`, RFC 8555 §8.3. */
export interface Solver {
  present(token: string, keyAuthorization: string): void | Promise<void>;
  remove(token: string): void | Promise<void>;
}

/** What to order. */
export interface Request {
  domains: readonly string[];
  /** A promise, so that the key can be generated while the CA validates. */
  csr: Promise<Uint8Array<ArrayBuffer>>;
  solver: Solver;
  /** The URL of an order that an earlier run began. */
  resume?: string;
  /** Called before any challenge is answered, so that a crash never costs a second order; without URL once it came to
   * nothing. */
  onOrder?(url?: string): void;
}

const pollTimeout = 300_000;
const firstPoll = 25;
const slowestPoll = 5_000;
const longestWait = 60_000;

/** Obtains a certificate: order, challenges, finalize, download (RFC 8555 §7.4).
 *
 * @param account who asks
 * @param request names, CSR, and what answers the challenges
 * @returns the chain as the CA sent it, unchecked
 * @throws {AcmeError} the CA refuses; the message names each identifier that failed, in the CA's own words
 * @throws {PollTimeoutError} the CA needs longer than five minutes
 * @throws {TransportError} the CA can't be reached, or breaks the protocol
 */
export async function obtainCertificate(account: Account, request: Request): Promise<string> {
  request.csr.catch(() => {}); // a key that can't be made is heard of where the request is needed
  const { url, order: first } = await resumeOrder(account, request) ?? await newOrder(account, request);
  request.onOrder?.(url);
  let order = first;
  if (order.status === "pending") {
    order = await respondToChallenges(
      account,
      order,
      request.solver,
      () => pollOrder(account, url, first, ["pending"]),
    );
  }
  if (order.status === "ready") {
    const csr = base64url(await request.csr);
    try {
      const reply = await account.post(order.finalize, { csr });
      order = checkSame(order, parseOrder(reply.json()));
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      // The CA may have taken the request all the same: only the order knows (§7.4).
      order = await readOrder(account, url, order);
      if (order.status === "ready" || order.status === "pending") throw error;
    }
  }
  if (order.status === "processing") order = await pollOrder(account, url, order, ["processing"]);
  if (order.status === "valid") return (await account.post(order.certificate)).text;
  request.onOrder?.();
  throw await explainFailure(account, order);
}

interface OpenOrder {
  url: string;
  order: Order;
}

async function resumeOrder(account: Account, request: Request): Promise<OpenOrder | undefined> {
  if (!request.resume) return undefined;
  try {
    const order = await readOrder(account, request.resume);
    if (order.status !== "invalid" && sameNames(order, request.domains)) {
      return { url: request.resume, order };
    }
  } catch (error) {
    // Refused for good: the CA doesn't know this order any more.
    if (!(error instanceof AcmeError) || error.isTemporary) throw error;
  }
}

async function newOrder(account: Account, request: Request): Promise<OpenOrder> {
  const identifiers = request.domains.map((value) => ({ type: "dns", value }));
  const { transport } = account;
  const [reply] = await Promise.all([
    account.post(transport.directory.newOrder, { identifiers }),
    transport.expect(identifiers.length),
  ]);
  const order = parseOrder(reply.json());
  if (!sameNames(order, request.domains)) {
    throw new TransportError("The CA's order is for other names than asked for");
  }
  return { url: httpsUrl(reply.headers.get("location"), "order"), order };
}

/** Answers one http-01 challenge for each authorization, side by side; what was presented is removed at the end. */
async function respondToChallenges(
  account: Account,
  order: Order,
  solver: Solver,
  settle: () => Promise<Order>,
): Promise<Order> {
  const presented: string[] = [];
  let done = 0;
  const respond = async (url: string) => {
    const authorization = parseAuthorization((await account.post(url)).json());
    if (!order.identifiers.some(({ value }) => value === authorization.identifier.value)) {
      throw new TransportError(
        `The CA asks for a challenge for ${printable(authorization.identifier.value)}`,
      );
    }
    if (authorization.status === "pending") {
      const { token, url } = http01(authorization);
      presented.push(token);
      await solver.present(token, `${token}.${account.thumbprint}`);
      (await account.post(url, {})).json(); // whatever is not JSON did not come from the CA
    }
    account.transport.system.progress(`Answered ${++done} of ${order.authorizations.length} challenges`);
    return ["pending", "valid"].includes(authorization.status);
  };
  try {
    const results = await Promise.allSettled(order.authorizations.map(respond));
    const failed = results.find((each) => each.status === "rejected");
    if (failed) throw failed.reason;
    const isAlive = results.every((each) => each.status === "fulfilled" && each.value);
    return isAlive ? await settle() : { ...order, status: "invalid" };
  } finally {
    for (const token of presented) await solver.remove(token);
  }
}

/** The challenge to answer; the token is rejected, never rewritten, since it becomes a file name (§8.3). */
function http01(authorization: Authorization): Challenge & { token: string } {
  const name = printable(authorization.identifier.value);
  const found =
    authorization.challenges.find((each) => each.type === "http-01" && each.status === "pending") ??
      authorization.challenges.find((each) => each.type === "http-01");
  if (!found) throw new TransportError(`The CA offers no http-01 challenge for ${name}`);
  const { token } = found;
  if (!token || !/^[A-Za-z0-9_-]{16,128}$/.test(token)) {
    throw new TransportError(`The CA sent an unusable challenge token for ${name}`);
  }
  return { ...found, token };
}

async function readOrder(account: Account, url: string, before?: Order): Promise<Order> {
  const order = parseOrder((await account.post(url)).json());
  return before ? checkSame(before, order) : order;
}

/** Asks again and again, at growing intervals or as Retry-After says, while the order is in one of these states. */
async function pollOrder(account: Account, url: string, before: Order, states: string[]): Promise<Order> {
  const { now, sleep, progress } = account.transport.system;
  const deadline = +now() + pollTimeout;
  for (let interval = firstPoll;; interval = Math.min(interval * 2, slowestPoll)) {
    const reply = await account.post(url);
    const order = checkSame(before, parseOrder(reply.json()));
    if (!states.includes(order.status)) return order;
    const wait = Math.min(retryAfter(reply.headers, now()) ?? interval, longestWait);
    if (+now() + wait > deadline) {
      throw new PollTimeoutError(
        `The CA needs longer than ${pollTimeout / 60_000} minutes: the order is "${order.status}"`,
        {
          hint: "the next run takes up this order",
        },
      );
    }
    progress(`Waiting for the CA: the order is "${order.status}"`);
    await sleep(wait);
  }
}

/** RFC 8555 §7.1.3: what an order is for never changes. */
function checkSame(before: Order, now: Order): Order {
  const key = (order: Order) =>
    JSON.stringify([order.identifiers.map((each) => each.value).sort(), [...order.authorizations].sort()]);
  if (key(before) !== key(now)) throw new TransportError("The CA changed the order while it was under way");
  return now;
}

function sameNames(order: Order, domains: readonly string[]): boolean {
  const names = order.identifiers.map((each) => `${each.type}:${each.value}`).sort().join();
  return names === domains.map((name) => `dns:${name}`).sort().join();
}

async function explainFailure(account: Account, order: Order): Promise<AcmeError> {
  const reasons: string[] = [];
  let problem = order.error;
  for (const url of order.authorizations) {
    const authorization = parseAuthorization((await account.post(url)).json());
    const failed = authorization.challenges.find((each) => each.error)?.error;
    if (authorization.status === "valid" || authorization.status === "pending") continue;
    problem ??= failed;
    const why = failed
      ? describeProblem({ ...failed, identifier: undefined })
      : printable(authorization.status);
    reasons.push(`${printable(authorization.identifier.value)}: ${why}`);
  }
  if (reasons.length === 0) {
    reasons.push(order.error ? describeProblem(order.error) : `the order is ${order.status}`);
  }
  const found = problem ?? { type: "about:blank", detail: "", subproblems: [] };
  const isWebRoot = /:(unauthorized|connection|dns|incorrectResponse)$/.test(found.type);
  return new AcmeError(`The CA refused the order: ${reasons.join("; ")}`, found, {
    hint: isWebRoot
      ? "does the web server show challenge-dir as /.well-known/acme-challenge/ at that name, on port 80?"
      : undefined,
  });
}
