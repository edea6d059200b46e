/** CAA records: whether they let a CA issue, RFC 8659, for an account and by a method, RFC 8657. Pure. */
import type { DnsRecord } from "./dns.ts";
import { type IssueValue, readIssueValue, valuesOf } from "./issue_value.ts";

/** One CAA property. */
export interface CaaProperty {
  isCritical: boolean;
  /** Lower case. */
  tag: string;
  value: string;
}

/** Who wants to issue what. */
export interface Issuance {
  /** What the CA calls itself in CAA records: its directory's `caaIdentities`. */
  issuers: readonly string[];
  /** Absent: no account is looked for, as with a CA that doesn't know RFC 8657. */
  accountUrl?: string;
  /** The challenge's type, such as `http-01`. */
  method: string;
  isWildcard: boolean;
}

/** What a CA has to understand before it may issue: RFC 8659 §4, RFC 9495 and CA/Browser Forum's contacts. */
const known = ["issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"];

/** What a CAA record says; undefined: it is damaged. */
export function caaIn({ data }: DnsRecord): CaaProperty | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { flags, tag, value } = data as Record<string, unknown>;
  if (typeof flags !== "number" || typeof tag !== "string" || typeof value !== "string") return undefined;
  return { isCritical: (flags & 128) !== 0, tag: tag.toLowerCase(), value };
}

/** Why a set of records doesn't let a CA issue; the set is the first that was found going up the tree.
 *
 * @param rrset all CAA records at one name
 * @param issuance what is wanted
 * @returns the end of a sentence that begins with the place of the records; undefined: it may
 */
export function refusal(rrset: readonly CaaProperty[], issuance: Issuance): string | undefined {
  const unknown = rrset.find(({ isCritical, tag }) => isCritical && !known.includes(tag));
  if (unknown) return `has a critical property that CAs don't know: ${unknown.tag}`;
  const ofTag = (wanted: string) => rrset.filter(({ tag }) => tag === wanted);
  const wild = issuance.isWildcard ? ofTag("issuewild") : [];
  const deciding = wild.length > 0 ? wild : ofTag("issue");
  if (deciding.length === 0) return undefined;
  const tag = deciding[0].tag;
  const values = deciding.flatMap(({ value }) => readIssueValue(value) ?? []);
  const issuers = issuance.issuers.map((each) => each.toLowerCase());
  const ours = values.filter(({ issuer }) => issuers.includes(issuer));
  if (ours.length === 0) return `has no "${tag}" for ${issuance.issuers.join(" or ")}`;
  const reasons = ours.map((each) => misfit(each, issuance));
  return reasons.includes(undefined)
    ? undefined
    : `has no "${tag}" that fits: ${[...new Set(reasons)].join("; ")}`;
}

/** What keeps one property from permitting, RFC 8657 §3 and §4; undefined: it permits. */
function misfit(value: IssueValue, { accountUrl, method }: Issuance): string | undefined {
  const accounts = valuesOf(value, "accounturi");
  if (accounts.length > 1) return "one has accounturi twice";
  if (accountUrl !== undefined && accounts.some((each) => each !== accountUrl)) {
    return `one is for the account ${accounts[0] || '""'}`;
  }
  const methods = valuesOf(value, "validationmethods");
  if (methods.length > 1) return "one has validationmethods twice";
  if (methods.some((each) => !each.split(",").includes(method))) {
    return `one is for the validation methods ${methods[0] || '""'}`;
  }
}
