/** Let's Encrypt's limits as it documents them (2026-08): token buckets that fill again all the time. */
import { type Call, refusal } from "./answers.ts";
import type { Identifier, Order } from "./objects.ts";
import type { Behaviour, State } from "./state.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Who does the same thing how often: a bucket for each of them, full in the beginning. */
class Buckets {
  private readonly levels = new Map<string, { tokens: number; at: number }>();

  /**
   * @param capacity how many tokens fit
   * @param refill after how long there is one more, milliseconds
   */
  constructor(readonly capacity: number, readonly refill: number) {}

  private level(who: string, now: number): number {
    const { tokens, at } = this.levels.get(who) ?? { tokens: this.capacity, at: now };
    return Math.min(this.capacity, tokens + (now - at) / this.refill);
  }

  /** Milliseconds until there is a token; 0: now. */
  wait(who: string, now: number): number {
    return Math.max(0, 1 - this.level(who, now)) * this.refill;
  }

  take(who: string, now: number): void {
    this.levels.set(who, { tokens: this.level(who, now) - 1, at: now });
  }
}

/** The limits by what they count, with how many there may be at once and after how long there may be one more. */
export const limits = {
  "new registrations": [10, 18 * minute],
  "new orders": [300, 36 * second],
  "certificates for this registered domain": [50, 202 * minute],
  "certificates for this exact set of identifiers": [5, 34 * hour],
  "failed authorizations": [5, 12 * minute],
} as const satisfies Record<string, readonly [number, number]>;
type Limit = keyof typeof limits;

const setOf = (identifiers: readonly Identifier[]) => identifiers.map(({ value }) => value).toSorted().join();
/** The last two labels: enough for the names of tests. */
const domainsOf = (identifiers: readonly Identifier[]) =>
  new Set(identifiers.map(({ type, value }) => type === "ip" ? value : value.split(".").slice(-2).join(".")));

/** Holds an account to the limits.
 *
 * @param state the CA, whose clock counts
 * @param failuresUntilPause without a success between them: a name is paused then until a person comes
 */
export function letsEncryptLimits(state: State, failuresUntilPause = 1152): Behaviour {
  const names = Object.keys(limits) as Limit[];
  const buckets = Object.fromEntries(
    names.map((name) => [name, new Buckets(...limits[name] as unknown as [number, number])]),
  ) as Record<Limit, Buckets>;
  const failures = new Map<string, number>();
  const now = () => +state.now();

  const check = (limit: Limit, who: string) => {
    const wait = buckets[limit].wait(who, now());
    if (wait === 0) return;
    const detail = `too many ${limit}: ${who}, retry after ${new Date(now() + wait).toISOString()}`;
    throw refusal(429, "rateLimited", detail, { "retry-after": String(Math.ceil(wait / second)) });
  };
  const checkOrder = (account: string, payload: Pick<Order, "identifiers" | "replaces">) => {
    const { identifiers } = payload;
    for (const { value } of identifiers) {
      if ((failures.get(`${account} ${value}`) ?? 0) >= failuresUntilPause) {
        throw refusal(
          429,
          "rateLimited",
          `${value} is paused: https://ca.example/unpause?jwt=${"x".repeat(400)}`,
        );
      }
    }
    if (isExempt(state, payload)) return;
    for (const { value } of identifiers) check("failed authorizations", `${account} ${value}`);
    check("certificates for this exact set of identifiers", setOf(identifiers));
    if (isRenewal(state, identifiers)) return;
    check("new orders", account);
    for (const each of domainsOf(identifiers)) check("certificates for this registered domain", each);
    buckets["new orders"].take(account, now());
  };

  return {
    async answer({ kind, account, payload }, next) {
      if (kind === "newOrder") checkOrder(account!.url, payload);
      if (kind !== "newAccount") return await next();
      check("new registrations", "this address");
      const answer = await next();
      if (answer.status === 201) buckets["new registrations"].take("this address", now());
      return answer;
    },
    issued({ order }) {
      if (isExempt(state, order)) return;
      buckets["certificates for this exact set of identifiers"].take(setOf(order.identifiers), now());
      // The certificate itself is there already.
      if (isRenewal(state, order.identifiers, 1)) return;
      for (const each of domainsOf(order.identifiers)) {
        buckets["certificates for this registered domain"].take(each, now());
      }
    },
    validated({ account, identifier, status }) {
      const who = `${account} ${identifier.value}`;
      if (status === "valid") return void failures.delete(who);
      failures.set(who, (failures.get(who) ?? 0) + 1);
      buckets["failed authorizations"].take(who, now());
    },
  };
}

/** Exactly these names within 120 days. */
function isRenewal(state: State, identifiers: readonly Identifier[], itself = 0): boolean {
  const since = +state.now() - 120 * day;
  const before = [...state.certificates.values()].filter(({ order, issuedAt }) =>
    +issuedAt > since && setOf(order.identifiers) === setOf(identifiers)
  );
  return before.length > itself;
}

/** RFC 9773 §5: a renewal within the window that was suggested for what it replaces counts nowhere. */
function isExempt(state: State, { replaces }: Pick<Order, "replaces">): boolean {
  const replaced = [...state.certificates.values()].find(({ certId }) => certId === replaces);
  if (!replaced || !state.renewalInfo) return false;
  try {
    const { suggestedWindow } = JSON.parse(String(state.renewalInfo(replaced, state).body));
    const now = +state.now();
    return Date.parse(suggestedWindow.start) <= now && now < Date.parse(suggestedWindow.end);
  } catch {
    return false;
  }
}

/** Requests per second and address, with the burst that may go before, as production has them. */
export const requestLimits: { kinds: readonly Call["kind"][]; perSecond: number; burst: number }[] = [
  { kinds: ["newNonce"], perSecond: 20, burst: 10 },
  { kinds: ["newAccount"], perSecond: 5, burst: 15 },
  { kinds: ["newOrder"], perSecond: 300, burst: 200 },
  { kinds: ["revokeCert"], perSecond: 10, burst: 100 },
  { kinds: ["renewalInfo"], perSecond: 1000, burst: 100 },
  { kinds: ["directory"], perSecond: 40, burst: 40 },
  {
    kinds: ["authorization", "challenge", "order", "finalize", "certificate", "account", "keyChange"],
    perSecond: 250,
    burst: 125,
  },
];

/** Holds an address to them: 503 for what is too much.
 *
 * @param state the CA, whose clock counts
 * @param rows what is allowed
 */
export function letsEncryptRequestLimits(state: State, rows = requestLimits): Behaviour {
  const buckets = rows.map(({ kinds, perSecond, burst }) => ({
    kinds,
    bucket: new Buckets(burst, second / perSecond),
  }));
  return {
    answer({ kind }, next) {
      const found = buckets.find(({ kinds }) => kinds.includes(kind));
      if (found) {
        const now = +state.now();
        if (found.bucket.wait("", now) > 0) {
          throw refusal(503, "rateLimited", `too many requests for ${kind}`, { "retry-after": "1" });
        }
        found.bucket.take("", now);
      }
      return next();
    },
  };
}
