/** The objects of RFC 8555 as they come over the wire, and the checked parsers: casts happen nowhere else. */
import { day } from "../time.ts";
import { type Problem, TransportError } from "../errors.ts";

/** RFC 8555 §7.1.1. */
export interface Directory {
  newNonce: string;
  newAccount: string;
  newOrder: string;
  revokeCert?: string;
  termsOfService?: string;
}

/** RFC 8555 §9.7.7; only DNS names here. */
export interface Identifier {
  type: string;
  value: string;
}

/** RFC 8555 §7.1.3: only a valid order has a certificate. */
export type Order =
  & { identifiers: Identifier[]; authorizations: string[]; finalize: string; error?: Problem }
  & ({ status: "pending" | "ready" | "processing" | "invalid" } | { status: "valid"; certificate: string });

/** RFC 8555 §7.1.4. */
export interface Authorization {
  identifier: Identifier;
  status: string;
  challenges: Challenge[];
}

/** RFC 8555 §8; the token is checked before it becomes a file name (§8.3, §11.3). */
export interface Challenge {
  type: string;
  url: string;
  status: string;
  token?: string;
  error?: Problem;
}

const longestRetryAfter = 7 * day;

type Fields = Record<string, unknown>;
const authorizationStatuses = ["pending", "valid", "invalid", "deactivated", "expired", "revoked"]; // RFC 8555 §7.1.6

/** Reads a directory object.
 *
 * @param json parsed JSON of the CA
 * @returns the checked object
 * @throws {TransportError} a required member is missing or of the wrong type
 */
export function parseDirectory(json: unknown): Directory {
  const fields = object(json, "directory");
  const meta = isObject(fields.meta) ? fields.meta : {};
  return {
    newNonce: url(fields, "newNonce", "directory"),
    newAccount: url(fields, "newAccount", "directory"),
    newOrder: url(fields, "newOrder", "directory"),
    revokeCert: fields.revokeCert === undefined ? undefined : url(fields, "revokeCert", "directory"),
    termsOfService: typeof meta.termsOfService === "string" ? meta.termsOfService : undefined,
  };
}

/** Reads an order object.
 *
 * @param json parsed JSON of the CA
 * @returns the checked object
 * @throws {TransportError} a required member is missing or of the wrong type
 */
export function parseOrder(json: unknown): Order {
  const fields = object(json, "order");
  const order = {
    identifiers: list(fields, "identifiers", "order").map(parseIdentifier),
    authorizations: list(fields, "authorizations", "order").map((each) => httpsUrl(each, "order")),
    finalize: url(fields, "finalize", "order"),
    error: fields.error === undefined || fields.error === null ? undefined : parseProblem(fields.error),
  };
  if (order.authorizations.length > order.identifiers.length) {
    throw malformed("order", "it has more authorizations than names");
  }
  const status = text(fields, "status", "order");
  switch (status) {
    case "valid":
      return { ...order, status, certificate: url(fields, "certificate", "order") };
    case "pending":
    case "ready":
    case "processing":
    case "invalid":
      return { ...order, status };
    default:
      throw malformed("order", "status is unknown");
  }
}

/** Reads an authorization object.
 *
 * @param json parsed JSON of the CA
 * @returns the checked object; challenges of unknown types are kept (RFC 8555 §7.1.4)
 * @throws {TransportError} a required member is missing or of the wrong type
 */
export function parseAuthorization(json: unknown): Authorization {
  const fields = object(json, "authorization");
  return {
    identifier: parseIdentifier(fields.identifier),
    status: oneOf(fields, "status", authorizationStatuses, "authorization"),
    challenges: list(fields, "challenges", "authorization").map((each) => {
      const challenge = object(each, "challenge");
      return {
        type: text(challenge, "type", "challenge"),
        url: url(challenge, "url", "challenge"),
        status: text(challenge, "status", "challenge"),
        token: typeof challenge.token === "string" ? challenge.token : undefined,
        error: isObject(challenge.error) ? parseProblem(challenge.error) : undefined,
      };
    }),
  };
}

/** Reads a problem document; whatever is missing is left empty, since an error must always be shown.
 *
 * @param json parsed JSON of the CA
 * @returns the problem with its subproblems (RFC 8555 §6.7.1)
 */
export function parseProblem(json: unknown): Problem {
  const fields = isObject(json) ? json : {};
  const optional = (name: string) => typeof fields[name] === "string" ? fields[name] as string : undefined;
  return {
    type: optional("type") ?? "about:blank", // RFC 7807 §4.2
    detail: optional("detail") ?? "",
    instance: optional("instance"),
    status: typeof fields.status === "number" ? fields.status : undefined,
    identifier: isObject(fields.identifier) && typeof fields.identifier.value === "string"
      ? fields.identifier.value
      : undefined,
    subproblems: Array.isArray(fields.subproblems)
      ? fields.subproblems.slice(0, 100).map((each) => ({ ...parseProblem({ ...each, subproblems: [] }) }))
      : [],
  };
}

/** Checks a URL that the CA gave: https, no user name, not too long (RFC 8555 §6.1).
 *
 * @param value what the CA sent
 * @param where which object it stood in, for the message
 * @returns the very same string: RFC 8555 §6.4 wants it back unchanged
 * @throws {TransportError} it is not such a URL
 */
export function httpsUrl(value: unknown, where: string): string {
  if (typeof value === "string" && value.length <= 2048 && /^https:\/\/[\x21-\x7e]+$/i.test(value)) {
    const parsed = URL.parse(value);
    if (parsed?.protocol === "https:" && !parsed.username && !parsed.password) return value;
  }
  throw malformed(where, "a URL is not usable");
}

/** How long the CA asks to wait, RFC 8555 §6.6 and RFC 9110 §10.2.3.
 *
 * @param headers of the response
 * @param now the time
 * @returns milliseconds, 0 to 7 days; undefined where the header is missing or means nothing
 */
export function retryAfter(headers: Headers, now: Date): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  const ms = /^\d{1,12}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - +now;
  if (Number.isNaN(ms) || !/^\d|^[A-Z][a-z]{2}, /.test(value)) return undefined;
  return Math.min(Math.max(ms, 0), longestRetryAfter);
}

function parseIdentifier(json: unknown): Identifier {
  const fields = object(json, "identifier");
  return {
    type: text(fields, "type", "identifier"),
    value: text(fields, "value", "identifier").toLowerCase(),
  };
}

function malformed(what: string, why: string): TransportError {
  return new TransportError(`The CA sent a malformed ${what}: ${why}`);
}

const isObject = (json: unknown): json is Fields =>
  typeof json === "object" && json !== null && !Array.isArray(json);

function object(json: unknown, what: string): Fields {
  if (!isObject(json)) throw malformed(what, "not a JSON object");
  return json;
}

function text(fields: Fields, name: string, what: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value !== "string") throw malformed(what, `${name} is missing`);
  return value;
}

function oneOf(fields: Fields, name: string, values: readonly string[], what: string): string {
  const value = text(fields, name, what);
  if (!values.includes(value)) throw malformed(what, `${name} is unknown`);
  return value;
}

function url(fields: Fields, name: string, what: string): string {
  return httpsUrl(text(fields, name, what), what);
}

function list(fields: Fields, name: string, what: string): unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw malformed(what, `${name} is missing`);
  return value;
}
