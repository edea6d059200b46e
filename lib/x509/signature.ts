/** Signatures of X.509: algorithms by their identifiers, and the forms that WebCrypto has not. */
import { AsnConvert } from "@peculiar/asn1-schema";
import { AlgorithmIdentifier, type SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import { ECDSASigValue, ECParameters } from "@peculiar/asn1-ecc";
import { RSAPublicKey, RsaSaPssParams } from "@peculiar/asn1-rsa";
import { type KeyPair, sign } from "./key.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Hash = "SHA-256" | "SHA-384" | "SHA-512";
interface Algorithm {
  name: "RSASSA-PKCS1-v1_5" | "RSA-PSS" | "ECDSA" | "Ed25519";
  hash?: Hash;
}

const rsaEncryption = "1.2.840.113549.1.1.1"; // RFC 4055 §1.2
const derNull = new Uint8Array([5, 0]).buffer;

/** RFC 4055 §5 and §3, RFC 5758 §3.2, RFC 8410 §3. */
const algorithms: Record<string, Algorithm> = {
  "1.2.840.113549.1.1.11": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "1.2.840.113549.1.1.12": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
  "1.2.840.113549.1.1.13": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512" },
  "1.2.840.113549.1.1.10": { name: "RSA-PSS" }, // hash and salt stand in its parameters
  "1.2.840.10045.4.3.2": { name: "ECDSA", hash: "SHA-256" },
  "1.2.840.10045.4.3.3": { name: "ECDSA", hash: "SHA-384" },
  "1.2.840.10045.4.3.4": { name: "ECDSA", hash: "SHA-512" },
  "1.3.101.112": { name: "Ed25519" },
};
const hashes: Record<string, Hash> = {
  "2.16.840.1.101.3.4.2.1": "SHA-256",
  "2.16.840.1.101.3.4.2.2": "SHA-384",
  "2.16.840.1.101.3.4.2.3": "SHA-512",
};
const curves: Record<string, { name: string; bytes: number }> = {
  "1.2.840.10045.3.1.7": { name: "P-256", bytes: 32 },
  "1.3.132.0.34": { name: "P-384", bytes: 48 },
  "1.3.132.0.35": { name: "P-521", bytes: 66 },
};

/** Signs a structure as X.509 does, with SHA-256 (SHA-384 for P-384).
 *
 * @param pair whose private key signs
 * @param der what is signed
 * @returns the signature and the name of its algorithm
 */
export async function signDer(
  pair: KeyPair,
  der: ArrayBuffer,
): Promise<{ signatureAlgorithm: AlgorithmIdentifier; signature: ArrayBuffer }> {
  const { type, length } = pair.keyType;
  const isRsa = type === "rsa";
  const [name, hash] = isRsa ? ["RSASSA-PKCS1-v1_5", "SHA-256"] : ["ECDSA", `SHA-${length}`];
  const [algorithm] = Object.entries(algorithms).find(([, each]) =>
    each.name === name && each.hash === hash
  )!;
  const signature = await sign(pair, new Uint8Array(der));
  return {
    signatureAlgorithm: new AlgorithmIdentifier({ algorithm, ...isRsa ? { parameters: derNull } : {} }),
    signature: isRsa ? signature.buffer : ecdsaToDer(signature),
  };
}

/** A signature with all that is needed to verify it. */
export interface Signed {
  algorithm: AlgorithmIdentifier;
  signature: Bytes;
  data: ArrayBuffer;
}

/** Whether {@link isSignedBy} knows an algorithm. */
export const isKnownAlgorithm = ({ algorithm }: AlgorithmIdentifier): boolean =>
  Object.hasOwn(algorithms, algorithm);

/** Verifies a signature.
 *
 * @param signed what was signed, and how
 * @param by the public key
 * @returns false where it is wrong, or where key and algorithm don't fit
 */
export async function isSignedBy(signed: Signed, by: SubjectPublicKeyInfo): Promise<boolean> {
  const { name, hash } = algorithms[signed.algorithm.algorithm];
  try {
    if (name === "Ed25519") return await verify(signed, by, { name });
    if (name === "ECDSA") return await verifyEcdsa(signed, by, hash!);
    if (name === "RSA-PSS") return await verifyPss(signed, by);
    // The runtime knows no RSA keys of more than 4096 bits.
    return modulusLength(by) > 4096
      ? await verifyLargeRsa(signed, by, hash!)
      : await verify(signed, by, { name, hash });
  } catch {
    return false;
  }
}

async function verify(
  { signature, data }: Signed,
  by: SubjectPublicKeyInfo,
  algorithm: { name: string; hash?: string; namedCurve?: string; saltLength?: number },
): Promise<boolean> {
  const key = await crypto.subtle.importKey("spki", AsnConvert.serialize(by), algorithm, false, ["verify"]);
  return await crypto.subtle.verify(algorithm, key, signature, data);
}

async function verifyEcdsa(signed: Signed, by: SubjectPublicKeyInfo, hash: Hash): Promise<boolean> {
  const curve = curves[AsnConvert.parse(by.algorithm.parameters!, ECParameters).namedCurve ?? ""];
  const signature = ecdsaFromDer(signed.signature, curve.bytes);
  return await verify({ ...signed, signature }, by, { name: "ECDSA", hash, namedCurve: curve.name });
}

/** RFC 4055 §3.1; the issuer's key may be for PSS only (§1.2), which WebCrypto can't import under that name. */
async function verifyPss(signed: Signed, by: SubjectPublicKeyInfo): Promise<boolean> {
  const { hashAlgorithm, saltLength } = AsnConvert.parse(signed.algorithm.parameters!, RsaSaPssParams);
  const hash = hashes[hashAlgorithm.algorithm];
  if (!hash) return false;
  const plain = AsnConvert.parse(AsnConvert.serialize(by), by.constructor as typeof SubjectPublicKeyInfo);
  plain.algorithm = new AlgorithmIdentifier({ algorithm: rsaEncryption, parameters: derNull });
  return await verify(signed, plain, { name: "RSA-PSS", hash, saltLength });
}

const rsaKey = (by: SubjectPublicKeyInfo) => {
  const { modulus, publicExponent } = AsnConvert.parse(by.subjectPublicKey, RSAPublicKey);
  return { n: toInteger(new Uint8Array(modulus)), e: toInteger(new Uint8Array(publicExponent)) };
};
const toInteger = (bytes: Uint8Array) => BigInt(`0x${bytes.toHex()}`);
const modulusLength = (by: SubjectPublicKeyInfo) => rsaKey(by).n.toString(2).length;

/** RSASSA-PKCS1-v1_5, RFC 8017 §8.2.2: what the signature opens to must be exactly the padded hash. */
async function verifyLargeRsa({ signature, data }: Signed, by: SubjectPublicKeyInfo, hash: Hash) {
  const { n, e } = rsaKey(by);
  if (e > 0xffffffffn || n.toString(2).length > 16_384) return false; // which would take for ever
  let [opened, base] = [1n, toInteger(signature)];
  if (base >= n) return false;
  for (let rest = e; rest > 0n; rest >>= 1n) {
    if (rest & 1n) opened = opened * base % n;
    base = base * base % n;
  }
  const digest = new Uint8Array(await crypto.subtle.digest(hash, data));
  const [oid] = Object.entries(hashes).find(([, each]) => each === hash)!;
  const algorithm = AsnConvert.serialize(new AlgorithmIdentifier({ algorithm: oid, parameters: derNull }));
  const info = `${new Uint8Array(algorithm).toHex()}04${byte(digest.length)}${digest.toHex()}`;
  const end = `0030${byte(info.length / 2)}${info}`;
  const length = Math.ceil(n.toString(16).length / 2);
  const expected = "0001" + "f".repeat(2 * length - 4 - end.length) + end;
  return opened.toString(16).padStart(2 * length, "0") === expected;
}

const byte = (value: number) => value.toString(16).padStart(2, "0");

/** WebCrypto's r‖s as the SEQUENCE that X.509 wants, RFC 3279 §2.2.3. */
function ecdsaToDer(signature: Bytes): ArrayBuffer {
  const half = signature.length / 2;
  const integer = (bytes: Bytes) => {
    const trimmed = bytes.slice(bytes.findIndex((each) => each !== 0));
    return trimmed[0] & 0x80 ? new Uint8Array([0, ...trimmed]).buffer : trimmed.buffer;
  };
  return AsnConvert.serialize(
    new ECDSASigValue({ r: integer(signature.slice(0, half)), s: integer(signature.slice(half)) }),
  );
}

/** The other way round. */
function ecdsaFromDer(der: Bytes, length: number): Bytes {
  const value = AsnConvert.parse(der, ECDSASigValue);
  if (new Uint8Array(AsnConvert.serialize(value)).toHex() !== der.toHex()) throw new TypeError("not DER");
  const signature = new Uint8Array(2 * length);
  [value.r, value.s].forEach((integer, i) => {
    const bytes = new Uint8Array(integer);
    if (bytes.slice(0, -length).some((each) => each !== 0)) {
      throw new TypeError("larger than the curve allows");
    }
    const fitting = bytes.slice(-length);
    signature.set(fitting, (i + 1) * length - fitting.length);
  });
  return signature;
}
