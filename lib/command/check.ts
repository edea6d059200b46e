/** What is wrong with a line, as seen from outside: files, certificate, DNS, and what the services serve. */
import { checkAccess } from "../steps/safety.ts";
import { candidate, observe } from "../dane/announced.ts";
import { day, hour } from "../time.ts";
import type { Config } from "../config/config.ts";
import { Failure, readable } from "../errors.ts";
import { hint } from "./hints.ts";
import type { Files } from "../line/files.ts";
import type { Line } from "../line/decide.ts";
import { lookAtServices, type Presented } from "../dane/served.ts";
import type { State } from "../line/memory.ts";
import { margin, type Slot } from "../line/renewal.ts";
import { combination, matchesChain, type TlsaRecord } from "../dane/records.ts";
import type { World } from "../steps/world.ts";
import { zoneRecords } from "../line/zone.ts";

/** Looks for what needs a hand.
 *
 * @param config the configuration
 * @param seen what is on disk, and what is remembered
 * @param system reaches DNS and services
 * @returns one line for each finding, with its cure; empty: all is well
 */
export async function check(config: Config, seen: Seen, system: World): Promise<string[]> {
  const { line } = seen;
  const findings = [
    ...accessFindings(config, system),
    ...line.damaged.length > 0 ? [] : certificateFindings(config, line.live, system.now()),
  ];
  findings.push(...line.damaged.map((path) => `"${path}" is damaged or not for its key: run recover`));
  if (line.outputsStale) findings.push("A derived file is missing or stale: run cron -k");
  for (const [name, due] of Object.entries(line.due)) {
    if (due) {
      findings.push(
        `post-${name} has not succeeded since its files changed: run cron -k and read what it says`,
      );
    }
  }
  if (config.dane && line.live.kind === "certified") {
    const [dns, served] = await Promise.all([
      dnsFindings(config, config.dane, seen, system),
      lookAtServices(config.dane, system),
    ]);
    findings.push(...dns);
    findings.push(...servedFindings(served, line.live.key.spki));
  }
  return findings;
}

function accessFindings(config: Config, { now, proxy }: World): string[] {
  try {
    return checkAccess(config, { hooks: true }).map((each) => each.replace(/^warning: /, ""));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const cure = hint(error, { now: now(), proxy });
    return [cure ? `${error.message}: ${cure}` : error.message];
  }
}

function certificateFindings({ timing }: Config, live: Slot, now: Date): string[] {
  if (live.kind === "empty") return ["There is no live key: run init"];
  if (live.kind === "key") return ["There is no live certificate: run cron"];
  const { notAfter } = live.certificate;
  // A renewal that is due is cron's business; one that is half a margin late is the administrator's.
  const late = +notAfter - margin(live.certificate, timing.renewBefore) / 2;
  if (+now < late) return [];
  const ends = +notAfter <= +now ? "expired" : "expires";
  return [`The live certificate ${ends} ${readable(notAfter)}: run cron and read what it says`];
}

/** A line, with what it is made of. */
interface Seen {
  line: Line;
  files: Files;
  state: State;
}

type Dane = NonNullable<Config["dane"]>;

async function dnsFindings(
  config: Config,
  dane: Dane,
  { line, files, state }: Seen,
  system: World,
): Promise<string[]> {
  const live = await candidate(files.live, "the live key");
  const staging = line.staging.kind === "certified" ? await candidate(files.staging, "it") : undefined;
  const due = new Set((await zoneRecords(config, files, state)).map(({ data }) => data));
  const { problems, records, ttl } = await observe(dane, [live], system);
  const findings = problems.map(({ text, isRecordMissing }) =>
    isRecordMissing ? `${text}: publish what the action tlsa prints` : text
  );
  if (ttl > day) {
    findings.push(
      `TLSA records have a TTL of ${ttl / hour} hours: set at most 3600 seconds, or a new key waits long`,
    );
  }
  for (const service of dane.services) {
    for (const record of records.get(service) ?? []) {
      const isKnown = due.has(record.data) || await matchesChain(record, live.chain) ||
        staging && await matchesChain(record, staging.chain);
      const { name } = service;
      const what = `TLSA ${combination(record)} ${record.data.slice(0, 16)}… at ${name}`;
      findings.push(...recordFindings(record, what, Boolean(isKnown)));
    }
  }
  return findings;
}

const servedFindings = (presented: Presented[], spki: string): string[] =>
  presented.filter((each) => each.spki !== spki).map(({ where, problem }) =>
    problem ? `${where} ${problem}: is it up?` : `${where} serves another key: reload that server`
  );

function recordFindings({ usage, selector }: TlsaRecord, what: string, isKnown: boolean): string[] {
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
