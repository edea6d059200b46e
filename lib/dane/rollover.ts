/** When a staged key may go live: from what DNS said, run after run. Pure. */
import { minute } from "../time.ts";
import type { Observation, Sight } from "./announced.ts";
import type { RolloverMemory } from "./rollover_memory.ts";

type ServiceMemory = RolloverMemory["services"][string];

/** Two clocks at one moment. */
export interface Clock {
  wall: Date;
  /** Milliseconds since the machine was booted: nobody can set it. */
  uptime: number;
}

/** The shortest wait, however small TTLs are: servers of one zone don't change at the same moment. */
export const shortestWait = 5 * minute;

/** Time that has passed between two runs for certain: no clock that was set, or that ran ahead, makes it longer.
 *
 * Across a boot it is what has passed since then, at most.
 *
 * @param then the earlier moment
 * @param now the later one
 * @returns milliseconds
 */
export function elapsed(then: Clock, now: Clock): number {
  const sinceBoot = now.uptime >= then.uptime ? now.uptime - then.uptime : now.uptime;
  return Math.max(0, Math.min(sinceBoot, +now.wall - +then.wall));
}

/** Adds what DNS said in this run.
 *
 * A record that is missing at a server starts that service's wait again. A server without an answer does not: it holds the
 * switch back in this run only.
 *
 * @param before what earlier runs remembered
 * @param observation what DNS said
 * @param options both clocks; `keyId`: the staged key that was looked for, beside the live one, if any
 * @returns what is to be remembered
 */
export function remember(
  before: RolloverMemory | undefined,
  observation: Observation,
  { clock, keyId }: { clock: Clock; keyId?: string },
): RolloverMemory {
  const passed = before ? elapsed({ ...before.clock, wall: new Date(before.clock.wall) }, clock) : 0;
  const known = new Map(Object.entries(before?.services ?? {}));
  const services: Record<string, ServiceMemory> = {};
  for (const [name, sight] of observation) {
    services[name] = rememberService(known.get(name), sight, { passed, keyId });
    known.delete(name);
  }
  // A service that is not configured any more may come back before caches have forgotten it.
  for (const [name, { ttls }] of known) {
    const kept = agedTtls(ttls, passed, true);
    if (kept.length > 0) services[name] = { problems: [], ttls: kept };
  }
  return { clock: { wall: clock.wall.toISOString(), uptime: clock.uptime }, services };
}

/** When a staged key may go live, RFC 7671 §8.1: for every service, two TTLs after the last moment at which a cache may have
 * got records without it.
 *
 * @param memory what {@link remember} returned, in this very run where the switch is to be made
 * @param options the configured services' names, the staged key, and the shortest wait, milliseconds
 * @returns the instant; undefined: nobody knows yet
 */
export function switchAt(
  { clock, services: remembered }: RolloverMemory,
  { services, keyId, wait }: { services: readonly string[]; keyId: string; wait: number },
): Date | undefined {
  const remaining: number[] = [];
  for (const name of services) {
    const service: ServiceMemory | undefined = remembered[name];
    if (!service || service.announced?.keyId !== keyId || service.problems.length > 0) return undefined;
    const { lasted } = service.announced;
    remaining.push(wait - lasted);
    for (const { ttl, gone = Infinity } of service.ttls) remaining.push(2 * ttl - Math.min(lasted, gone));
  }
  return remaining.length > 0 ? new Date(Date.parse(clock.wall) + Math.max(...remaining)) : undefined;
}

function rememberService(
  before: ServiceMemory | undefined,
  sight: Sight,
  { passed, keyId }: { passed: number; keyId?: string },
): ServiceMemory {
  const { missing, unanswered, ttl } = sight;
  const larger = agedTtls(before?.ttls ?? [], passed, unanswered.length === 0)
    .filter((each) => each.ttl > ttl);
  const ttls = [
    // Those that are given at this moment are not gone, whatever was thought before.
    ...larger,
    ...ttl > 0 ? [{ ttl }] : [],
  ];
  const announced = keyId === undefined ? undefined : announcedFor(keyId, before, sight, passed);
  return { problems: [...missing, ...unanswered], ttls, ...announced ? { announced } : {} };
}

function announcedFor(
  keyId: string,
  before: ServiceMemory | undefined,
  { missing, unanswered }: Sight,
  passed: number,
): ServiceMemory["announced"] {
  if (missing.length > 0) return undefined;
  if (before?.announced?.keyId === keyId) return { keyId, lasted: before.announced.lasted + passed };
  return unanswered.length === 0 ? { keyId, lasted: 0 } : undefined;
}

/** TTLs after some time in which no larger one was seen; twice its length after it went, a TTL is forgotten.
 *
 * @param isGone whether everybody was asked, so that what was not seen is not there
 */
function agedTtls(ttls: ServiceMemory["ttls"], passed: number, isGone: boolean): ServiceMemory["ttls"] {
  return ttls
    .map(({ ttl, gone }) =>
      gone !== undefined ? { ttl, gone: gone + passed } : isGone ? { ttl, gone: 0 } : { ttl }
    )
    .filter(({ ttl, gone = 0 }) => gone < 2 * ttl);
}
