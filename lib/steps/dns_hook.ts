/** The dns-01 challenge by a program of the administrator's, RFC 8555 §8.4: it publishes TXT records, we look at every server. */
import { type Presented, type Solver, txtValueOf } from "../acme/challenge.ts";
import { DnsError } from "../dane/dns.ts";
import { awaitTexts, placeOf, type Wanted } from "../dane/txt.ts";
import { Failure, printable } from "../errors.ts";
import type { ChallengeRecord } from "../line/schema.ts";
import type { Session } from "./session.ts";

/** Seconds: nobody has to remember such a record for long. */
const ttl = 60;

/** Answers challenges by records.
 *
 * @param session whose configuration names the program
 * @param remember called with all records before they are published, so that a later run can remove what a crash left behind;
 *   and with those that are left
 */
export function dnsHookSolver(session: Session, remember: (records: ChallengeRecord[]) => void): Solver {
  let published: ChallengeRecord[] = [];
  return {
    type: "dns-01",
    async present(challenges) {
      const wanted = await Promise.all(challenges.map((each) => wantedFor(each, session)));
      published = wanted.map(({ place, values: [value] }) => ({ name: place.owner, value }));
      remember(published);
      await runHook("dns-present", published, session);
      await confirm(wanted, session);
    },
    async remove() {
      if (published.length === 0) return;
      remember(await removeRecords(published, session) ? [] : published);
    },
  };
}

/** Removes the records that an interrupted run left, or that could not be removed then.
 *
 * @param session remembers them
 */
export async function removeStaleRecords(session: Session): Promise<void> {
  const { memory } = session;
  const left = memory.value.orders.flatMap(({ records = [] }) => records);
  if (left.length === 0 || !await removeRecords(left, session)) return;
  memory.update({ orders: memory.value.orders.map(({ records: _, ...each }) => each) });
}

/** Where a record is to be changed: aliases at the challenge's name lead there, as the CA follows them. */
async function wantedFor(challenge: Presented, { config: { dns }, world }: Session): Promise<Wanted> {
  const { name } = challenge;
  try {
    const place = await placeOf(world, { label: "_acme-challenge", name }, dns);
    return { place, values: [await txtValueOf(challenge.keyAuthorization)] };
  } catch (error) {
    if (!(error instanceof DnsError)) throw error;
    throw new Failure("hook.dns", `"_acme-challenge.${name}" ${error.message}`);
  }
}

/** Only then the CA is told: each of its perspectives asks whichever server it likes. */
async function confirm(wanted: readonly Wanted[], { config: { dns }, world }: Session): Promise<void> {
  if (!dns.check) return;
  world.progress("Waiting for every name server to have the records");
  const [first, ...more] = await awaitTexts(world, wanted, dns);
  if (!first) return;
  const others = more.length > 0 ? `, and ${more.length} more` : "";
  throw new Failure("hook.dns", `The records of the challenge are not everywhere: ${first}${others}`);
}

/** Returns whether they are gone; what stays in the zone is said, and tried again by the next run. */
async function removeRecords(records: readonly ChallengeRecord[], session: Session): Promise<boolean> {
  try {
    await runHook("dns-remove", records, session);
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const names = [...new Set(records.map(({ name }) => name))].join(" ");
    session.world.warn(`warning: TXT records could not be removed at ${printable(names)}: ${error.message}`);
    return false;
  }
}

/** One call for all records of an order; nothing in it comes from the CA but digests that we made. */
async function runHook(
  event: "dns-present" | "dns-remove",
  records: readonly ChallengeRecord[],
  { config, world }: Session,
): Promise<void> {
  const program = config.acme.dnsHook!;
  const status = await world.runHook(program, {
    LETSENCRYPT_TINY_EVENT: event,
    LETSENCRYPT_TINY_CONFIG: config.file,
    LETSENCRYPT_TINY_DOMAINS: config.domains.join(" "),
    LETSENCRYPT_TINY_RECORDS: records.map(({ name, value }) => `${name}. ${ttl} TXT "${value}"`).join("\n"),
  });
  if (status === 0) return;
  throw new Failure(
    "hook.failed",
    `The DNS hook failed at ${event}: "${program}" ended with status ${status}`,
    {
      path: program,
    },
  );
}
