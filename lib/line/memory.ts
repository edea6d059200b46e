/** What the line remembers between runs, in a small JSON file beside the keys. Losing it costs one extra hook run. */
import { clockTolerance } from "../time.ts";
import { put, renameAll } from "../disk/write.ts";
import { Failure } from "../errors.ts";
import { inspect, largest, read } from "../disk/read.ts";
import type { Memory } from "./schema.ts";

export type { Memory };

/** The memory of one line, and how to change it durably. */
export interface MemoryFile {
  readonly value: Memory;
  update(change: Partial<Memory>): void;
}

/** What a line remembers that has not begun. */
export const emptyMemory: Memory = {
  version: 2,
  keys: {},
  revocations: [],
  revoked: {},
  hooks: {},
  orders: [],
  told: {},
  contents: { keys: {}, certificates: {} },
};

/** Opens the memory of a line.
 *
 * @param path the file
 * @param options the time; a damaged file is moved aside and reported, unless `readOnly`
 * @returns the memory; empty where there is none
 * @throws {Failure} `files.memory`: a newer version of this program wrote it
 */
export async function openMemory(
  path: string,
  options: { now(): Date; warn(line: string): void; readOnly?: boolean },
): Promise<MemoryFile> {
  let value = await readMemory(path, options);
  return {
    get value() {
      return value;
    },
    update(change) {
      const next = { ...value, ...change };
      const text = serialize(next);
      if (text === serialize(value)) return;
      put(path, new TextEncoder().encode(text), { mode: 0o600 });
      value = next;
    },
  };
}

async function readMemory(
  path: string,
  { now, warn, readOnly }: { now(): Date; warn(line: string): void; readOnly?: boolean },
): Promise<Memory> {
  const info = inspect(path);
  if (!info) return emptyMemory;
  const bytes = info.size > largest ? undefined : read(path);
  const parsed = bytes && await parse(bytes, now());
  if (parsed) return parsed;
  if (!readOnly) {
    renameAll([[path, badName(path)]]);
    warn(
      `The state file "${path}" was damaged: moved to "${
        badName(path)
      }"; hooks run once more, and a revocation that was under way has to be asked for again`,
    );
  }
  return emptyMemory;
}

/** Where a damaged file is kept. */
const badName = (path: string): string => `${path}.bad`;

/** The first line has a checksum of all that follows: what this program wrote last needs no other check. */
function serialize(memory: Memory): string {
  const rest = JSON.stringify(memory, null, 2).slice(2) + "\n";
  return `{ "crc32": "${crc32(rest)}",\n${rest}`;
}

async function parse(bytes: Uint8Array<ArrayBuffer>, now: Date): Promise<Memory | undefined> {
  let text, json;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json?.version === "number" && json.version > 2) {
    throw new Failure(
      "files.memory",
      `The state file is of version ${json.version}: this program knows versions 1 and 2 only`,
    );
  }
  const rest = text.slice(text.indexOf("\n") + 1);
  const { crc32: sum, ...memory } = json ?? {};
  if (sum !== undefined && sum === crc32(rest)) return memory;
  const { parseMemory } = await import("./schema.ts");
  return parseMemory(memory, now);
}

/** The checksum of ISO 3309, as gzip has it: no single run of up to 32 damaged bits escapes it. */
function crc32(text: string): string {
  let crc = -1;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (~crc >>> 0).toString(16).padStart(8, "0");
}

/** Puts instants right that a clock wrote which ran ahead: nothing that is remembered has yet to happen.
 *
 * @param memory what is remembered
 * @param now the time
 * @returns the same object where nothing has to change
 */
export function withoutFuture(memory: Memory, now: Date): Memory {
  const isFuture = (instant?: string) => instant !== undefined && Date.parse(instant) > +now + clockTolerance;
  const mend = (instant: string) => isFuture(instant) ? now.toISOString() : instant;
  const mendAll = (instants: Record<string, string>) =>
    Object.fromEntries(Object.entries(instants).map(([name, instant]) => [name, mend(instant)]));
  const { keys, announced, observed, failures, orders, told, renewalInfo } = memory;
  const instants = [
    ...[...Object.values(keys), ...Object.values(told), ...orders.map(({ at }) => at)],
    ...[announced?.since, observed?.told, failures?.last, renewalInfo?.readAt],
  ];
  if (!instants.some(isFuture)) return memory;
  return {
    ...memory,
    keys: mendAll(keys),
    told: mendAll(told),
    orders: orders.map((each) => ({ ...each, at: mend(each.at) })),
    announced: announced && { ...announced, since: mend(announced.since) },
    observed: observed && { ...observed, ...observed.told ? { told: mend(observed.told) } : {} },
    failures: isFuture(failures?.last) ? undefined : failures,
    renewalInfo: isFuture(renewalInfo?.readAt) ? undefined : renewalInfo,
  };
}
