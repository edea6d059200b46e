/** Keys, certification requests and certificates, over WebCrypto: no network, no files.
 *
 * ```ts
 * import { createCsr, exportKey, generateKey } from "@letsencrypt-tiny/letsencrypt-tiny/x509";
 *
 * const key = await generateKey({ type: "ecdsa", length: 256 });
 * const csr = await createCsr(key, ["example.org", "*.example.org", "2001:db8::1"]);
 * console.log(await exportKey(key), csr.toHex());
 * ```
 *
 * @module
 */
export { exportKey, generateKey, keyIdOf, type KeyPair, type KeyType, type PublicJwk } from "./key.ts";
export { importKey, UnsupportedKeyError } from "./import_key.ts";
export { createCsr } from "./csr.ts";
export type { Name } from "./name.ts";
export { type Certificate, readCertificate } from "./certificate.ts";
export { formatSerial } from "./serial.ts";
export { checkChain, type CheckedChain, type Expected } from "./chain.ts";
export { type About, type Area, type FailedName, Failure, type Kind, type Problem } from "../errors.ts";
