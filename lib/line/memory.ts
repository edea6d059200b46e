/** What the line remembers between runs, in a small JSON file beside the keys. Losing it costs one extra hook run. */
import { clockTolerance } from "../time.ts";
import { put, renameAll } from "../disk/write.ts";
import { LineError } from "../errors.ts";
import type { RolloverMemory } from "../dane/rollover_memory.ts";
import { inspect, largest, read } from "../disk/read.ts";
import type { Revocation } from "./decide.ts";
import type { SlotName } from "./renewal.ts";

/** An order under way at the CA: a crash never costs a second one. */
export interface StoredOrder {
  url: string;
  /** The CA's directory. */
  directory: string;
  /** Whose certificate it is to be; absent: the key was still being made, so it can serve any. */
  keyId?: string;
  domains: readonly string[];
  /** Tokens whose files may lie in the challenge directory. */
  tokens: string[];
}

/** What files hold, by the SHA-256 of their content. */
export interface Contents {
  keys: Record<string, { keyId: string; type: "rsa" | "ecdsa"; length: number }>;
  certificates: Record<
    string,
    { keyId: string; names: string[]; serial: string; notBefore: string; notAfter: string }
  >;
}

/** The remembered facts; instants are ISO 8601, UTC. */
export interface State {
  version: 1;
  account?: { directory: string; thumbprint: string; url: string };
  /** Creation time of each key, by the hash of its SubjectPublicKeyInfo. */
  keys: Record<string, string>;
  /** Since when which staging key is announced. */
  staged?: { keyId: string; since: string };
  /** What DNS said of a staging key: from when on it may go live, or why not yet; when the latter was told last. */
  observed?: { keyId: string; at?: string; problems: string[]; told?: string };
  /** What is remembered of the services in DNS. */
  rollover?: RolloverMemory;
  /** The live key that services were last found to serve, or were taken to. */
  served?: string;
  /** What is to be revoked once it is not live any more. */
  revocations?: Revocation[];
  /** Certificates that were revoked, by serial number, with the end of their lives: none is ever restored. */
  revoked?: Record<string, string>;
  /** What each hook's files looked like when it last exited 0. */
  hooks: { certchange?: string; keychange?: string };
  orders: Partial<Record<SlotName, StoredOrder>>;
  failures?: { count: number; last: string; notBefore: string };
  /** So that a run with nothing to do has nothing to parse. */
  contents: Contents;
}

/** The state of one line, and how to change it durably. */
export interface StateFile {
  readonly value: State;
  update(change: Partial<State>): void;
}

const empty: State = {
  version: 1,
  keys: {},
  hooks: {},
  orders: {},
  contents: { keys: {}, certificates: {} },
};

/** Opens the state file of a line.
 *
 * @param path the file
 * @param options a damaged file is moved aside and reported, unless `readOnly`
 * @returns the state; empty where there is none
 * @throws {LineError} a newer version of this program wrote it
 */
export function openState(
  path: string,
  options: { warn(line: string): void; readOnly?: boolean },
): StateFile {
  let value = empty;
  const info = inspect(path);
  if (info) {
    const bytes = info.size > largest ? undefined : read(path);
    const parsed = bytes && parse(bytes);
    if (parsed) value = parsed;
    else if (!options.readOnly) {
      renameAll([[path, badName(path)]]);
      options.warn(`The state file "${path}" was damaged: moved to "${badName(path)}"; hooks run once more`);
    }
  }
  return {
    get value() {
      return value;
    },
    update(change) {
      const next = { ...value, ...change };
      const text = JSON.stringify(next, null, 2) + "\n";
      if (text === JSON.stringify(value, null, 2) + "\n") return;
      put(path, new TextEncoder().encode(text), { mode: 0o600 });
      value = next;
    },
  };
}

/** Puts instants right that a clock wrote which ran ahead: nothing that is remembered has yet to happen.
 *
 * @param state what is remembered
 * @param now the time
 * @returns the same object where nothing has to change
 */
export function withoutFuture(state: State, now: Date): State {
  const isFuture = (instant: string) => Date.parse(instant) > +now + clockTolerance;
  const { keys, staged, observed, failures } = state;
  const instants = [
    ...Object.values(keys),
    ...staged ? [staged.since] : [],
    ...observed?.told ? [observed.told] : [],
    ...failures ? [failures.last] : [],
  ];
  if (!instants.some(isFuture)) return state;
  const mend = (instant: string) => isFuture(instant) ? now.toISOString() : instant;
  return {
    ...state,
    keys: Object.fromEntries(Object.entries(keys).map(([keyId, created]) => [keyId, mend(created)])),
    staged: staged && { ...staged, since: mend(staged.since) },
    observed: observed && {
      ...observed,
      told: observed.told && mend(observed.told),
    },
    failures: failures && isFuture(failures.last) ? undefined : failures,
  };
}

/** Where a damaged state file is kept. */
const badName = (path: string): string => `${path}.bad`;

function parse(bytes: Uint8Array<ArrayBuffer>): State | undefined {
  let json;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof json?.version === "number" && json.version > 1) {
    throw new LineError(`The state file is of version ${json.version}: this program knows version 1 only`, {
      hint: "use the newer program that wrote it",
    });
  }
  return isState(json) ? { ...empty, ...json } : undefined;
}

const isInstant = (value: unknown) => typeof value === "string" && !Number.isNaN(Date.parse(value));
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown) => typeof value === "string";
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
const optional = (value: unknown, check: (fields: Record<string, unknown>) => boolean) =>
  value === undefined || isRecord(value) && check(value);

function isState(json: unknown): json is Omit<State, "contents"> {
  return isRecord(json) && json.version === 1 &&
    isRecord(json.keys) && Object.values(json.keys).every(isInstant) &&
    isRecord(json.hooks) && Object.values(json.hooks).every(isText) &&
    isRecord(json.orders) &&
    Object.values(json.orders).every((order) =>
      isRecord(order) && isText(order.url) && isText(order.directory) &&
      (order.keyId === undefined || isText(order.keyId)) &&
      isTexts(order.domains) &&
      isTexts(order.tokens)
    ) &&
    optional(json.contents, isContents) &&
    optional(json.staged, ({ keyId, since }) => isText(keyId) && isInstant(since)) &&
    optional(
      json.observed,
      ({ keyId, at, problems, told }) =>
        isText(keyId) && (at === undefined || isInstant(at)) && isTexts(problems) &&
        (told === undefined || isInstant(told)),
    ) &&
    (json.served === undefined || isText(json.served)) &&
    (json.revocations === undefined ||
      Array.isArray(json.revocations) &&
        json.revocations.every((each) =>
          isRecord(each) && (isText(each.serial) || isText(each.keyId)) && typeof each.reason === "number"
        )) &&
    optional(json.revoked, (ends) => Object.values(ends).every(isInstant)) &&
    optional(json.account, ({ directory, thumbprint, url }) => [directory, thumbprint, url].every(isText)) &&
    optional(
      json.failures,
      ({ count, last, notBefore }) => typeof count === "number" && isInstant(last) && isInstant(notBefore),
    );
}

function isContents(json: Record<string, unknown>): boolean {
  if (!isRecord(json.keys) || !isRecord(json.certificates)) return false;
  return Object.values(json.keys).every((key) =>
    isRecord(key) && isText(key.keyId) && isText(key.type) && typeof key.length === "number"
  ) && Object.values(json.certificates).every((each) =>
    isRecord(each) && isText(each.keyId) && isTexts(each.names) && isText(each.serial) &&
    isInstant(each.notBefore) && isInstant(each.notAfter)
  );
}
