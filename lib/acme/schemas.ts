/** The checks of what a CA sends: each schema is that of a type, and nothing is cast elsewhere. What is optional and not usable is
 * as if it weren't there. */
import * as v from "valibot";
import { Failure, type Problem } from "../errors.ts";
import type {
  AccountObject,
  Authorization,
  Challenge,
  Directory,
  DirectoryMeta,
  Identifier,
  Order,
  SuggestedWindow,
} from "./objects.ts";

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

/** RFC 3339 §5.6. */
const instant: Schema<Date> = v.pipe(
  text,
  v.regex(/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/),
  v.transform((value) => new Date(value)),
  v.date(),
);
const renewalInfo: Schema<SuggestedWindow> = v.pipe(
  v.object({ suggestedWindow: v.object({ start: instant, end: instant }), explanationURL: optional(url) }),
  v.transform(({ suggestedWindow, explanationURL }) => ({ ...suggestedWindow, explanationURL })),
);

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

export const parseRenewalInfo: (json: unknown) => SuggestedWindow = reader(
  "renewal information",
  renewalInfo,
);

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
