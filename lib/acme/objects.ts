/** The objects of RFC 8555 as they come over the wire. Each schema is the check of what it has the type of: a CA's answer is
 * cast nowhere else. What is optional and not usable is as if it weren't there. */
import * as v from "valibot";
import { Failure, type Problem } from "../errors.ts";
import { isAddress, type Name } from "../x509/name.ts";

/** RFC 8555 §7.1.1, RFC 9773 §4.1: where everything is. */
export interface Directory {
  /** RFC 8555 §7.2. */
  newNonce: string;
  /** RFC 8555 §7.3. */
  newAccount: string;
  /** RFC 8555 §7.4. */
  newOrder: string;
  /** RFC 8555 §7.6. */
  revokeCert?: string;
  /** RFC 8555 §7.3.5. */
  keyChange?: string;
  /** RFC 9773 §4.1. */
  renewalInfo?: string;
  /** What the CA says of itself. */
  meta: DirectoryMeta;
}

/** What a CA says of itself, RFC 8555 §9.7.6. */
export interface DirectoryMeta {
  /** URL of the terms that an account agrees to. */
  termsOfService?: string;
  /** For people. */
  website?: string;
  /** The names by which CAA records allow this CA, RFC 8659 §4. */
  caaIdentities: string[];
  /** Whether accounts must be bound to external ones, RFC 8555 §7.3.4. */
  externalAccountRequired: boolean;
  /** Names of profiles with what the CA says of them. */
  profiles: Record<string, string>;
  /** dns-persist-01: the names that its records may give. */
  issuerDomainNames: string[];
  /** dns-persist-01: what stands before the hash of an account. */
  accountHashPrefix?: string;
}

/** RFC 8555 §9.7.7: `dns`, or `ip` (RFC 8738). */
export interface Identifier {
  /** `dns` or `ip`. */
  type: string;
  /** The name or address itself. */
  value: string;
}

/** RFC 8555 §7.4 with RFC 9773 §5 and profiles: the wire object itself. What is asked for is what is remembered and compared. */
export interface NewOrder {
  /** What the certificate is to be for. */
  identifiers: Identifier[];
  /** One of the directory's profiles. */
  profile?: string;
  /** The certificate that the new one takes the place of, RFC 9773 §5. */
  replaces?: string;
}

/** RFC 8555 §7.1.3: only a valid order has a certificate. */
export type Order =
  & NewOrder
  & { authorizations: string[]; finalize: string; error?: Problem }
  & ({ status: "pending" | "ready" | "processing" | "invalid" } | { status: "valid"; certificate: string });

/** RFC 8555 §7.1.4. */
export interface Authorization {
  /** What is to be validated. */
  identifier: Identifier;
  /** RFC 8555 §7.1.6. */
  status: "pending" | "valid" | "invalid" | "deactivated" | "expired" | "revoked";
  /** Whether it is for all names below the identifier. */
  wildcard?: boolean;
  /** Those that can be read: types that are not known here may look otherwise. */
  challenges: Challenge[];
}

/** RFC 8555 §8; the token is checked before it becomes a file name (§8.3, §11.3). */
export interface Challenge {
  /** Such as `http-01`. */
  type: string;
  /** Where it is answered. */
  url: string;
  /** RFC 8555 §7.1.6. */
  status: string;
  /** Random text of the CA. */
  token?: string;
  /** Why it failed. */
  error?: Problem;
  /** dns-persist-01, as the newest draft writes it. */
  issuerDomainNames?: string[];
  /** dns-persist-01, as earlier drafts wrote it. */
  "issuer-domain-names"?: string[];
  /** dns-persist-01, earlier drafts: whose record it has to be. */
  accounturi?: string;
}

/** RFC 8555 §7.1.2. */
export interface AccountObject {
  /** `valid`, `deactivated` or `revoked`. */
  status: string;
  /** Whom the CA may write to. */
  contact?: string[];
  /** Whether the terms of service were agreed to. */
  termsOfServiceAgreed?: boolean;
}

/** What a name is called in an order, RFC 8555 §9.7.7 and RFC 8738 §3.
 *
 * @param name a DNS name, or an IP address as RFC 5952 writes it
 */
export const toIdentifier = (name: Name): Identifier => ({
  type: isAddress(name) ? "ip" : "dns",
  value: name,
});

type Schema<T> = v.GenericSchema<unknown, T>;

const text = v.string();
/** RFC 8555 §6.1; §6.4 wants the very same string back. */
const url = v.pipe(v.string(), v.maxLength(2048), v.regex(/^https:\/\/[\x21-\x7e]+$/i), v.check(isHttps));
/** What can't be used is as if it weren't there. */
const optional = <T>(schema: Schema<T>) => v.fallback(v.optional(schema), undefined);
/** A list, without what can't be read of it. */
const listOf = <T>(schema: Schema<T>) =>
  v.pipe(
    v.fallback(v.array(v.unknown()), []),
    v.transform((list) => list.slice(0, 100).flatMap((each) => readOr(schema, each) ?? [])),
  );

function readOr<T>(schema: Schema<T>, json: unknown): T | undefined {
  const result = v.safeParse(schema, json);
  return result.success ? result.output : undefined;
}

function isHttps(value: string): boolean {
  const parsed = URL.parse(value);
  return parsed?.protocol === "https:" && !parsed.username && !parsed.password;
}

const unknownProblem: Problem = { type: "about:blank", detail: "", subproblems: [] }; // RFC 7807 §4.2
const valueOf: Schema<string> = v.pipe(v.object({ value: text }), v.transform(({ value }) => value));
const problemMembers = {
  type: v.fallback(text, "about:blank"),
  detail: v.fallback(text, ""),
  instance: optional(text),
  status: optional(v.number()),
  identifier: optional(valueOf),
};
const subproblem: Schema<Problem> = v.pipe(
  v.object(problemMembers),
  v.transform((each) => ({ ...each, subproblems: [] })),
);
/** An error must always be shown: whatever is missing is left empty. */
const problem: Schema<Problem> = v.object({
  ...problemMembers,
  subproblems: listOf(v.fallback(subproblem, unknownProblem)),
});

const meta: Schema<DirectoryMeta> = v.object({
  termsOfService: optional(text),
  website: optional(text),
  caaIdentities: listOf(text),
  externalAccountRequired: v.fallback(v.boolean(), false),
  profiles: v.fallback(v.record(text, v.fallback(text, "")), {}),
  issuerDomainNames: listOf(text),
  accountHashPrefix: optional(text),
});
const noMeta = v.parse(meta, {});
const directory: Schema<Directory> = v.object({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  revokeCert: optional(url),
  keyChange: optional(url),
  renewalInfo: optional(url),
  meta: v.fallback(meta, noMeta),
});

const identifier: Schema<Identifier> = v.object({ type: text, value: v.pipe(text, v.toLowerCase()) });

const orderMembers = {
  identifiers: v.array(identifier),
  authorizations: v.array(url),
  finalize: url,
  error: optional(problem),
  profile: optional(text),
  replaces: optional(text),
};
const order: Schema<Order> = v.pipe(
  v.variant("status", [
    v.object({ ...orderMembers, status: v.literal("valid"), certificate: url }),
    v.object({ ...orderMembers, status: v.picklist(["pending", "ready", "processing", "invalid"]) }),
  ]),
  v.check(
    (each) => each.authorizations.length <= each.identifiers.length,
    "it has more authorizations than names",
  ),
);

const challenge: Schema<Challenge> = v.object({
  type: text,
  url,
  status: text,
  token: optional(text),
  error: optional(problem),
  issuerDomainNames: optional(v.array(text)),
  "issuer-domain-names": optional(v.array(text)),
  accounturi: optional(text),
});
const authorization: Schema<Authorization> = v.object({
  identifier,
  status: v.picklist(["pending", "valid", "invalid", "deactivated", "expired", "revoked"]), // RFC 8555 §7.1.6
  wildcard: optional(v.boolean()),
  challenges: listOf(challenge),
});

const account: Schema<AccountObject> = v.object({
  status: text,
  contact: optional(v.array(text)),
  termsOfServiceAgreed: optional(v.boolean()),
});

const reader = <T>(what: string, schema: Schema<T>) => (json: unknown): T => {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const why = issue.type === "check" && !path
    ? issue.message
    : !path
    ? "not a JSON object"
    : `${path} is ${issue.received === "undefined" ? "missing" : "not usable"}`;
  throw new Failure("ca.protocol", `The CA sent a malformed ${what}: ${why}`);
};

/** Each of these reads an object of the CA, and throws a {@link Failure} where something that is needed is not usable. */
export const parseDirectory: (json: unknown) => Directory = reader("directory", directory);
export const parseOrder: (json: unknown) => Order = reader("order", order);
export const parseAuthorization: (json: unknown) => Authorization = reader("authorization", authorization);
export const parseAccount: (json: unknown) => AccountObject = reader("account", account);

/** Reads a challenge, where nothing depends on it; undefined: it is none. */
export const readChallenge = (json: unknown): Challenge | undefined => readOr(challenge, json);

/** Reads a problem document, RFC 8555 §6.7; anything else is a problem of which nothing is known. */
export const parseProblem = (json: unknown): Problem => readOr(problem, json) ?? unknownProblem;

/** Checks a URL that the CA gave, where it stands in no object.
 *
 * @param value what the CA sent
 * @param what it is the URL of
 * @returns the very same string
 * @throws {Failure} it is no URL with https
 */
export function httpsUrl(value: unknown, what: string): string {
  const found = readOr<string>(url, value);
  if (found !== undefined) return found;
  throw new Failure("ca.protocol", `The CA sent no usable URL of the ${what}`);
}
