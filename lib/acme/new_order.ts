/** How an order begins: with profiles, and in the place of another certificate (RFC 8555 §7.4, RFC 9773 §5). */
import { Failure, printable } from "../errors.ts";
import type { Requester } from "./requester.ts";
import { problemName } from "./failure.ts";
import type { DirectoryMeta, NewOrder, Order } from "./objects.ts";
import { locationOf } from "./reply.ts";
import { parseOrder } from "./schemas.ts";

/** An order that is under way. */
export interface OpenOrder {
  url: string;
  order: Order;
}

/** Takes up an order that an earlier run began. */
export async function resume(
  ca: Requester,
  { resume: url, order: wanted }: { resume?: string; order: NewOrder },
): Promise<OpenOrder | undefined> {
  if (!url) return undefined;
  try {
    const order = parseOrder((await ca.post(url)).json());
    if (order.status !== "invalid" && isFor(order, wanted)) return { url, order };
  } catch (error) {
    // Refused for good: the CA doesn't know this order any more.
    if (!(error instanceof Failure) || error.kind !== "ca.refused" || error.isTemporary) throw error;
  }
}

/** RFC 8555 §7.4: "The client begins the certificate issuance process by sending a POST request to the server's newOrder
 * resource." */
export async function newOrder(ca: Requester, wanted: NewOrder): Promise<OpenOrder> {
  const { newOrder } = ca.connection.directory;
  const { replaces, ...alone } = wanted;
  const isReplacement = replaces !== undefined && ca.connection.directory.renewalInfo !== undefined;
  const send = () =>
    isReplacement
      ? ca.post(newOrder, wanted).catch((refusal) => {
        if (!mayComeFromReplaces(refusal)) throw refusal;
        return ca.post(newOrder, alone);
      })
      : ca.post(newOrder, alone);
  const [reply] = await Promise.all([send(), ca.connection.expect(wanted.identifiers.length)]);
  const order = parseOrder(reply.json());
  if (!isFor(order, wanted)) {
    throw new Failure("ca.protocol", "The CA's order is for something else than asked for");
  }
  return { url: ca.connection.own(locationOf(reply, "order")), order };
}

/** Refusals that `replaces` has nothing to do with, RFC 8555 §6.7. */
const otherRefusals = [
  "badNonce",
  "caa",
  "invalidProfile",
  "rateLimited",
  "rejectedIdentifier",
  "unsupportedIdentifier",
  "userActionRequired",
];

/** Whether an order may go through without `replaces`, RFC 9773 §5: it must never be what stops a renewal, and CAs refuse it in many
 * ways: 409, 404, 403, 400 and 500. */
const mayComeFromReplaces = (refusal: unknown): boolean =>
  refusal instanceof Failure && ["ca.refused", "ca.protocol", "ca.not-found"].includes(refusal.kind) &&
  !otherRefusals.includes(problemName(refusal) ?? "");

/** Profiles are strict: an order that would get another one is not made.
 *
 * @throws {Failure} the CA advertises no such profile
 */
export function checkProfile({ profiles }: DirectoryMeta, profile?: string): void {
  if (profile === undefined || Object.hasOwn(profiles, profile)) return;
  const known = Object.entries(profiles).map(([name, about]) => about ? `${name} (${about})` : name);
  const has = known.length > 0 ? `it has ${printable(known.join(", "), 1000)}` : "it has none";
  throw new Failure("config.profile", `The CA has no profile "${printable(profile)}": ${has}`);
}

/** An order that says which profile it has has to have the one that is wanted. */
function isFor(order: Order, wanted: NewOrder): boolean {
  const names = ({ identifiers }: NewOrder) =>
    identifiers.map(({ type, value }) => `${type}:${value}`).sort().join();
  const isOther = wanted.profile !== undefined && order.profile !== undefined &&
    order.profile !== wanted.profile;
  return names(order) === names(wanted) && !isOther;
}
