/** Records of persistent validation, draft-ietf-acme-dns-persist: `_validation-persist` TXT, read and written. Pure. */
import { readIssueValue, valuesOf } from "./issue_value.ts";

/** The label at which such records stand. */
export const persistLabel = "_validation-persist";

/** What one record says. */
export interface PersistRecord {
  /** The CA, as its `issuer-domain-names` or `issuerDomainNames` call it. */
  issuer: string;
  /** Up to draft -01 the account's URL, from -02 on a digest: see {@link accountDigestUri}. */
  accountUri: string;
  /** Whether it is for wildcards as well. */
  isForWildcards: boolean;
  /** Absent: for ever. */
  until?: Date;
}

/** What a record has to be for. */
export interface Holder {
  /** Any of them. */
  issuers: readonly string[];
  /** Any of them: for one record there may be several right forms. */
  accountUris: readonly string[];
  isWildcard: boolean;
  now: Date;
}

/** Reads a record.
 *
 * @param text all its strings put together
 * @returns the record; or why a CA calls it malformed, as the end of a sentence
 */
export function readPersistRecord(text: string): PersistRecord | string {
  const value = readIssueValue(text);
  if (!value || value.issuer === "") return "is no issuer with parameters";
  if (/;[ \t]*$/.test(text)) return "ends with a semicolon";
  const tags = value.parameters.map(([tag]) => tag);
  const twice = tags.find((tag, i) => tags.indexOf(tag) < i);
  if (twice) return `has ${twice} twice`;
  const [accountUri = ""] = valuesOf(value, "accounturi");
  if (accountUri === "") return "has no accounturi";
  const [policy] = valuesOf(value, "policy");
  const [until] = valuesOf(value, "persistuntil");
  if (until !== undefined && !/^\d{1,12}$/.test(until)) {
    return "has a persistUntil that is no whole number of seconds";
  }
  return {
    issuer: value.issuer,
    accountUri,
    isForWildcards: policy?.toLowerCase() === "wildcard",
    ...until === undefined ? {} : { until: new Date(Number(until) * 1000) },
  };
}

/** Writes a record.
 *
 * @param record what it is to say
 * @returns its text; longer than 255 octets it needs several strings: see {@link stringsOf}
 */
export const formatPersistRecord = ({ issuer, accountUri, isForWildcards, until }: PersistRecord): string =>
  [
    issuer,
    `accounturi=${accountUri}`,
    ...isForWildcards ? ["policy=wildcard"] : [],
    ...until ? [`persistUntil=${Math.floor(+until / 1000)}`] : [],
  ].join("; ");

/** The character strings of a TXT record, at most 255 octets each, RFC 1035 §3.3.14.
 *
 * @param text ASCII
 */
export const stringsOf = (text: string): string[] => text.match(/.{1,255}/gs) ?? [""];

/** Which of the records at a name validates it.
 *
 * @param texts all TXT records there
 * @param holder who wants what
 * @returns the record that lasts longest; or why none does, as the end of a sentence that begins with the place
 */
export function findPersistRecord(texts: readonly string[], holder: Holder): PersistRecord | string {
  const issuers = holder.issuers.map((each) => each.toLowerCase());
  const reasons: string[] = [];
  const fitting: PersistRecord[] = [];
  for (const text of texts) {
    if (!issuers.includes(text.split(";")[0].trim().toLowerCase())) continue;
    const record = readPersistRecord(text);
    const reason = typeof record === "string" ? `one ${record}` : misfit(record, holder);
    if (reason) reasons.push(reason);
    else fitting.push(record as PersistRecord);
  }
  const end = ({ until }: PersistRecord) => until ? +until : Infinity;
  if (fitting.length > 0) return fitting.reduce((a, b) => end(b) > end(a) ? b : a);
  return reasons.length > 0
    ? `has no record that fits: ${[...new Set(reasons)].join("; ")}`
    : `has no record for ${holder.issuers.join(" or ")}`;
}

function misfit(record: PersistRecord, { accountUris, isWildcard, now }: Holder): string | undefined {
  if (!accountUris.includes(record.accountUri)) return `one is for the account ${record.accountUri}`;
  if (isWildcard && !record.isForWildcards) return "one is not for wildcards";
  if (record.until && record.until <= now) return "one has expired";
}

/** The account as records of draft -02 name it: a digest, so that they don't tell which account it is.
 *
 * @param account `prefix`: the directory's `accountHashPrefix`; `url`: the account's; `thumbprint`: of its key, RFC 7638
 * @param domain the record's own name, as lower-case A-labels without the star of a wildcard; `*`: the record may serve many
 */
export async function accountDigestUri(
  { prefix, url, thumbprint }: { prefix: string; url: string; thumbprint: string },
  domain: string,
): Promise<string> {
  const octets = new TextEncoder().encode(domain);
  const rest = new TextEncoder().encode(thumbprint + url);
  const digest = await crypto.subtle.digest("SHA-256", Uint8Array.of(octets.length, ...octets, ...rest));
  return `${prefix}sha-256/${new Uint8Array(digest).toBase64({ alphabet: "base64url", omitPadding: true })}`;
}
