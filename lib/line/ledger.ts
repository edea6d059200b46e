/** The ledger of orders: what was asked of the CA in the last days, and what became of it. Pure.
 *
 * Three things are read from it, and nothing else decides them: how soon another order may be placed, which order an
 * interrupted run left, and which certificates the CA has issued, whether or not they were ever installed.
 */
import { day, hour } from "../time.ts";
import type { SlotName } from "./line.ts";
import type { LedgerEntry, Memory } from "./schema.ts";

/** For so long an entry is kept: the CA's longest limit counts seven days. */
const kept = 8 * day;
/** Let's Encrypt gives five certificates a week for one set of names, and one must be left for a stolen key. */
const mostCertificates = 4;
const week = 7 * day;
/** Let's Encrypt lets a name fail five times an hour: by itself the program tries once, a person up to four times. */
const mostFailures = { cron: 1, byHand: 4 };
/** How many runs an order that the CA keeps `pending` or `processing` may hold up. */
const mostDelays = 2;

/** When the ledger lets another order be placed.
 *
 * @param orders the ledger
 * @param wanted the CA's directory, the names, and the time
 * @returns instants for what is done by itself, what is asked for by hand, and what replaces a stolen key; undefined: at once
 */
export function heldBack(
  orders: readonly LedgerEntry[],
  wanted: { directory: string; names: readonly string[]; now: Date },
): { cron?: Date; byHand?: Date; stolenKey?: Date } {
  const { directory, now } = wanted;
  const names = [...wanted.names].sort();
  const past = orders.filter((each) => each.directory === directory && Date.parse(each.at) <= +now);
  const within = (entries: readonly LedgerEntry[], span: number) =>
    entries.map(({ at }) => Date.parse(at)).filter((at) => at > +now - span).sort((a, b) => b - a);
  const issued = within(
    past.filter((each) => isIssued(each) && [...each.names].sort().join() === names.join()),
    week,
  );
  const failed = within(
    past.filter((each) => each.outcome === "failed" && each.names.some((name) => names.includes(name))),
    hour,
  );
  const until = (times: readonly number[], most: number, span: number) =>
    times.length >= most ? times[most - 1] + span : 0;
  const latest = (certificates: number, failures: number) => {
    const at = Math.max(until(issued, certificates, week), until(failed, failures, hour));
    return at > +now ? new Date(at) : undefined;
  };
  return {
    cron: latest(mostCertificates, mostFailures.cron),
    byHand: latest(mostCertificates, mostFailures.byHand),
    stolenKey: latest(mostCertificates + 1, mostFailures.byHand),
  };
}

/** Whether the CA has issued a certificate for an order, as far as is known; also one that our checks refused. */
const isIssued = ({ outcome }: LedgerEntry): boolean => outcome === "installed" || outcome === "refused";

/** The order that an earlier run left under way for a slot.
 *
 * @param memory what is remembered
 * @param slot live or staging
 */
export const openOrder = ({ orders }: Memory, slot: SlotName): LedgerEntry | undefined =>
  orders.find((each) => each.slot === slot && each.outcome === "open");

/** Whether an order has held up enough runs, and gives way to a new one. */
export const hasDelayedEnough = ({ delays }: LedgerEntry): boolean => delays >= mostDelays;

/** The ledger with an entry added or changed; what is too old to count goes, unless it is still under way.
 *
 * @param orders the ledger
 * @param entry known by its URL
 * @param now the time
 */
export function withEntry(orders: readonly LedgerEntry[], entry: LedgerEntry, now: Date): LedgerEntry[] {
  const isRecent = ({ at, outcome }: LedgerEntry) => outcome === "open" || Date.parse(at) > +now - kept;
  const others = orders.filter((each) => each.url !== entry.url && isRecent(each));
  return [...others, entry];
}
