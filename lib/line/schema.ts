/** What is remembered between runs: schema, type and check at once. Loaded only where the file is not as this program wrote it. */
import * as v from "valibot";
import { rolloverMemory } from "../dane/rollover_memory.ts";

const instant = v.pipe(v.string(), v.check((text) => !Number.isNaN(Date.parse(text))));
const slotName = v.picklist(["live", "staging"]);
const keyType = { type: v.picklist(["rsa", "ecdsa"]), length: v.number() };

/** An order at the CA; see `ledger.ts`. */
const ledgerEntry = v.object({
  /** When it was placed. */
  at: instant,
  slot: slotName,
  /** The CA's directory. */
  directory: v.string(),
  names: v.array(v.string()),
  profile: v.optional(v.string()),
  /** Whose certificate it is to be; absent: the key was still being made, so it can serve any. */
  keyId: v.optional(v.string()),
  url: v.string(),
  /** Tokens whose files may lie in the challenge directory. */
  tokens: v.array(v.string()),
  /** TXT records that may be in the zone. */
  records: v.optional(v.array(v.object({ name: v.string(), value: v.string() }))),
  /** How many runs ended while the CA kept it waiting. */
  delays: v.number(),
  /** `refused`: issued, but not what was asked for. */
  outcome: v.picklist(["open", "failed", "installed", "refused", "given-up"]),
  /** Of the certificate that was issued. */
  serial: v.optional(v.string()),
});
/** See {@link ledgerEntry}. */
export type LedgerEntry = v.InferOutput<typeof ledgerEntry>;

/** A TXT record of a challenge. */
export type ChallengeRecord = NonNullable<LedgerEntry["records"]>[number];

/** What files hold, by the SHA-256 of their content. */
const contents = v.object({
  keys: v.record(v.string(), v.object({ keyId: v.string(), ...keyType })),
  certificates: v.record(
    v.string(),
    v.object({
      keyId: v.string(),
      names: v.array(v.string()),
      serial: v.string(),
      notBefore: instant,
      notAfter: instant,
      authorityKeyId: v.optional(v.string()),
    }),
  ),
});
/** See {@link contents}. */
export type Contents = v.InferOutput<typeof contents>;

const revocation = v.union([
  v.object({ reason: v.number(), serial: v.string() }),
  v.object({ reason: v.number(), keyId: v.string() }),
]);

const memory = v.object({
  version: v.literal(2),
  account: v.optional(v.object({ directory: v.string(), thumbprint: v.string(), url: v.string() })),
  /** Creation time of each key. */
  keys: v.record(v.string(), instant),
  /** Since when which staging key is announced. */
  announced: v.optional(v.object({ keyId: v.string(), since: instant })),
  /** What DNS said of a staging key: from when on it may go live, or why not yet; when the latter was told last. */
  observed: v.optional(v.object({
    keyId: v.string(),
    at: v.optional(instant),
    problems: v.array(v.string()),
    told: v.optional(instant),
  })),
  /** How long services have been known to DNS. */
  rollover: v.optional(rolloverMemory),
  /** The live key that services were last found to serve, or were taken to. */
  served: v.optional(v.string()),
  /** What is to be revoked once it is not live any more. */
  revocations: v.array(revocation),
  /** Certificates that were revoked, by serial number, with the end of their lives: none is ever restored. */
  revoked: v.record(v.string(), instant),
  /** What each hook's files looked like when it last exited 0. */
  hooks: v.object({ certchange: v.optional(v.string()), keychange: v.optional(v.string()) }),
  /** Derived files that were written: one that is no longer configured is a copy of the key that nobody knows of. */
  outputs: v.optional(v.array(v.string())),
  orders: v.array(ledgerEntry),
  /** Where the certificates in both slots came from, by serial number. */
  origins: v.optional(v.record(
    v.string(),
    v.object({ directory: v.string(), account: v.string(), profile: v.optional(v.string()) }),
  )),
  /** What the CA says of when to renew, by the certificates' names in RFC 9773 §4.1. */
  renewalInfo: v.optional(v.object({
    directory: v.string(),
    /** When the CA's directory was read, which has no URL where it says nothing. */
    readAt: instant,
    url: v.optional(v.string()),
    windows: v.record(
      v.string(),
      v.object({
        start: v.optional(instant),
        end: v.optional(instant),
        /** The time within the window. */
        selected: v.optional(instant),
        nextCheck: instant,
        explanationURL: v.optional(v.string()),
        failure: v.optional(v.string()),
      }),
    ),
  })),
  failures: v.optional(v.object({
    count: v.number(),
    last: instant,
    retryAfter: instant,
    message: v.optional(v.string()),
  })),
  /** When what has to be said once a day was said. */
  told: v.record(v.string(), instant),
  /** So that a run with nothing to do has nothing to parse. */
  contents,
});
/** The remembered facts; instants are ISO 8601, UTC. */
export type Memory = v.InferOutput<typeof memory>;

/** Checks what a file holds.
 *
 * @param json parsed JSON, of this version or of the first
 * @param now when an order of the first version is taken to have been placed
 * @returns undefined: it is damaged
 */
export function parseMemory(json: unknown, now: Date): Memory | undefined {
  const current = isObject(json) && json.version === 1 ? fromFirst(json, now) : json;
  const result = v.safeParse(memory, current);
  return result.success ? result.output : undefined;
}

type Fields = Record<string, unknown>;
const isObject = (json: unknown): json is Fields =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** The first version had other names for the same facts, and one order a slot in the place of the ledger. */
function fromFirst(old: Fields, now: Date): Fields {
  const { staged, observed, orders, failures, contents: _, ...same } = renamed(old) as Fields;
  const failed = isObject(failures) ? { ...failures, retryAfter: failures.notBefore } : failures;
  return {
    revocations: [],
    revoked: {},
    ...same,
    version: 2,
    announced: staged,
    // The wait for DNS starts again: it was counted from other facts.
    observed: isObject(observed) && Array.isArray(observed.problems)
      ? { keyId: observed.keyId, problems: observed.problems, told: observed.told }
      : undefined,
    orders: isObject(orders)
      ? Object.entries(orders).map(([slot, order]) =>
        isObject(order) ? { ...order, at: now.toISOString(), slot, delays: 0, outcome: "open" } : order
      )
      : orders,
    failures: failed,
    told: {},
    contents: { keys: {}, certificates: {} }, // read anew: today more of it is wanted
  };
}

/** The same object, with today's names for what it says of keys and certificates. */
function renamed(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(renamed);
  if (!isObject(json)) return json;
  const names: Record<string, string> = { spki: "keyId", domains: "names" };
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [names[name] ?? name, renamed(value)]),
  );
}
