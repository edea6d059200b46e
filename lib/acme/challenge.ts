/** Challenges, RFC 8555 §8, and the contract of what answers them. */
import { Failure, printable } from "../errors.ts";
import type { Name } from "../x509/name.ts";
import type { Requester } from "./requester.ts";
import { base64url } from "./jws.ts";
import type { Authorization, Challenge } from "./objects.ts";
import { Waits } from "./poll.ts";
import type { Reply } from "./reply.ts";
import { parseAuthorization, readChallenge } from "./schemas.ts";

/** A challenge that is to be answered. */
export interface Presented {
  /** What is to be validated: without `*.`, also where it stands for all names below. */
  name: Name;
  /** Whether it stands for all names below. */
  isWildcard: boolean;
  /** The challenge as the CA sent it. */
  challenge: Challenge;
  /** Letters, digits, `-` and `_` alone, so that it may become a file name; empty for types that have none. */
  token: string;
  /** Proves who asks, RFC 8555 §8.1; empty for types that have no token. */
  keyAuthorization: string;
}

/** Answers one type of challenge.
 *
 * An order's challenges of that type come all together. `present` returns when the CA may look at them: it may wait until
 * what it published is visible everywhere. Only then the CA is told. `remove` is called once none of them is looked at any more,
 * whatever became of the order, and also where `present` failed halfway; what it throws is not heard of before the order's
 * own failure.
 */
export interface Solver {
  /** Such as `http-01`, RFC 8555 §8.3, or `dns-01`, §8.4. */
  readonly type: string;
  /** Shows what the CA is to see. */
  present(challenges: readonly Presented[]): Promise<void>;
  /** Takes it away again. */
  remove(challenges: readonly Presented[]): Promise<void>;
}

/** How long a challenge that failed for now is answered again: step-ca and Caddy judge at once (RFC 8555 §8.2). */
const retryTimes = { first: 1000, inAll: 30_000 };
/** How long an authorization is looked at, where nobody knows whether the CA has heard the answer to its challenge. */
const doubtTimes = { first: 250, inAll: 10_000 };
/** Types that are answered without a token. */
const tokenless = ["dns-persist-01"];

/** Chooses the challenge to answer: the first solver that the CA offers something for (RFC 8555 §7.5.1).
 *
 * @param authorization what is to be validated
 * @param solvers what there is to answer with, the best first
 * @param thumbprint of the account key, RFC 8555 §8.1
 * @returns the solver, and its challenge
 * @throws {Failure} there is none, or the token is unusable: it is rejected, never rewritten (§8.3)
 */
export function choose(
  { identifier, wildcard = false, challenges }: Authorization,
  solvers: readonly Solver[],
  thumbprint: string,
): { solver: Solver; presented: Presented } {
  const name = identifier.value;
  const found = (solver: Solver, status?: string) =>
    challenges.find((each) => each.type === solver.type && (!status || each.status === status));
  const solver = solvers.find((each) => found(each));
  if (!solver) {
    const types = solvers.map(({ type }) => type).join(" or ");
    throw new Failure("ca.protocol", `The CA offers no ${types} challenge for ${printable(name)}`);
  }
  const challenge = found(solver, "pending") ?? found(solver)!;
  const base = { name, isWildcard: wildcard, challenge };
  if (tokenless.includes(solver.type)) {
    return { solver, presented: { ...base, token: "", keyAuthorization: "" } };
  }
  const { token = "" } = challenge;
  if (!/^[A-Za-z0-9_-]{16,128}$/.test(token)) {
    throw new Failure("ca.protocol", `The CA sent an unusable challenge token for ${printable(name)}`);
  }
  return { solver, presented: { ...base, token, keyAuthorization: `${token}.${thumbprint}` } };
}

/** What the TXT record of a dns-01 challenge holds, RFC 8555 §8.4.
 *
 * @param keyAuthorization of the challenge
 * @returns its SHA-256, base64url
 */
export async function txtValueOf(keyAuthorization: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(keyAuthorization));
  return base64url(new Uint8Array(digest));
}

/** Tells the CA to look, RFC 8555 §7.5.1.
 *
 * @param ca who asks
 * @param authorization its URL
 * @param challenge what is shown now
 * @returns the challenge, if the CA said at once that it failed
 * @throws {Failure} the CA could not be told
 */
export async function answer(
  ca: Requester,
  authorization: string,
  challenge: Challenge,
): Promise<Challenge | undefined> {
  for (const waits = new Waits(ca.connection.network, retryTimes);;) {
    const { now, reply } = await respond(ca, authorization, challenge);
    const isToRepeat = now?.status === "pending" && now.error !== undefined;
    if (isToRepeat && await waits.next(reply)) continue;
    return isToRepeat || now?.status === "invalid" ? now : undefined;
  }
}

/** RFC 8555 §7.5.1: "by sending an empty JSON body ("{}") carried in a POST request to the challenge URL"; where that is
 * refused, the CA may have taken it already. */
async function respond(
  ca: Requester,
  authorization: string,
  { url }: Challenge,
): Promise<{ now?: Challenge; reply?: Reply }> {
  try {
    const reply = await ca.post(url, {});
    return { now: readChallenge(reply.json()), reply };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const isDoubtful = error.kind !== "ca.refused" || error.isTemporary;
    for (const waits = new Waits(ca.connection.network, doubtTimes);;) {
      const reply = await ca.post(authorization).catch(() => {
        throw error;
      });
      const { status, challenges } = parseAuthorization(reply.json());
      const now = challenges.find((each) => each.url === url);
      if (status !== "pending" || now && now.status !== "pending") return { now };
      if (!isDoubtful || !await waits.next(reply)) throw error;
    }
  }
}
