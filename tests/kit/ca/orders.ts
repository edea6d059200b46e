/** RFC 8555 §7.4 and §7.5: orders, authorizations, challenges. */
import { type Answer, type Call, json, refusal } from "./answers.ts";
import type { Authorization, Identifier, Order } from "./objects.ts";
import type { State } from "./state.ts";
import { settle, validate } from "./validation.ts";

/** An order as the client sees it. */
export const showOrder = (order: Order) => ({
  status: order.status,
  identifiers: order.identifiers,
  authorizations: order.authorizations,
  finalize: order.url.replace("/order/", "/finalize/"),
  certificate: order.certificate,
  profile: order.profile,
  replaces: order.replaces,
  error: order.error,
});

const showAuthorization = ({ identifier, status, wildcard, challenges }: Authorization) => ({
  identifier,
  status,
  wildcard,
  challenges: status === "valid" ? challenges.filter((each) => each.status === "valid") : challenges,
});

/** §7.4. */
export function newOrder(state: State, { account, payload }: Call): Answer {
  const identifiers = payload.identifiers as Identifier[];
  const { profile, replaces } = payload;
  if (replaces !== undefined && !state.renewalInfo) throw state.wrong("replaces, but no renewal information");
  if (profile !== undefined && !(profile in (state.profiles ?? {}))) {
    throw refusal(400, "invalidProfile", `no profile "${profile}"`);
  }
  const url = `${state.base}/order/${state.id()}`;
  const order: Order = {
    url,
    account: account!.url,
    status: "pending",
    identifiers,
    names: identifiers.map(({ value }) => value),
    profile,
    replaces,
    authorizations: identifiers.map((each) => authorize(state, account!.url, each).url),
    createdAt: state.now(),
  };
  state.orders.set(url, order);
  settle(state);
  return json(showOrder(order), 201, { location: url });
}

/** One that was passed lately, or a new one. */
function authorize(state: State, account: string, { type, value }: Identifier): Authorization {
  const wildcard = value.startsWith("*.") || undefined;
  const name = value.replace(/^\*\./, "");
  const since = +state.now() - state.authorizationReuse;
  const passed = [...state.authorizations.values()].find((each) =>
    each.account === account && each.identifier.value === name && each.wildcard === wildcard &&
    each.status === "valid" && +each.validatedAt! > since
  );
  if (passed && state.authorizationReuse > 0) return passed;
  const id = state.id();
  const status = state.known.includes(value) ? "valid" : "pending";
  // One token for all of them, as Boulder does it.
  const token = state.token(name);
  const types = Object.keys(state.validators).filter((each) => !wildcard || each.startsWith("dns-"));
  const authorization: Authorization = {
    url: `${state.base}/authorization/${id}`,
    account,
    status,
    identifier: { type, value: name },
    wildcard,
    challenges: types.map((type) => ({ type, url: `${state.base}/challenge/${id}/${type}`, status, token })),
    validatedAt: status === "valid" ? state.now() : undefined,
  };
  state.authorizations.set(authorization.url, authorization);
  return authorization;
}

/** §7.4. */
export const order = (state: State, { url, account }: Call): Answer =>
  json(showOrder(own(state, url, account!.url)));

/** An order that belongs to an account. */
export function own(state: State, url: string, account: string): Order {
  const order = state.find(state.orders, url);
  if (order.account !== account) throw refusal(403, "unauthorized", "another account's order");
  return order;
}

/** §7.5, and §7.5.2 for one that is given up. */
export function authorization(state: State, { url, payload }: Call): Answer {
  const found = state.find(state.authorizations, url);
  if (payload?.status === "deactivated") {
    found.status = "deactivated";
    settle(state);
  }
  return json(showAuthorization(found));
}

/** The challenge of a URL, and the authorization that it belongs to. */
export function findChallenge(state: State, url: string) {
  const found = state.find(
    state.authorizations,
    url.replace("/challenge/", "/authorization/").replace(/\/[^/]*$/, ""),
  );
  const challenge = found.challenges.find((each) => each.url === url);
  if (!challenge) throw refusal(404, "malformed", "no such challenge");
  return { authorization: found, challenge };
}

/** §7.5.1: an empty object answers it, an empty payload only looks. */
export async function challenge(state: State, { url, payload }: Call): Promise<Answer> {
  const { authorization, challenge } = findChallenge(state, url);
  if (payload !== undefined) await state.later(() => validate(state, authorization, challenge));
  return json(challenge);
}
