/** JSON Web Signatures as RFC 8555 §6.2 wants them. */
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
 * @param message the target URL exactly as the server gave it (RFC 8555 §6.4), a nonce, and the payload; without
 *   payload it is a POST-as-GET (§6.3), `{}` is the answer to a challenge (§7.5.1)
 * @returns the flattened JWS
 */
export async function signJws(
  signer: Signer,
  message: { url: string; nonce: string; payload?: object },
): Promise<Jws> {
  const { key, ...name } = signer;
  const alg = key.keyType.type === "rsa" ? "RS256" : `ES${key.keyType.length}`;
  const header = { alg, ...name, nonce: message.nonce, url: message.url };
  const encodedHeader = base64url(JSON.stringify(header));
  const payload = message.payload === undefined ? "" : base64url(JSON.stringify(message.payload));
  const signature = await sign(key, new TextEncoder().encode(`${encodedHeader}.${payload}`));
  return { protected: encodedHeader, payload, signature: base64url(signature) };
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
