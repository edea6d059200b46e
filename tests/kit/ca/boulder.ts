/** What Let's Encrypt's CA does that RFC 8555 leaves open. */
import { type Answer, json, refusal } from "./answers.ts";
import type { Issued, Order } from "./objects.ts";
import { own, showOrder } from "./orders.ts";
import type { Behaviour, State } from "./state.ts";

const hour = 3_600_000;
const day = 24 * hour;

const sameSet = (order: Order, identifiers: Order["identifiers"]) =>
  order.names.toSorted().join() === identifiers.map(({ value }) => value).toSorted().join();

/** The same names, account and profile get the order again that is under way. */
export const reusesOrders = (state: State): Behaviour => ({
  answer({ kind, account, payload }, next) {
    if (kind !== "newOrder") return next();
    const found = [...state.orders.values()].find((each) =>
      ["pending", "ready"].includes(each.status) && each.account === account!.url &&
      each.profile === payload.profile && sameSet(each, payload.identifiers)
    );
    return found ? json(showOrder(found), 201, { location: found.url }) : next();
  },
});

/** Orders come to nothing after so long: pending and ready ones become invalid.
 *
 * @param state the CA
 * @param lifetime milliseconds
 */
export const ordersExpire = (state: State, lifetime = 7 * day): Behaviour => ({
  answer(_call, next) {
    for (const order of state.orders.values()) {
      if (!["pending", "ready"].includes(order.status)) continue;
      if (+state.now() - +order.createdAt > lifetime) order.status = "invalid";
    }
    return next();
  },
});

/** RFC 9773 §5: what may be replaced, and once only; an order that is under way counts. */
export const checksReplaces = (state: State): Behaviour => ({
  answer({ kind, account, payload }, next) {
    if (kind !== "newOrder" || payload.replaces === undefined) return next();
    const { replaces, identifiers } = payload;
    const replaced = [...state.certificates.values()].find(({ certId }) => certId === replaces);
    if (!replaced) throw refusal(404, "malformed", "replaces: no such certificate");
    if (replaced.order.account !== account!.url) {
      throw refusal(403, "unauthorized", "replaces: another account's certificate");
    }
    if (!(identifiers as Order["identifiers"]).some(({ value }) => replaced.order.names.includes(value))) {
      throw refusal(400, "malformed", "replaces: a certificate for other names");
    }
    const taken = [...state.orders.values()].some((each) =>
      each.replaces === replaces && each.status !== "invalid"
    );
    if (taken) throw refusal(409, "alreadyReplaced", "replaces: another order does");
    return next();
  },
});

/** Renewal information as an answer.
 *
 * @param start of the window
 * @param end of the window
 * @param more `explanationURL`; `retryAfter` in seconds
 */
export const windowAnswer = (
  start: Date,
  end: Date,
  { explanationURL, retryAfter = 21_600 }: { explanationURL?: string; retryAfter?: number } = {},
): Answer =>
  json({ suggestedWindow: { start, end }, explanationURL }, 200, { "retry-after": String(retryAfter) });

/** At two thirds of the lifetime, half of it where that is short, give or take a hundredth; in the past if revoked. */
export function usualWindow(certificate: Issued, state: State): Answer {
  const ago = (ms: number) => new Date(+state.now() - ms);
  if (state.revocations.some((each) => each.certificate === certificate)) {
    return windowAnswer(ago(hour), ago(hour / 2));
  }
  const begin = +certificate.notBefore;
  const lifetime = +certificate.notAfter - begin;
  const middle = begin + lifetime * (lifetime < 10 * day ? 1 / 2 : 2 / 3);
  return windowAnswer(new Date(middle - lifetime / 100), new Date(middle + lifetime / 100));
}

/** The profiles of 2026. */
export const letsEncryptProfiles = {
  classic: { lifetime: 90 * day },
  tlsserver: { lifetime: 45 * day },
  shortlived: { lifetime: 160 * hour },
};

/** Everything above: Boulder as it is at Let's Encrypt. */
export function boulder(state: State): Behaviour[] {
  state.renewalInfo = usualWindow;
  state.profiles = letsEncryptProfiles;
  state.lifetime = letsEncryptProfiles.classic.lifetime;
  state.authorizationReuse = 30 * day;
  return [ordersExpire(state), reusesOrders(state), checksReplaces(state)];
}

/** Another chain, to another root: `Link: rel="alternate"`, RFC 8555 §7.4.2.
 *
 * @param state the CA
 * @param chain makes the other one
 */
export const alternateChain = (state: State, chain: (pem: string) => string): Behaviour => ({
  async answer(call, next) {
    if (call.kind !== "certificate") return await next();
    const main = call.url.replace(/\/alternate$/, "");
    const { order, pem } = state.find(state.certificates, main);
    own(state, order.url, call.account!.url);
    const link = `<${state.directory}>;rel="index", <${main}/alternate>;rel="alternate"`;
    const body = call.url === main ? (await next()).body : chain(pem);
    return { status: 200, headers: { "content-type": "application/pem-certificate-chain", link }, body };
  },
});
