/** Key pairs: RSA and ECDSA, generated and read with WebCrypto. */
import { AsnConvert } from "@peculiar/asn1-schema";
import { AlgorithmIdentifier } from "@peculiar/asn1-x509";
import { PrivateKey, PrivateKeyInfo } from "@peculiar/asn1-pkcs8";
import { ECParameters, ECPrivateKey, id_ecPublicKey, id_secp256r1, id_secp384r1 } from "@peculiar/asn1-ecc";
import { encodePem, readPem } from "./pem.ts";

/** What kind of key: RSA with 2048, 3072 or 4096 bits, ECDSA on P-256 or P-384. */
export type KeyType = { type: "rsa" | "ecdsa"; length: number };

/** A private key with what is derived from it. */
export interface KeyPair {
  privateKey: CryptoKey;
  /** SubjectPublicKeyInfo, DER, RFC 5280 §4.1.2.7. */
  spki: Uint8Array<ArrayBuffer>;
  /** The public key as a JWK with only the required members, RFC 7638 §3.2. */
  jwk: PublicJwk;
  keyType: KeyType;
}

/** The members that RFC 7638 §3.2 requires, in their order. */
export type PublicJwk = { crv: string; kty: "EC"; x: string; y: string } | {
  e: string;
  kty: "RSA";
  n: string;
};

/** A private key, but none that a certificate line can use; what is merely damaged is a plain `TypeError`. */
export class UnsupportedKeyError extends TypeError {}

const rsaEncryption = "1.2.840.113549.1.1.1";
const derNull = new Uint8Array([5, 0]).buffer;

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
  return derive(privateKey);
}

/** Reads a private key: PKCS#8, PKCS#1 (RSA) or SEC1 (EC), as the files of other programs have them.
 *
 * @param text PEM; other text and an `EC PARAMETERS` block may stand beside the key
 * @returns the pair
 * @throws {UnsupportedKeyError} two keys, an encrypted key, or one of a kind that no CA takes
 * @throws {TypeError} no key, or a damaged one
 */
export async function importKey(text: string): Promise<KeyPair> {
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type:.*ENCRYPTED/.test(text)) {
    throw new UnsupportedKeyError("the key is encrypted; this tool needs an unencrypted key");
  }
  const keys = readPem(text).blocks.filter((block) => block.label.endsWith("PRIVATE KEY"));
  if (keys.length === 0) throw new TypeError("no private key in PEM form");
  if (keys.length > 1) throw new UnsupportedKeyError(`${keys.length} private keys in one file`);
  try {
    return await importDer(keys[0].label, keys[0].der);
  } catch (cause) {
    if (cause instanceof UnsupportedKeyError) throw cause;
    throw new TypeError("the private key is damaged", { cause });
  }
}

async function importDer(label: string, encoded: Uint8Array<ArrayBuffer>): Promise<KeyPair> {
  const info = toPkcs8(label, encoded);
  const algorithm = info.privateKeyAlgorithm;
  const der = AsnConvert.serialize(info);
  if (algorithm.algorithm === rsaEncryption) {
    return derive(
      await crypto.subtle.importKey("pkcs8", der, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, true, [
        "sign",
      ]),
    );
  }
  const curve = algorithm.algorithm === id_ecPublicKey && algorithm.parameters
    ? AsnConvert.parse(algorithm.parameters, ECParameters).namedCurve
    : undefined;
  const namedCurve = curve === id_secp256r1 ? "P-256" : curve === id_secp384r1 ? "P-384" : undefined;
  if (!namedCurve) throw new UnsupportedKeyError("the key is neither RSA nor ECDSA on P-256 or P-384");
  return derive(await crypto.subtle.importKey("pkcs8", der, { name: "ECDSA", namedCurve }, true, ["sign"]));
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
 * @param spki SubjectPublicKeyInfo, DER
 * @returns SHA-256 in lower-case hex: also the data of a `3 1 1` TLSA record, RFC 6698 §2.1
 */
export const spkiHash = (spki: Uint8Array<ArrayBuffer>): Promise<string> => sha256(spki);

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
export async function sign(pair: Pick<KeyPair, "privateKey" | "keyType">, data: Uint8Array<ArrayBuffer>) {
  const algorithm = pair.keyType.type === "rsa"
    ? "RSASSA-PKCS1-v1_5"
    : { name: "ECDSA", hash: `SHA-${pair.keyType.length}` };
  return new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, data));
}

async function derive(privateKey: CryptoKey): Promise<KeyPair> {
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", privateKey);
  const jwk: PublicJwk = kty === "RSA"
    ? { e: e!, kty: "RSA", n: n! }
    : { crv: crv!, kty: "EC", x: x!, y: y! };
  const algorithm = kty === "RSA"
    ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
    : { name: "ECDSA", namedCurve: crv! };
  const publicKey = await crypto.subtle.importKey("jwk", { ...jwk }, algorithm, true, ["verify"]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  const keyType: KeyType = kty === "RSA"
    ? { type: "rsa", length: (privateKey.algorithm as RsaHashedKeyAlgorithm).modulusLength }
    : { type: "ecdsa", length: crv === "P-384" ? 384 : 256 };
  return { privateKey, spki, jwk, keyType };
}

function toPkcs8(label: string, der: Uint8Array<ArrayBuffer>): PrivateKeyInfo {
  if (label === "PRIVATE KEY") return AsnConvert.parse(der, PrivateKeyInfo);
  if (label === "RSA PRIVATE KEY") {
    return new PrivateKeyInfo({
      privateKeyAlgorithm: new AlgorithmIdentifier({ algorithm: rsaEncryption, parameters: derNull }),
      privateKey: new PrivateKey(der),
    });
  }
  if (label !== "EC PRIVATE KEY") throw new UnsupportedKeyError(`a key of the kind "${label}" is not usable`);
  const { parameters } = AsnConvert.parse(der, ECPrivateKey);
  return new PrivateKeyInfo({
    privateKeyAlgorithm: new AlgorithmIdentifier({
      algorithm: id_ecPublicKey,
      parameters: parameters && AsnConvert.serialize(parameters),
    }),
    privateKey: new PrivateKey(der),
  });
}
