/** What happens to a staged key: announced, looked for in DNS, live, served. */
import type { Observation } from "../dane/announced.ts";
import type { RolloverMemory } from "../dane/rollover_memory.ts";
import { Failure, printable } from "../errors.ts";
import { stagedKeyId } from "../line/due.ts";
import { day } from "../time.ts";
import { promote } from "./install.ts";
import type { Session } from "./session.ts";

/** Starts the clock of a staged key that no hook announces. */
export function startClock({ files, memory, world }: Session): Promise<void> {
  memory.update({ announced: { keyId: stagedKeyId(files)!, since: world.now().toISOString() } });
  return Promise.resolve();
}

/** Asks DNS for the keys: how long its caches keep records is to be known before a key is staged. Where one is, remembers
 * from when on it may go live, and says once a day why not yet.
 *
 * Whatever goes wrong here keeps the staged key waiting, and nothing else: the live one is renewed as usual.
 */
export async function askDns(session: Session): Promise<void> {
  const { memory, world, files } = session;
  const keyId = isStagedKeyAskedFor(session) ? stagedKeyId(files) : undefined;
  const { rollover, at, problems } = await lookAtDns(session, keyId);
  if (rollover) memory.update({ rollover });
  if (!keyId) return;
  const { observed } = memory.value;
  const told = observed?.keyId === keyId ? observed.told : undefined;
  const now = world.now();
  const isToTell = problems.length > 0 && !(told && Date.parse(told) + day > +now);
  memory.update({
    observed: {
      keyId,
      problems: problems.slice(0, 20),
      ...at ? { at: at.toISOString() } : {},
      ...isToTell ? { told: now.toISOString() } : told ? { told } : {},
    },
  });
  if (isToTell) { for (const problem of problems.slice(0, 5)) world.log(`staging key waits: ${problem}`); }
}

/** A hook that has not announced it yet comes first. */
const isStagedKeyAskedFor = ({ config, hooks, memory, files }: Session): boolean =>
  !hooks || config.hooks.keychange === undefined || memory.value.announced?.keyId === stagedKeyId(files);

interface Answer {
  rollover?: RolloverMemory;
  at?: Date;
  problems: string[];
}

async function lookAtDns(session: Session, keyId: string | undefined): Promise<Answer> {
  const { config: { dane, timing }, memory, world } = session;
  const { observe, problemsIn } = await import("../dane/announced.ts");
  const { remember, shortestWait, switchAt } = await import("../dane/rollover.ts");
  let observation: Observation;
  try {
    observation = await observe(dane!, await candidates(session, keyId), world);
  } catch (error) {
    return { problems: [`DNS can't be asked: ${printable(error instanceof Error ? error.message : "")}`] };
  }
  const clock = { wall: world.now(), uptime: world.uptime() };
  const rollover = remember(memory.value.rollover, observation, { clock, keyId });
  const services = dane!.services.map(({ name }) => name);
  const wait = Math.max(timing.staging, world.shortestWait ?? shortestWait);
  return {
    rollover,
    at: keyId ? switchAt(rollover, { services, keyId, wait }) : undefined,
    problems: problemsIn(observation).map(({ text }) => text),
  };
}

/** The keys as they would be presented: a staged one as "it". */
async function candidates({ files: { live, staging } }: Session, keyId: string | undefined) {
  const { readChain } = await import("../x509/certificate.ts");
  const found = [
    ...keyId ? [{ called: "it", crt: staging.crt }] : [],
    ...live.crt?.certificate ? [{ called: "the live key", crt: live.crt }] : [],
  ];
  return found.map(({ called, crt }) => ({ called, chain: readChain(new TextDecoder().decode(crt!.bytes)) }));
}

/** Makes the staged pair live. */
export async function unstage({ config, memory, files, world }: Session): Promise<void> {
  // What servers have until somebody has seen that they don't.
  memory.update({ served: memory.value.served ?? files.live.key?.key?.keyId });
  const notice = await promote(config);
  if (notice) world.warn(`notice: ${notice}`);
  memory.update({ announced: undefined });
}

/** Looks whether every service serves the live key, where that is configured; a server that doesn't has not reloaded, so that
 * the hook counts as failed and is run again.
 *
 * @throws {Failure} `hook.unserved`: one doesn't
 */
export async function confirmServed({ config: { dane }, files, memory, world }: Session): Promise<void> {
  const keyId = files.live.key!.key!.keyId;
  if (dane?.served) {
    const { awaitServed } = await import("../dane/served.ts");
    const [first, ...more] = await awaitServed(dane, keyId, world);
    if (first) {
      const { certchange: _, ...others } = memory.value.hooks;
      memory.update({ hooks: others });
      const rest = more.length > 0 ? `, and ${more.length} more` : "";
      throw new Failure("hook.unserved", `The new key is not served everywhere: ${first}${rest}`);
    }
  }
  memory.update({ served: keyId });
}
