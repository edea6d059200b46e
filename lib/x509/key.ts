/** Key pairs: RSA and ECDSA, by WebCrypto. */
import { encodePem } from "./pem.ts";

/** What kind of key: RSA with 2048, 3072 or 4096 bits, ECDSA on P-256 or P-384. */
export type KeyType = { type: "rsa" | "ecdsa"; length: number };

/** A private key with what is derived from it. */
export interface KeyPair {
  /** What signs. */
  privateKey: CryptoKey;
  /** SubjectPublicKeyInfo, DER, RFC 5280 §4.1.2.7. */
  publicKey: Uint8Array<ArrayBuffer>;
  /** The public key as a JWK with only the required members, RFC 7638 §3.2. */
  jwk: PublicJwk;
  /** RSA or ECDSA, and the length in bits. */
  keyType: KeyType;
}

/** The members that RFC 7638 §3.2 requires, in their order. */
export type PublicJwk = { crv: string; kty: "EC"; x: string; y: string } | {
  e: string;
  kty: "RSA";
  n: string;
};

/** Makes a new key pair.
 *
 * @param keyType RSA or ECDSA and the length in bits
 * @returns the pair; its private key can be exported
 */
export async function generateKey(keyType: KeyType): Promise<KeyPair> {
  const algorithm = keyType.type === "rsa"
    ? {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: keyType.length,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    }
    : { name: "ECDSA", namedCurve: `P-${keyType.length}` };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  return await toKeyPair(privateKey);
}

/** The private key as a file holds it.
 *
 * @param pair a key pair
 * @returns PKCS#8 in PEM (`PRIVATE KEY`), RFC 5958
 */
export async function exportKey(pair: KeyPair): Promise<string> {
  return encodePem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)));
}

/** The name by which the rest of the program knows a public key.
 *
 * @param publicKey SubjectPublicKeyInfo, DER
 * @returns its SHA-256 in lower-case hex: also the data of a `3 1 1` TLSA record, RFC 6698 §2.1
 */
export const keyIdOf = (publicKey: Uint8Array<ArrayBuffer>): Promise<string> => sha256(publicKey);

/** SHA-256 (FIPS 180-4) in lower-case hex. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Signs bytes with SHA-256 (SHA-384 for P-384), as JWS and X.509 want it.
 *
 * @param pair whose private key signs
 * @param data what is signed
 * @returns RSA: PKCS#1 v1.5; ECDSA: r and s side by side, RFC 7518 §3.4
 */
export async function sign(
  pair: Pick<KeyPair, "privateKey" | "keyType">,
  data: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = pair.keyType.type === "rsa"
    ? "RSASSA-PKCS1-v1_5"
    : { name: "ECDSA", hash: `SHA-${pair.keyType.length}` };
  return new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, data));
}

/** Derives what a private key is known by.
 *
 * @param privateKey RSA, or ECDSA on P-256 or P-384; exportable
 * @returns the pair
 */
export async function toKeyPair(privateKey: CryptoKey): Promise<KeyPair> {
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", privateKey);
  const jwk: PublicJwk = kty === "RSA"
    ? { e: e!, kty: "RSA", n: n! }
    : { crv: crv!, kty: "EC", x: x!, y: y! };
  const algorithm = kty === "RSA"
    ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
    : { name: "ECDSA", namedCurve: crv! };
  const verifier = await crypto.subtle.importKey("jwk", { ...jwk }, algorithm, true, ["verify"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", verifier));
  const keyType: KeyType = kty === "RSA"
    ? { type: "rsa", length: (privateKey.algorithm as RsaHashedKeyAlgorithm).modulusLength }
    : { type: "ecdsa", length: crv === "P-384" ? 384 : 256 };
  return { privateKey, publicKey, jwk, keyType };
}
