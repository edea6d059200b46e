/** TLSA records for DANE (RFC 6698, RFC 7671): which ones a key or a chain needs, and whether they cover it.
 *
 * ```ts
 * import { formatRecords, recordsFor } from "@letsencrypt-tiny/letsencrypt-tiny/dane";
 * import { generateKey } from "@letsencrypt-tiny/letsencrypt-tiny/x509";
 *
 * const { publicKey } = await generateKey({ type: "ecdsa", length: 256 });
 * const records = await recordsFor(publicKey, [[3, 1, 1]]);
 * console.log(formatRecords(["_25._tcp.mail.example.org"], records).join("\n"));
 * ```
 *
 * @module
 */
export { type Chain, type Format, formatRecords, recordsFor, type TlsaRecord, uncovered } from "./records.ts";
export type { Parameters } from "./service.ts";
