/** Private keys as files hold them: PKCS#8, PKCS#1 and SEC1, RFC 5958, RFC 8017 §A.1.2 and RFC 5915. */
import { AsnConvert } from "@peculiar/asn1-schema";
import { AlgorithmIdentifier } from "@peculiar/asn1-x509";
import { PrivateKey, PrivateKeyInfo } from "@peculiar/asn1-pkcs8";
import { RSAPrivateKey } from "@peculiar/asn1-rsa";
import { ECParameters, ECPrivateKey, id_ecPublicKey, id_secp256r1, id_secp384r1 } from "@peculiar/asn1-ecc";
import { type KeyPair, toKeyPair } from "./key.ts";
import { readPem } from "./pem.ts";

/** A private key, but none that a certificate line can use; what is merely damaged is a plain `TypeError`. */
export class UnsupportedKeyError extends TypeError {}

const rsaEncryption = "1.2.840.113549.1.1.1";
const derNull = new Uint8Array([5, 0]).buffer;

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
    const { version } = AsnConvert.parse(info.privateKey.buffer, RSAPrivateKey);
    if (version !== 0) throw new UnsupportedKeyError("the RSA key has more than two primes"); // RFC 8017 §A.1.2
    return toKeyPair(
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
  return toKeyPair(
    await crypto.subtle.importKey("pkcs8", der, { name: "ECDSA", namedCurve }, true, ["sign"]),
  );
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
