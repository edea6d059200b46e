/** TLSA records, RFC 6698 and RFC 7671. */

/** The zone-file lines that announce keys for services, DANE-EE(3) SPKI(1) SHA2-256(1).
 *
 * @param services TLSA base domains with port and protocol, such as `_443._tcp.www.example.org`
 * @param spkiHashes SHA-256 of each SubjectPublicKeyInfo in hex: the live key, and the staging key if there is one
 * @returns one line for each service and key
 */
export function tlsaRecords(services: readonly string[], spkiHashes: readonly string[]): string[] {
  return services.flatMap((service) => spkiHashes.map((hash) => `${service}. IN TLSA 3 1 1 ${hash}`));
}
