/** What DNS says of the line's keys. */
import type { Config } from "../config/config.ts";
import { observe, problemsIn } from "../dane/announced.ts";
import type { Pair } from "../line/files.ts";
import { combination, matchesChain, type TlsaRecord } from "../dane/records.ts";
import { zoneRecords } from "../line/zone.ts";
import { day, hour } from "../time.ts";
import type { World } from "../steps/session.ts";
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
  { line, files, memory }: Seen,
  world: World,
): Promise<Finding[]> {
  const { readChain } = await import("../x509/certificate.ts");
  const chainOf = ({ crt }: Pair) => readChain(new TextDecoder().decode(crt!.bytes));
  const live = { called: "the live key", chain: chainOf(files.live) };
  const staging = line.staging.kind === "certified" ? chainOf(files.staging) : undefined;
  const due = new Set((await zoneRecords(config, files, memory)).map(({ data }) => data));
  const observation = await observe(dane, [live], world);
  const ttl = Math.max(...[...observation.values()].map((each) => each.ttl));
  // Without a record for the live key, mail is not delivered.
  const missing = problemsIn(observation).map(({ text, isRecordMissing }): Finding => ({
    text: isRecordMissing ? `${text}: publish what the action tlsa prints` : text,
    isCritical: isRecordMissing === true,
  }));
  const slow = ttl > day
    ? [`TLSA records have a TTL of ${ttl / hour} hours: set at most 3600 seconds, or a new key waits long`]
    : [];
  const strange: string[] = [];
  for (
    const { name, record } of dane.services.flatMap(({ name }) =>
      observation.get(name)!.records.map((record) => ({ name, record }))
    )
  ) {
    const isKnown = due.has(record.data) || await matchesChain(record, live.chain) ||
      staging && await matchesChain(record, staging);
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
