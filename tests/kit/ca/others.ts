/** What CAs other than Let's Encrypt do, and what none should. */
import { createHmac } from "node:crypto";
import { json, problemType, refusal } from "./answers.ts";
import type { Jwk } from "./objects.ts";
import { findChallenge, own, showOrder } from "./orders.ts";
import type { Behaviour, State } from "./state.ts";
import { findFault, validate } from "./validation.ts";

/** As step-ca and Caddy: judges at once, and tells of a failure in the reply to the challenge, which stays pending and can
 * be answered again (RFC 8555 §8.2). */
export const answersInChallenge = (state: State): Behaviour => ({
  async answer({ kind, url, payload }, next) {
    if (kind !== "challenge" || payload === undefined) return await next();
    const { authorization, challenge } = findChallenge(state, url);
    const why = await findFault(state, authorization, challenge);
    if (why === undefined) {
      delete challenge.error;
      await validate(state, authorization, challenge);
    } else challenge.error = { type: problemType("connection"), detail: why };
    return json(challenge);
  },
});

/** Takes the request for a certificate, and never gives one. */
export const processesForEver = (state: State): Behaviour => ({
  answer({ kind, url, account }, next) {
    if (kind !== "finalize") return next();
    const order = own(state, url.replace("/finalize/", "/order/"), account!.url);
    order.status = "processing";
    return json(showOrder(order), 200, { location: order.url });
  },
});

/** Takes the answer to a challenge, and never looks. */
export const neverValidates = (state: State): Behaviour => ({
  answer: ({ kind, url, payload }, next) =>
    kind === "challenge" && payload !== undefined ? json(findChallenge(state, url).challenge) : next(),
});

/** External account binding, RFC 8555 §7.3.4.
 *
 * @param state the CA
 * @param keys by their identifiers, base64url
 */
export const requiresBinding = (state: State, keys: Record<string, string>): Behaviour => ({
  async answer({ kind, jwk, payload, url }, next) {
    if (kind === "directory") {
      const answer = await next();
      const directory = JSON.parse(String(answer.body));
      return json({ ...directory, meta: { ...directory.meta, externalAccountRequired: true } });
    }
    if (kind === "newAccount" && !payload.onlyReturnExisting) {
      checkBinding(state, payload.externalAccountBinding, { keys, jwk: jwk!, url });
    }
    return await next();
  },
});

interface Binding {
  protected: string;
  payload: string;
  signature: string;
}

function checkBinding(
  state: State,
  binding: Binding | undefined,
  { keys, jwk, url }: { keys: Record<string, string>; jwk: Jwk; url: string },
): void {
  if (!binding) throw refusal(403, "externalAccountRequired", "external account binding is required");
  const decode = (text: string) => JSON.parse(new TextDecoder().decode(bytes(text)));
  const header = decode(binding.protected);
  if ("nonce" in header) throw state.wrong("the binding has a nonce");
  if (header.url !== url) throw state.wrong(`the binding's url is "${header.url}"`);
  if (!/^HS(256|384|512)$/.test(header.alg)) throw state.wrong(`the binding's alg is "${header.alg}"`);
  const payload = decode(binding.payload);
  if (Object.keys(jwk).some((name) => payload[name] !== jwk[name]) || "d" in payload) {
    throw state.wrong("the binding is for another key");
  }
  const key = Object.hasOwn(keys, header.kid) ? keys[header.kid] : undefined;
  const made = key && createHmac(header.alg.replace("HS", "sha"), bytes(key))
    .update(`${binding.protected}.${binding.payload}`).digest("base64url");
  if (made !== binding.signature) {
    throw refusal(403, "unauthorized", "no such external account, or a wrong key");
  }
}

const bytes = (text: string) => Uint8Array.fromBase64(text, { alphabet: "base64url" });

/** Chains that link, but not in the straight way; for `ca.chain`. */
export const oddChains: Record<string, (pem: string[]) => string> = {
  "an issuer twice": ([leaf, ...issuers]) => [leaf, ...issuers, ...issuers].join(""),
  "the leaf twice": ([leaf, ...issuers]) => [leaf, leaf, ...issuers].join(""),
  "the leaf alone": ([leaf]) => leaf,
  "CRLF": (pem) => pem.join("").replaceAll("\n", "\r\n"),
  "blank lines": (pem) => pem.join("\n\n"),
};
