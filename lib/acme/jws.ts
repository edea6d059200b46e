/** JSON Web Signatures as RFC 8555 §6.2 wants them. */
import { Failure } from "../errors.ts";
import { type KeyPair, type PublicJwk, sign } from "../x509/key.ts";

/** Who signs: by key before the account is known, by account URL afterwards; never both, RFC 8555 §6.2. */
export type Signer =
  & { key: Pick<KeyPair, "privateKey" | "keyType"> }
  & ({ jwk: PublicJwk } | { kid: string });

/** A flattened JWS, RFC 7515 §7.2.2. */
export interface Jws {
  protected: string;
  payload: string;
  signature: string;
}

/** Signs one request to the CA.
 *
 * @param signer the account key, and how it is named
 * @param message the target URL exactly as the server gave it (RFC 8555 §6.4), a nonce (but for a JWS within another,
 *   §7.3.5), and the payload; without payload it is a POST-as-GET (§6.3), `{}` is the answer to a challenge (§7.5.1)
 * @returns the flattened JWS
 */
export async function signJws(
  signer: Signer,
  message: { url: string; nonce?: string; payload?: object },
): Promise<Jws> {
  const { key, ...name } = signer;
  const alg = key.keyType.type === "rsa" ? "RS256" : `ES${key.keyType.length}`;
  const header = { alg, ...name, nonce: message.nonce, url: message.url };
  return await makeJws(header, message.payload, (data) => sign(key, data));
}

/** What binds an account to one that the CA knows otherwise: RFC 8555 §7.3.4. */
export interface ExternalAccountBinding {
  /** The key identifier that the CA gave. */
  kid: string;
  /** The MAC key that the CA gave, base64url. */
  key: string;
  /** HS256 unless the CA says otherwise. */
  algorithm?: "HS256" | "HS384" | "HS512";
}

/** Signs the account's key with the MAC key, RFC 8555 §7.3.4.
 *
 * @param binding what the CA gave
 * @param jwk the account's public key
 * @param url the CA's newAccount
 * @returns the flattened JWS, which has no nonce
 */
export async function signBinding(
  { kid, key, algorithm = "HS256" }: ExternalAccountBinding,
  jwk: PublicJwk,
  url: string,
): Promise<Jws> {
  const bytes = readMacKey(key);
  const mac = { name: "HMAC", hash: `SHA-${algorithm.slice(2)}` };
  const macKey = await crypto.subtle.importKey("raw", bytes, mac, false, ["sign"]);
  const signMac = async (data: Bytes) => new Uint8Array(await crypto.subtle.sign(mac, macKey, data));
  return await makeJws({ alg: algorithm, kid, url }, jwk, signMac);
}

/** Some CAs give the key in the usual base64. */
function readMacKey(key: string): Bytes {
  try {
    return Uint8Array.fromBase64(key.trim().replaceAll("+", "-").replaceAll("/", "_"), {
      alphabet: "base64url",
    });
  } catch (cause) {
    throw new Failure("config.binding", "The key of the external account is not base64url", { cause });
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

async function makeJws(
  header: object,
  payload: object | undefined,
  sign: (data: Bytes) => Promise<Bytes>,
): Promise<Jws> {
  const encodedHeader = base64url(JSON.stringify(header));
  const encodedPayload = payload === undefined ? "" : base64url(JSON.stringify(payload));
  const signature = await sign(new TextEncoder().encode(`${encodedHeader}.${encodedPayload}`));
  return { protected: encodedHeader, payload: encodedPayload, signature: base64url(signature) };
}

/** The fingerprint of a public key, RFC 7638.
 *
 * @param jwk the public key
 * @returns SHA-256, base64url
 */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  // RFC 7638 §3.2: only the required members, in lexicographic order, without white space.
  const members = jwk.kty === "RSA"
    ? { e: jwk.e, kty: jwk.kty, n: jwk.n }
    : { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y };
  const bytes = new TextEncoder().encode(JSON.stringify(members));
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Encodes without padding, RFC 8555 §6.1.
 *
 * @param data bytes, or text to be encoded as UTF-8
 * @returns base64url
 */
export function base64url(data: Uint8Array | string): string {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
