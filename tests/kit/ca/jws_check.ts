/** Checks a request as RFC 8555 §6 wants it, without a line of the program under test. */
import { createHash, createPublicKey, verify } from "node:crypto";
import { type Call, refusal } from "./answers.ts";
import type { Account, Jwk, RequestKind } from "./objects.ts";
import type { State } from "./state.ts";

/** What stands in a request. */
interface Received {
  kind: RequestKind;
  url: string;
  text: string;
}

interface Header {
  alg?: string;
  nonce?: string;
  url?: string;
  jwk?: Jwk;
  kid?: string;
}

/** The fingerprint of a public key, RFC 7638. */
export function thumbprint(jwk: Jwk): string {
  const members = jwk.kty === "RSA" ? ["e", "kty", "n"] : ["crv", "kty", "x", "y"];
  const canonical = JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])));
  return createHash("sha256").update(canonical).digest("base64url");
}

/** The SHA-256 of the SubjectPublicKeyInfo, hex. */
export const keyIdOf = (jwk: Jwk): string =>
  createHash("sha256").update(
    createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "der" }),
  )
    .digest("hex");

/** Checks nonce, URL, who signs and the signature; what no correct client sends is a violation.
 *
 * @param state the CA
 * @param received the request
 * @throws {Refusal} it is not to be answered
 */
export function checkRequest(state: State, { kind, url, text }: Received): Call {
  const { header, payload, jws } = parse(state, text);
  if (!state.nonces.delete(header.nonce ?? "")) throw refusal(400, "badNonce", "unknown nonce");
  if (header.url !== url) throw state.wrong(`url is "${header.url}", the request went to "${url}"`);
  const account = findAccount(state, kind, header);
  const jwk = header.jwk ?? account!.jwk;
  checkSignature(state, jws, header, jwk);
  if (account && account.status !== "valid") {
    throw refusal(403, "unauthorized", `the account is ${account.status}`);
  }
  return { kind, url, account, jwk, payload };
}

/** The request inside a request that changes the account key, RFC 8555 §7.3.5. */
export function checkInner(
  state: State,
  call: Call,
): { jwk: Jwk; payload: { account: string; oldKey: Jwk } } {
  const { header, payload, jws } = parse(state, JSON.stringify(call.payload));
  if (!header.jwk || header.kid) throw state.wrong("the inner JWS names its key by jwk");
  if (header.nonce !== undefined) throw state.wrong("the inner JWS has a nonce");
  if (header.url !== call.url) throw state.wrong(`the inner url is "${header.url}"`);
  checkSignature(state, jws, header, header.jwk);
  return { jwk: header.jwk, payload };
}

function parse(state: State, text: string) {
  const jws = JSON.parse(text) as Record<"protected" | "payload" | "signature", string>;
  for (const part of [jws.protected, jws.payload, jws.signature]) {
    if (!/^[\w-]*$/.test(part)) throw state.wrong("base64url with padding or other characters");
  }
  const header = JSON.parse(decode(jws.protected)) as Header;
  return { jws, header, payload: jws.payload === "" ? undefined : JSON.parse(decode(jws.payload)) };
}

/** RFC 8555 §6.2: by key where the account is not known yet or the certificate's key signs, by its URL elsewhere. */
function findAccount(state: State, kind: RequestKind, header: Header): Account | undefined {
  if ((header.jwk === undefined) === (header.kid === undefined)) throw state.wrong("jwk and kid, or neither");
  if (header.kid === undefined) {
    if (kind !== "newAccount" && kind !== "revokeCert") throw state.wrong(`jwk in a request for ${kind}`);
    return undefined;
  }
  if (kind === "newAccount") throw state.wrong("kid in a request for newAccount");
  const account = state.accounts.get(header.kid);
  if (!account) throw refusal(400, "accountDoesNotExist", "no such account");
  return account;
}

const hashes: Record<string, string> = { RS256: "sha256", ES256: "sha256", ES384: "sha384" };
const curves: Record<string, string> = { ES256: "P-256", ES384: "P-384" };

function checkSignature(
  state: State,
  jws: { protected: string; payload: string; signature: string },
  { alg = "" }: Header,
  jwk: Jwk,
): void {
  if (!(alg in hashes) || jwk.crv !== curves[alg]) throw state.wrong(`alg "${alg}" does not fit the key`);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const signed = new TextEncoder().encode(`${jws.protected}.${jws.payload}`);
  const signature = Uint8Array.fromBase64(jws.signature, { alphabet: "base64url" });
  if (!verify(hashes[alg], signed, { key, dsaEncoding: "ieee-p1363" }, signature)) {
    throw state.wrong("the signature is not valid");
  }
}

const decode = (text: string) =>
  new TextDecoder().decode(Uint8Array.fromBase64(text, { alphabet: "base64url" }));
