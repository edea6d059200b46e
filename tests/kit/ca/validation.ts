/** How a challenge is judged, RFC 8555 §8. */
import { problemType } from "./answers.ts";
import type { Authorization, Challenge, Order } from "./objects.ts";
import type { State } from "./state.ts";

/** Looks for the answer to a challenge.
 *
 * @returns what is wrong with it
 */
export type Validator = (
  asked: { name: string; token: string; keyAuthorization: string },
) => string | undefined | Promise<string | undefined>;

/** http-01: looks for a file in the web root. */
export const webRoot = (folder: string): Validator => async ({ token, keyAuthorization }) => {
  const found = await Deno.readTextFile(`${folder}/${token}`).catch(() => undefined);
  if (found === undefined) return "no such file";
  return found === keyAuthorization ? undefined : "wrong content";
};

/** Judges a challenge, and what depends on it.
 *
 * @param state the CA
 * @param authorization whose challenge was answered
 * @param challenge which of them
 */
export async function validate(
  state: State,
  authorization: Authorization,
  challenge: Challenge,
): Promise<void> {
  if (authorization.status !== "pending") return; // answered twice, judged once
  const why = await findFault(state, authorization, challenge);
  if (authorization.status !== "pending") return; // given up meanwhile
  authorization.status = challenge.status = why === undefined ? "valid" : "invalid";
  if (why === undefined) authorization.validatedAt = state.now();
  else challenge.error = { type: problemType("unauthorized"), detail: why };
  for (const each of state.behaviours) each.validated?.(authorization);
  settle(state);
}

/** What is wrong with the answer to a challenge. */
export async function findFault(
  state: State,
  { identifier, account }: Authorization,
  { type, token }: Challenge,
): Promise<string | undefined> {
  const keyAuthorization = `${token}.${state.accounts.get(account)!.thumbprint}`;
  return await state.validators[type]({ name: identifier.value, token, keyAuthorization });
}

/** Brings pending orders to what their authorizations say, RFC 8555 §7.1.6. */
export function settle(state: State): void {
  for (const order of state.orders.values()) {
    if (order.status === "pending") order.status = statusOf(state, order);
  }
}

function statusOf(state: State, order: Order): string {
  const statuses = order.authorizations.map((url) => state.authorizations.get(url)!.status);
  if (statuses.every((each) => each === "valid")) return "ready";
  return statuses.every((each) => each === "valid" || each === "pending") ? "pending" : "invalid";
}
