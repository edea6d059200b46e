/** What DNS says of keys: every address of every name server of every service, and a validating resolver. */
import { printable } from "../errors.ts";
import { ask, type DnsAnswer, DnsError, type DnsRecord, follow, isSigned, nameIn, tlsaIn } from "./dns.ts";
import { type Chain, combination, matchesChain, type TlsaRecord, uncovered } from "./records.ts";
import { isOnThisMachine, resolverOf } from "./resolver.ts";
import type { DaneConfig, Endpoint, Network } from "./service.ts";
import { type NameServer, serverAddresses, serversOf, zoneOf } from "./zone.ts";

/** A key with what it would be presented with, and how messages call it. */
export interface Candidate {
  /** Such as `it`, of a staging key, or `the live key`. */
  called: string;
  chain: Chain;
}

/** What DNS said of one service. */
export interface Sight {
  /** Which server answered without a record: one line each. */
  missing: readonly string[];
  /** Who gave no answer that counts, and why: one line each. */
  unanswered: readonly string[];
  /** The largest TTL that was seen, of the records and of the aliases that lead to them, milliseconds. */
  ttl: number;
  /** The records, as the resolver has them. */
  records: readonly TlsaRecord[];
}

/** What DNS said, by the service's name. */
export type Observation = ReadonlyMap<string, Sight>;

/** What an observation is made with. */
interface View {
  network: Pick<Network, "exchangeDns">;
  resolver: Endpoint;
  isResolverTrusted: boolean;
  keys: readonly Candidate[];
  /** The servers of each zone: many services are in one. */
  zones: Map<string, Promise<NameServer[]>>;
}

const nothing: Sight = { missing: [], unanswered: [], ttl: 0, records: [] };

/** Asks DNS whether it knows keys everywhere; what can't be checked counts as not announced (RFC 7671 §8.1).
 *
 * @param dane the section [tlsa]
 * @param keys all that the records must fit
 * @param network reaches the servers
 * @returns what they say, all asked side by side
 */
export async function observe(
  dane: Pick<DaneConfig, "services" | "resolver" | "isResolverTrusted">,
  keys: readonly Candidate[],
  network: Pick<Network, "exchangeDns">,
): Promise<Observation> {
  const resolver = resolverOf(dane);
  const isResolverTrusted = dane.isResolverTrusted === true || isOnThisMachine(resolver);
  const view: View = { network, resolver, isResolverTrusted, keys, zones: new Map() };
  return new Map(
    await Promise.all(
      dane.services.map(async ({ name }) => [name, await observeService(name, view)] as const),
    ),
  );
}

/** Everything that keeps keys from being announced, as lines; what is missing and who didn't answer apart. */
export function problemsIn(observation: Observation): { text: string; isRecordMissing: boolean }[] {
  return [...observation.values()].flatMap(({ missing, unanswered }) => [
    ...missing.map((text) => ({ text, isRecordMissing: true })),
    ...unanswered.map((text) => ({ text, isRecordMissing: false })),
  ]).sort((a, b) => a.text < b.text ? -1 : 1);
}

async function observeService(service: string, view: View): Promise<Sight> {
  const who = `the resolver ${view.resolver.address}`;
  try {
    const question = { name: service, type: "TLSA" } as const;
    const answer = await ask(view.network, view.resolver, question, { recursive: true });
    const found = follow(answer, service, "TLSA");
    const records = found.records.flatMap((each) => tlsaIn(each) ?? []);
    const doubt = await doubtOf(answer, found.name, view);
    const names = [service, ...found.aliases.map(nameIn)];
    return join([
      { ttl: largestTtl([...found.aliases, ...found.records]), records },
      { unanswered: doubt ? [`${who} ${doubt}`] : [] },
      await judge(who, service, records, view.keys),
      ...await Promise.all(names.map((name) => observeZone({ service, name, names }, view))),
    ]);
  } catch (error) {
    return join([{ unanswered: [`${who} ${words(error)} at ${service}`] }]);
  }
}

/** Why the resolver's answer may not be what the zone's owner signed, as the end of a sentence.
 *
 * A server for the zone itself sets AA, and no AD. On this machine it is believed, where it has signatures to show.
 */
async function doubtOf(answer: DnsAnswer, name: string, view: View): Promise<string | undefined> {
  const { network, resolver, isResolverTrusted } = view;
  if (answer.isAuthenticated) {
    return isResolverTrusted
      ? undefined
      : `is not on this machine: anybody on the way may say that it has validated ${name}`;
  }
  if (answer.isAuthoritative && isOnThisMachine(resolver)) {
    const options = { recursive: true, withSignatures: true };
    const signed = await ask(network, resolver, { name, type: "TLSA" }, options);
    if (signed.isAuthoritative && isSigned(signed, name, "TLSA")) return undefined;
    return `is a server for the zone itself, but has no signature for ${name}`;
  }
  return `has not validated ${name}: is the zone signed, and does it check DNSSEC?`;
}

/** One name on the way to the records. */
interface Step {
  service: string;
  name: string;
  /** All of them, the service's own first. */
  names: readonly string[];
}

/** What the servers of a name's own zone have, secondaries included. */
async function observeZone(step: Step, view: View): Promise<Sight> {
  const { network, resolver, zones } = view;
  try {
    const zone = await zoneOf(network, resolver, step.name);
    const servers = zones.get(zone) ?? serversOf(network, resolver, zone);
    zones.set(zone, servers);
    return join(await Promise.all((await servers).map((server) => observeServer(server, step, view))));
  } catch (error) {
    return join([{ unanswered: [`${step.name} ${words(error)}`] }]);
  }
}

async function observeServer(server: NameServer, step: Step, view: View): Promise<Sight> {
  let all: string[];
  try {
    all = await serverAddresses(view.network, view.resolver, server);
  } catch (error) {
    return join([{ unanswered: [`${server.name} ${words(error)}`] }]);
  }
  const seen = await Promise.all(all.map((address) => observeAddress(address, server, step, view)));
  // A machine without IPv6 has to believe what the same server says over IPv4; but somebody has to say it.
  const reached = seen.filter((each) => !each.isUnroutable);
  return join(reached.length > 0 ? reached : seen);
}

async function observeAddress(
  address: string,
  server: NameServer,
  { service, name, names }: Step,
  view: View,
): Promise<Sight & { isUnroutable: boolean }> {
  const who = `${server.name} (${address})`;
  try {
    const answer = await ask(view.network, { address, port: 53 }, { name, type: "TLSA" });
    if (!answer.isAuthoritative) throw new DnsError("does not speak for the zone");
    const found = follow(answer, name, "TLSA");
    const ttl = { ttl: largestTtl([...found.aliases, ...found.records]) };
    // An alias may lead out of what this server knows: there others are asked.
    const isOnTheWay = found.name !== name && names.includes(found.name) && found.records.length === 0;
    const records = found.records.flatMap((each) => tlsaIn(each) ?? []);
    const verdict = isOnTheWay ? nothing : await judge(who, service, records, view.keys);
    return { ...join([ttl, verdict]), isUnroutable: false };
  } catch (error) {
    const isUnroutable = error instanceof DnsError && error.isUnroutable;
    return { ...join([{ unanswered: [`${who} ${words(error)} at ${service}`] }]), isUnroutable };
  }
}

async function judge(
  who: string,
  service: string,
  rrset: readonly TlsaRecord[],
  keys: readonly Candidate[],
): Promise<Partial<Sight>> {
  const missing: string[] = [];
  for (const { called, chain } of keys) {
    for (const lacking of await uncovered(rrset, chain)) {
      const others = rrset.some((record) => combination(record) !== lacking) &&
        (await Promise.all(rrset.map((record) => matchesChain(record, chain)))).includes(true);
      missing.push(`${who} has no ${others ? `TLSA ${lacking}` : "TLSA"} for ${called} at ${service}`);
    }
  }
  return { missing };
}

const largestTtl = (records: readonly DnsRecord[]) => Math.max(0, ...records.map(({ ttl }) => ttl * 1000));

/** Puts together what was seen in several places; whatever a server said, its lines can be shown. */
function join(parts: readonly Partial<Sight>[]): Sight {
  const lines = (pick: (part: Partial<Sight>) => readonly string[] | undefined) =>
    [
      ...new Set(parts.flatMap((each) => pick(each) ?? []).map((each) => printable(each))),
    ].sort();
  return {
    missing: lines((each) => each.missing),
    unanswered: lines((each) => each.unanswered),
    ttl: Math.max(0, ...parts.map((each) => each.ttl ?? 0)),
    records: parts.flatMap((each) => each.records ?? []),
  };
}

function words(error: unknown): string {
  if (error instanceof DnsError) return error.message;
  throw error;
}
