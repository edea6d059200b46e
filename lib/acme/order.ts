/** The order flow of RFC 8555 §7.4: from names to a certificate. */
import { type FailedName, Failure, printable } from "../errors.ts";
import { authorize, look } from "./authorization.ts";
import type { Solver } from "./challenge.ts";
import type { Requester } from "./requester.ts";
import { describeProblem } from "./failure.ts";
import { base64url } from "./jws.ts";
import { checkProfile, newOrder, type OpenOrder, resume } from "./new_order.ts";
import type { NewOrder, Order } from "./objects.ts";
import { checkSame, poll } from "./poll.ts";
import { linksOf } from "./reply.ts";
import { parseOrder } from "./schemas.ts";

/** What to obtain. */
export interface OrderRequest {
  /** The order as it goes over the wire. */
  order: NewOrder;
  /** The certification request, DER; a promise lets a key be made while the CA validates. */
  csr: Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
  /** What answers challenges, the best first. */
  solvers: readonly Solver[];
  /** The URL of an order that an earlier run began: taken up unless it has come to nothing, or is for something else. */
  resume?: string;
  /** Called before any challenge is answered, so that a crash never costs a second order; without URL once the order has come
   * to nothing. */
  onOrder?(url?: string): void;
  /** Ends it all; each request has thirty seconds, whatever this says. */
  signal?: AbortSignal;
}

/** What came of an order. */
export interface Obtained {
  /** The chain as the CA sent it, PEM, unchecked. */
  chain: string;
  /** Where other chains are for the same certificate, RFC 8555 §7.4.2. */
  alternates: string[];
  /** The order as the CA has it in the end: with the profile that it chose. */
  order: Order;
  /** The order's URL. */
  url: string;
  /** Whether the certificate was issued for this request: an order that was `valid` from the beginning has an older one. */
  isNew: boolean;
}

/** Obtains a certificate.
 *
 * @param account who asks
 * @param request see {@link OrderRequest}
 * @returns the chain as the CA sent it, unchecked
 * @throws {Failure} `ca.challenge`: names could not be validated, each of which is in `failed`; `ca.slow`: the CA needs longer than
 *   five minutes, and the order can be resumed; any other: the CA refuses, breaks the protocol, or can't be reached
 */
export async function obtain(account: Requester, request: OrderRequest): Promise<Obtained> {
  const csr = Promise.resolve(request.csr);
  csr.catch(() => {}); // a key that can't be made is heard of where the request is needed
  const ca = within(account, request.signal);
  checkProfile(ca.connection.directory.meta, request.order.profile);
  const { url, order: first } = await resume(ca, request) ?? await newOrder(ca, request.order);
  request.onOrder?.(url);
  let order = first;
  let failed: FailedName[] = [];
  if (order.status === "pending") ({ order, failed } = await authorize(ca, { url, order }, request.solvers));
  if (order.status === "ready") order = await finalize(ca, { url, order }, await csr);
  if (order.status === "processing") order = await poll(ca, { url, order }, "processing");
  if (order.status === "valid") {
    const { text: chain, ...reply } = await ca.post(order.certificate);
    const alternates = linksOf({ text: chain, ...reply }, "alternate");
    return { chain, alternates, order, url, isNew: first.status !== "valid" };
  }
  request.onOrder?.();
  throw refusedOrder(
    order,
    failed.length > 0 ? failed : (await look(ca, order, order.authorizations)).failed,
  );
}

/** The same account, for as long as a signal lets it. */
const within = (account: Requester, signal?: AbortSignal): Requester => ({
  connection: account.connection,
  get thumbprint() {
    return account.thumbprint;
  },
  post: (url, payload) => account.post(url, payload, signal),
});

/** RFC 8555 §7.4: "Once the client believes it has fulfilled the server's requirements, it should send a POST request to the
 * order resource's finalize URL." Whatever is answered, the CA may have taken the request: only the order knows. */
async function finalize(ca: Requester, { url, order }: OpenOrder, csr: Uint8Array): Promise<Order> {
  try {
    const reply = await ca.post(order.finalize, { csr: base64url(csr) });
    return checkSame(order, parseOrder(reply.json()));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const now = checkSame(order, parseOrder((await ca.post(url)).json()));
    if (now.status === "ready" || now.status === "pending") throw error;
    return { ...now, error: now.error ?? error.about.problem };
  }
}

/** Chooses among the chains for a certificate, RFC 8555 §7.4.2.
 *
 * @param account who obtained it
 * @param obtained what the CA sent, and where it has others
 * @param issuer common name of the issuer of the topmost certificate
 * @returns the first chain that leads there; undefined: there is none
 * @throws {Failure} the CA refuses, or can't be reached
 */
export async function chainOf(
  account: Requester,
  { chain, alternates }: Obtained,
  issuer: string,
): Promise<string | undefined> {
  const { topmostIssuer } = await import("../x509/certificate.ts"); // ASN.1 is for those who choose
  const leadsThere = (text: string) => {
    try {
      return topmostIssuer(text) === issuer;
    } catch {
      return false; // what can't be read is no choice
    }
  };
  if (leadsThere(chain)) return chain;
  for (const url of alternates) {
    const { text } = await account.post(url);
    if (leadsThere(text)) return text;
  }
}

/** All that failed in one line; each name with the CA's own words. */
function refusedOrder({ status, error }: Order, failed: FailedName[]): Failure {
  const reasons = failed.map(({ name, problem }) =>
    `${printable(name)}: ${describeProblem({ ...problem, identifier: undefined })}`
  );
  if (reasons.length === 0) reasons.push(error ? describeProblem(error) : `the order is ${status}`);
  return new Failure(
    failed.length > 0 ? "ca.challenge" : "ca.refused",
    `The CA refused the order: ${reasons.join("; ")}`,
    { problem: error ?? failed[0]?.problem, failed },
  );
}
