/** One question to every server that clients may get an answer from: each address of each name server, along all aliases. */
import { ask, DnsError, type DnsRecord, follow, nameIn, type RecordType, signaturesOf } from "./dns.ts";
import type { Endpoint, Network } from "./service.ts";
import { type NameServer, serverAddresses, serversOf, zoneOf } from "./zone.ts";

/** Whom to ask, and what has been found out of zones. */
export interface Dns {
  network: Pick<Network, "exchangeDns">;
  resolver: Endpoint;
  /** The servers of each zone: many names are in one. */
  zones: Map<string, Promise<NameServer[]>>;
}

/** What one address of a name server said, or why it said nothing that counts. */
export interface Reply {
  /** Such as `ns2.example.org (192.0.2.2)`. */
  who: string;
  /** The name that it was asked for. */
  name: string;
  /** What it has of the type that was asked for, at the end of the aliases that it knows. */
  records: DnsRecord[];
  /** Those aliases. */
  aliases: DnsRecord[];
  /** The signatures of the records, where they were wanted. */
  signatures: DnsRecord[];
  /** It knows an alias that leads on, to another of the names: who has the records there is asked for that one. */
  isOnTheWay: boolean;
  /** Why it doesn't count, as the end of a sentence that begins with `who`. */
  problem?: string;
}

/** Begins to ask.
 *
 * @param network reaches the servers
 * @param resolver finds them
 */
export const dnsBy = (network: Dns["network"], resolver: Endpoint): Dns => ({
  network,
  resolver,
  zones: new Map(),
});

/** The names at which records may stand: the one that is asked for, then each that an alias leads to.
 *
 * @param aliases in their order
 * @param name the first
 */
export const namesAlong = (aliases: readonly DnsRecord[], name: string): string[] => [
  name,
  ...aliases.map(nameIn),
];

/** Asks every server of every name's zone.
 *
 * @param dns whom to ask
 * @param names as {@link namesAlong} has them
 * @param type of the records
 * @param options `withSignatures`: RRSIG records are wanted
 * @returns at least one reply for each name
 */
export async function askEverywhere(
  dns: Dns,
  names: readonly string[],
  type: RecordType,
  { withSignatures = false } = {},
): Promise<Reply[]> {
  const ask = (name: string) => askZone(dns, { name, names, type, withSignatures });
  return (await Promise.all(names.map(ask))).flat();
}

interface Question {
  name: string;
  names: readonly string[];
  type: RecordType;
  withSignatures: boolean;
}

async function askZone(dns: Dns, question: Question): Promise<Reply[]> {
  const { network, resolver, zones } = dns;
  try {
    const zone = await zoneOf(network, resolver, question.name);
    const servers = zones.get(zone) ?? serversOf(network, resolver, zone);
    zones.set(zone, servers);
    return (await Promise.all((await servers).map((server) => askServer(dns, server, question)))).flat();
  } catch (error) {
    return [unanswered(question.name, question, error)];
  }
}

async function askServer(dns: Dns, server: NameServer, question: Question): Promise<Reply[]> {
  let all: string[];
  try {
    all = await serverAddresses(dns.network, dns.resolver, server);
  } catch (error) {
    return [unanswered(server.name, question, error)];
  }
  const found = await Promise.all(all.map((address) => askAddress(dns, address, server, question)));
  // A machine without IPv6 has to believe what the same server says over IPv4; but somebody has to say it.
  const reached = found.filter((each) => !each.isUnroutable);
  return reached.length > 0 ? reached : found;
}

async function askAddress(
  { network }: Dns,
  address: string,
  server: NameServer,
  question: Question,
): Promise<Reply & { isUnroutable?: boolean }> {
  const who = `${server.name} (${address})`;
  const { name, names, type, withSignatures } = question;
  try {
    const answer = await ask(network, { address, port: 53 }, { name, type }, { withSignatures });
    if (!answer.isAuthoritative) throw new DnsError("does not speak for the zone");
    const { aliases, name: end, records } = follow(answer, name, type);
    const isOnTheWay = end !== name && names.includes(end);
    return { who, name, records, aliases, signatures: signaturesOf(answer, end, type), isOnTheWay };
  } catch (error) {
    const isUnroutable = error instanceof DnsError && error.isUnroutable;
    const reply = unanswered(who, question, error);
    return { ...reply, problem: `${reply.problem} at ${name}`, isUnroutable };
  }
}

function unanswered(who: string, { name }: Question, error: unknown): Reply {
  if (!(error instanceof DnsError)) throw error;
  const nothing = { records: [], aliases: [], signatures: [], isOnTheWay: false };
  return { who, name, ...nothing, problem: error.message };
}
