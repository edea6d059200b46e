/** Asking again and again, RFC 8555 §7.5.1, at intervals that grow: never faster, whatever the CA says, and slower where it asks
 * for that (Retry-After). */
import { Failure } from "../errors.ts";
import type { Requester } from "./requester.ts";
import type { Network } from "./network.ts";
import type { Order } from "./objects.ts";
import { type Reply, retryAfter } from "./reply.ts";
import { parseOrder } from "./schemas.ts";

const pollTimeout = 300_000;
const firstPoll = 25;
const slowestPoll = 5_000;
const longestWait = 60_000;

/** Waits that grow, up to a time in all; what counts is what was waited, so that no clock that is set can change it. */
export class Waits {
  #interval: number;
  #left: number;

  constructor(
    readonly network: Pick<Network, "now" | "sleep">,
    options: { first?: number; inAll?: number } = {},
  ) {
    this.#interval = options.first ?? firstPoll;
    this.#left = options.inAll ?? pollTimeout;
  }

  /** Waits, and returns true; or the time is over.
   *
   * @param reply may ask for a longer wait
   */
  async next(reply?: Reply): Promise<boolean> {
    const asked = reply ? retryAfter(reply.headers, this.network.now()) ?? 0 : 0;
    const wait = Math.min(Math.max(asked, this.#interval), longestWait);
    this.#interval = Math.min(this.#interval * 2, slowestPoll);
    this.#left -= wait;
    if (this.#left < 0) return false;
    await this.network.sleep(wait);
    return true;
  }
}

/** Asks for an order as long as it is in one state.
 *
 * @param ca who asks
 * @param open the order, and its URL
 * @param status the state that it is to leave
 * @returns the order in another state
 * @throws {Failure} `ca.slow`: it stays there for five minutes
 */
export async function poll(
  ca: Requester,
  { url, order: before }: { url: string; order: Order },
  status: "pending" | "processing",
): Promise<Order> {
  const { network } = ca.connection;
  for (const waits = new Waits(network);;) {
    const reply = await ca.post(url);
    const order = checkSame(before, parseOrder(reply.json()));
    if (order.status !== status) return order;
    network.progress(`Waiting for the CA: the order is "${status}"`);
    if (!await waits.next(reply)) {
      const minutes = pollTimeout / 60_000;
      throw new Failure("ca.slow", `The CA needs longer than ${minutes} minutes: the order is "${status}"`);
    }
  }
}

/** RFC 8555 §7.1.3: what an order is for never changes. */
export function checkSame(before: Order, now: Order): Order {
  const key = ({ identifiers, authorizations }: Order) =>
    JSON.stringify([identifiers.map(({ value }) => value).sort(), [...authorizations].sort()]);
  if (key(before) === key(now)) return now;
  throw new Failure("ca.protocol", "The CA changed the order while it was under way");
}
