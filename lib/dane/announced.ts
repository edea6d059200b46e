/** What DNS says of keys: every address of every name server of every service, and a validating resolver. */
import { printable } from "../errors.ts";
import { ask, type DnsAnswer, DnsError, type DnsRecord, follow, signaturesOf, tlsaIn } from "./dns.ts";
import { askEverywhere, type Dns, dnsBy, namesAlong, type Reply } from "./everywhere.ts";
import { type Chain, combination, matchesChain, type TlsaRecord, uncovered } from "./records.ts";
import { isOnThisMachine, resolverOf } from "./resolver.ts";
import type { DaneConfig, Network } from "./service.ts";

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
interface View extends Dns {
  isResolverTrusted: boolean;
  keys: readonly Candidate[];
}

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
  const view: View = { ...dnsBy(network, resolver), isResolverTrusted, keys };
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
    const replies = await askEverywhere(view, namesAlong(found.aliases, service), "TLSA");
    return join([
      { ttl: largestTtl([...found.aliases, ...found.records]), records },
      { unanswered: doubt ? [`${who} ${doubt}`] : [] },
      await judge(who, service, records, view.keys),
      ...await Promise.all(replies.map((reply) => judgeReply(reply, service, view.keys))),
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
    if (signed.isAuthoritative && signaturesOf(signed, name, "TLSA").length > 0) return undefined;
    return `is a server for the zone itself, but has no signature for ${name}`;
  }
  return `has not validated ${name}: is the zone signed, and does it check DNSSEC?`;
}

/** What one address of a name server said of a service. */
async function judgeReply(
  reply: Reply,
  service: string,
  keys: readonly Candidate[],
): Promise<Partial<Sight>> {
  const { who, problem, aliases, records, isOnTheWay } = reply;
  if (problem) return { unanswered: [`${who} ${problem}`] };
  const ttl = largestTtl([...aliases, ...records]);
  if (isOnTheWay) return { ttl };
  return { ttl, ...await judge(who, service, records.flatMap((each) => tlsaIn(each) ?? []), keys) };
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
