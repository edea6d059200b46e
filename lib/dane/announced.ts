/** Whether DNS knows the keys everywhere: every address of every name server of every service, and a validating resolver. */
import { type Chain, combination, matchesChain, type TlsaRecord, uncovered } from "./records.ts";
import { ask, DnsError, follow, tlsaIn } from "./dns.ts";
import { printable } from "../errors.ts";
import type { Pair } from "../line/files.ts";
import { addresses, resolverOf, zoneOf } from "./resolver.ts";
import type { DaneConfig, Endpoint, Network, Service } from "./service.ts";

/** Why keys don't count as announced. */
export interface Problem {
  /** One line, with server and service in it. */
  text: string;
  /** Whether a record is missing, not an answer. */
  isRecordMissing: boolean;
}

/** What DNS said. */
export interface Observation {
  /** One for each server and service; empty: the keys are announced. */
  problems: Problem[];
  /** The largest TTL that was seen, milliseconds. */
  ttl: number;
  /** What each service's records are, as the resolver has them. */
  records: Map<Service, TlsaRecord[]>;
}

/** A key with what it would be presented with, and how messages call it. */
export interface Candidate {
  /** Such as `it`, of a staging key, or `the live key`. */
  called: string;
  chain: Chain;
}

/** A key as it would be presented.
 *
 * @param pair a slot whose certificate is whole
 * @param called how messages call it
 */
export async function candidate({ crt }: Pair, called: string): Promise<Candidate> {
  const { readChain } = await import("../x509/certificate.ts");
  return { called, chain: readChain(new TextDecoder().decode(crt!.bytes)) };
}

/** Asks DNS whether it knows keys everywhere; what can't be checked counts as not announced (RFC 7671 §8.1).
 *
 * @param dane the section [tlsa]
 * @param keys all that the records must fit
 * @param system reaches the servers
 * @returns what they say, all asked side by side
 */
export async function observe(dane: DaneConfig, keys: Candidate[], system: Network): Promise<Observation> {
  const seen: Observation = { problems: [], ttl: 0, records: new Map() };
  const resolver = resolverOf(dane);
  await Promise.all(dane.services.map(async (service) => {
    const owner = await observeResolver(resolver, service, keys, system, seen);
    if (owner !== undefined) await observeServers(resolver, service, owner, keys, system, seen);
  }));
  seen.problems.sort((a, b) => a.text < b.text ? -1 : 1);
  return seen;
}

/** What caches will have; returns the name that the records really stand at. */
async function observeResolver(
  resolver: Endpoint,
  service: Service,
  keys: Candidate[],
  system: Network,
  seen: Observation,
): Promise<string | undefined> {
  const who = `the resolver ${resolver.address}`;
  try {
    const answer = await ask(system, resolver, service.name, "TLSA", { recursive: true });
    const { name, records } = follow(answer, service.name, "TLSA");
    if (!answer.isAuthenticated && !answer.isAuthoritative) {
      seen.problems.push(
        unanswered(`${who} has not validated ${service.name}: is the zone signed, and does it check DNSSEC?`),
      );
    }
    const found = records.flatMap((each) => tlsaIn(each) ?? []);
    seen.records.set(service, found);
    seen.ttl = Math.max(seen.ttl, ...records.map(({ ttl }) => ttl * 1000));
    await judge(who, service, found, keys, seen);
    return name;
  } catch (error) {
    seen.problems.push(unanswered(`${who} ${words(error)} at ${service.name}`));
  }
}

/** What the zone's own servers have, secondaries included. */
async function observeServers(
  resolver: Endpoint,
  service: Service,
  owner: string,
  keys: Candidate[],
  system: Network,
  seen: Observation,
): Promise<void> {
  let servers: string[];
  try {
    ({ servers } = await zoneOf(system, resolver, owner));
  } catch (error) {
    seen.problems.push(unanswered(`${printable(owner, 260)} ${words(error)}`));
    return;
  }
  await Promise.all(servers.map(async (server) => {
    let found: string[];
    try {
      found = await addresses(system, resolver, server);
    } catch (error) {
      seen.problems.push(unanswered(`${printable(server, 260)} ${words(error)}`));
      return;
    }
    const unroutable: Problem[] = [];
    await Promise.all(found.map(async (address) => {
      const who = `${printable(server, 260)} (${address})`;
      try {
        const answer = await ask(system, { address, port: 53 }, owner, "TLSA");
        const { records } = follow(answer, owner, "TLSA");
        if (!answer.isAuthoritative) throw new DnsError("does not speak for the zone");
        seen.ttl = Math.max(seen.ttl, ...records.map(({ ttl }) => ttl * 1000));
        await judge(who, service, records.flatMap((each) => tlsaIn(each) ?? []), keys, seen);
      } catch (error) {
        const problem = unanswered(`${who} ${words(error)} at ${service.name}`);
        (error instanceof DnsError && error.isUnroutable ? unroutable : seen.problems).push(problem);
      }
    }));
    // A machine without IPv6 has to believe what the same server says over IPv4; but somebody has to say it.
    if (unroutable.length === found.length) seen.problems.push(...unroutable);
  }));
}

async function judge(
  who: string,
  service: Service,
  rrset: readonly TlsaRecord[],
  keys: Candidate[],
  seen: Observation,
): Promise<void> {
  for (const { called, chain } of keys) {
    for (const missing of await uncovered(rrset, chain)) {
      const others = rrset.some((record) => combination(record) !== missing) &&
        (await Promise.all(rrset.map((record) => matchesChain(record, chain)))).includes(true);
      const what = others ? `TLSA ${missing}` : "TLSA";
      seen.problems.push({
        text: `${who} has no ${what} for ${called} at ${service.name}`,
        isRecordMissing: true,
      });
    }
  }
}

const unanswered = (text: string): Problem => ({ text, isRecordMissing: false });

function words(error: unknown): string {
  if (error instanceof DnsError) return error.message;
  throw error;
}
