/** What DNS says of the line's keys. */
import type { Config } from "../config/config.ts";
import { candidate, observe } from "../dane/announced.ts";
import { combination, matchesChain, type TlsaRecord } from "../dane/records.ts";
import { zoneRecords } from "../line/zone.ts";
import { day, hour } from "../time.ts";
import type { World } from "../steps/world.ts";
import { type Finding, type Seen, warnings } from "./finding.ts";

type Dane = NonNullable<Config["dane"]>;

/** Asks DNS for the records of every service.
 *
 * @param config the configuration
 * @param dane its section [tlsa]
 * @param seen the keys
 * @param world reaches name servers
 */
export async function dnsFindings(
  config: Config,
  dane: Dane,
  { line, files, state }: Seen,
  world: World,
): Promise<Finding[]> {
  const live = await candidate(files.live, "the live key");
  const staging = line.staging.kind === "certified" ? await candidate(files.staging, "it") : undefined;
  const due = new Set((await zoneRecords(config, files, state)).map(({ data }) => data));
  const { problems, records, ttl } = await observe(dane, [live], world);
  // Without a record for the live key, mail is not delivered.
  const missing = problems.map(({ text, isRecordMissing }): Finding => ({
    text: isRecordMissing ? `${text}: publish what the action tlsa prints` : text,
    isCritical: isRecordMissing === true,
  }));
  const slow = ttl > day
    ? [`TLSA records have a TTL of ${ttl / hour} hours: set at most 3600 seconds, or a new key waits long`]
    : [];
  const strange: string[] = [];
  for (
    const { name, record } of dane.services.flatMap(({ name }, i) =>
      (records.get(dane.services[i]) ?? []).map((record) => ({ name, record }))
    )
  ) {
    const isKnown = due.has(record.data) || await matchesChain(record, live.chain) ||
      staging && await matchesChain(record, staging.chain);
    const what = `TLSA ${combination(record)} ${record.data.slice(0, 16)}… at ${name}`;
    strange.push(...recordProblems(record, what, Boolean(isKnown)));
  }
  return [...missing, ...warnings([...slow, ...strange])];
}

function recordProblems({ usage, selector }: TlsaRecord, what: string, isKnown: boolean): string[] {
  return [
    ...usage < 2
      ? [`${what} has usage ${usage}, which mail servers ignore (RFC 7672 §3.1.3): write 3 1 1`]
      : [],
    ...usage === 3 && selector === 0
      ? [`${what} names a certificate, which changes with each renewal: write 3 1 1`]
      : [],
    ...isKnown ? [] : [`${what} is for no key of this line: remove it`],
  ];
}
