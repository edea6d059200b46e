/** RFC 8555 §7.3: accounts. */
import { type Answer, type Call, json, problem, refusal } from "./answers.ts";
import { checkInner, thumbprint } from "./jws_check.ts";
import type { Account } from "./objects.ts";
import type { State } from "./state.ts";
import { settle } from "./validation.ts";

const show = ({ status, contact }: Account) => ({ status, contact });

/** §7.3, and §7.3.1 for a key that has an account. */
export function newAccount(state: State, { jwk, payload }: Call): Answer {
  const print = thumbprint(jwk!);
  const url = `${state.base}/account/${print}`;
  const known = [...state.accounts.values()].find((each) => each.thumbprint === print);
  if (known?.status === "deactivated") throw refusal(403, "unauthorized", "the account is deactivated");
  if (known) return json(show(known), 200, { location: known.url });
  if (payload?.onlyReturnExisting) throw refusal(400, "accountDoesNotExist", "no such account");
  if (payload?.termsOfServiceAgreed !== true) throw refusal(403, "userActionRequired", "agree to the terms");
  const account: Account = {
    url,
    jwk: jwk!,
    thumbprint: print,
    status: "valid",
    contact: payload.contact,
    createdAt: state.now(),
  };
  state.accounts.set(url, account);
  return json(show(account), 201, { location: url });
}

/** §7.3.2 and §7.3.6. */
export function account(state: State, call: Call): Answer {
  const own = call.account!;
  if (call.url !== own.url) throw refusal(403, "unauthorized", "another's account");
  if (call.payload?.contact) own.contact = call.payload.contact;
  if (call.payload?.status === "deactivated") {
    own.status = "deactivated";
    for (const each of state.authorizations.values()) {
      if (each.account === own.url && each.status === "pending") each.status = "deactivated";
    }
    settle(state);
  }
  return json(show(own));
}

/** §7.3.5. */
export function keyChange(state: State, call: Call): Answer {
  const own = call.account!;
  const { jwk, payload } = checkInner(state, call);
  if (payload.account !== own.url) throw state.wrong("keyChange for another account");
  if (thumbprint(payload.oldKey) !== own.thumbprint) throw state.wrong("oldKey is not the account's key");
  const print = thumbprint(jwk);
  const taken = [...state.accounts.values()].find((each) => each.thumbprint === print);
  if (taken) {
    return problem(409, "conflict", "the key has an account", { location: taken.url });
  }
  Object.assign(own, { jwk, thumbprint: print });
  return json(show(own));
}
