/** TLSA records, RFC 6698 and RFC 7671: what the zone must hold, and whether it does. Pure. */
import type { Parameters } from "./service.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A TLSA record without its name, RFC 6698 §2.1. */
export interface TlsaRecord {
  /** What kind of certificate it is about, RFC 7218 §2.1: 3 is DANE-EE. */
  usage: number;
  /** Which part of it, RFC 7218 §2.2: 1 is its public key. */
  selector: number;
  /** How it is written, RFC 7218 §2.3: 1 is SHA-256. */
  matchingType: number;
  /** Lower-case hex. */
  data: string;
}

/** What records can be about: each certificate of a chain, the end-entity certificate first. */
export type Chain = { certificate: Uint8Array<ArrayBuffer>; publicKey: Uint8Array<ArrayBuffer> }[];

/** What the zone must say of a key.
 *
 * @param publicKey its SubjectPublicKeyInfo, DER
 * @param parameters which records; usage DANE-EE(3) and selector SPKI(1)
 */
export async function recordsFor(
  publicKey: Uint8Array<ArrayBuffer>,
  parameters: readonly Parameters[],
): Promise<TlsaRecord[]> {
  return await Promise.all(parameters.map(async ([usage, selector, matchingType]) => {
    return { usage, selector, matchingType, data: await digest(publicKey, matchingType) };
  }));
}

/** The forms in which records are printed. */
export const formats = ["zone", "nsupdate", "json"] as const;
/** One of them. */
export type Format = "zone" | "nsupdate" | "json";

/** Prints records.
 *
 * @param services TLSA base domains with port and transport, such as `_443._tcp.www.example.org`
 * @param records those that each of them must have
 * @param format lines of a zone file; commands that replace each record set; or data
 * @param ttl seconds, which `nsupdate` has to be told
 */
export function formatRecords(
  services: readonly string[],
  records: readonly TlsaRecord[],
  format: Format = "zone",
  ttl = 3600,
): string[] {
  const show = ({ usage, selector, matchingType, data }: TlsaRecord) =>
    `TLSA ${usage} ${selector} ${matchingType} ${data}`;
  switch (format) {
    case "zone":
      return services.flatMap((name) => records.map((record) => `${name}. IN ${show(record)}`));
    case "nsupdate":
      return [
        ...services.flatMap((name) => [
          `update delete ${name}. TLSA`,
          ...records.map((record) => `update add ${name}. ${ttl} ${show(record)}`),
        ]),
        "send",
      ];
    case "json":
      return [
        JSON.stringify(services.flatMap((name) => records.map((record) => ({ name, ...record }))), null, 2),
      ];
  }
}

/** The combinations of usage, selector and matching type in which no record fits a chain.
 *
 * RFC 7671 §8: for every combination in the RRset at least one record has to match, since clients may use the
 * strongest digest alone (§9).
 *
 * @param rrset the records at one name
 * @param chain what a server presents, or will
 * @returns such as `3 1 1`; where there is no usable record at all, that one; empty: every client is content
 */
export async function uncovered(rrset: readonly TlsaRecord[], chain: Chain): Promise<string[]> {
  const combinations = Map.groupBy(rrset.filter(isUsable), combination);
  if (combinations.size === 0) return ["3 1 1"];
  const missing: string[] = [];
  for (const [name, records] of combinations) {
    const fits = await Promise.all(records.map((record) => matchesChain(record, chain)));
    if (!fits.includes(true)) missing.push(name);
  }
  return missing;
}

/** Usage, selector and matching type as they are written. */
export const combination = ({ usage, selector, matchingType }: TlsaRecord): string =>
  `${usage} ${selector} ${matchingType}`;

/** Whether a record fits a chain: its end-entity certificate, or for usages 0 and 2 one of the issuers.
 *
 * @param record a usable record
 * @param chain what a server presents
 */
export async function matchesChain(record: TlsaRecord, chain: Chain): Promise<boolean> {
  const [leaf, ...issuers] = chain;
  for (const each of record.usage % 2 === 0 ? issuers : [leaf]) {
    const selected = record.selector === 0 ? each.certificate : each.publicKey;
    if (await digest(selected, record.matchingType) === record.data) return true;
  }
  return false;
}

/** RFC 6698 §4.1: a record with values that don't exist, or a digest of the wrong length, is as if it weren't there. */
function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  const length = [undefined, 64, 128][matchingType] ?? data.length;
  return usage <= 3 && selector <= 1 && matchingType <= 2 && data.length === length && data.length > 0;
}

async function digest(bytes: Bytes, matchingType: number): Promise<string> {
  if (matchingType === 0) return bytes.toHex();
  return new Uint8Array(await crypto.subtle.digest(matchingType === 1 ? "SHA-256" : "SHA-512", bytes))
    .toHex();
}
