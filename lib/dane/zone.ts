/** The zone that a name is in, and all its servers: those that it names itself, and those that the zone above names. */
import { ask, DnsError, type DnsRecord, follow, nameIn } from "./dns.ts";
import { addresses, lookUp, most } from "./resolver.ts";
import { type Endpoint, type Network, readEndpoint } from "./service.ts";

type Dns = Pick<Network, "exchangeDns">;

/** A name server, and every address at which it may be asked. */
export interface NameServer {
  name: string;
  /** Of its delegation (glue), which resolvers use as well; those that its name leads to are looked up. */
  glue: string[];
}

/** How many addresses of servers for the zone above are tried. */
const patience = 6;

/** The zone that a name is in, RFC 1034 §4.2.1.
 *
 * @param network reaches the resolver
 * @param resolver where
 * @param name the name; where it is an alias, the zone of the alias is meant
 * @returns the zone's name; empty: the root
 * @throws {DnsError} it can't be found; the message is an end of a sentence that begins with the name
 */
export async function zoneOf(network: Dns, resolver: Endpoint, name: string): Promise<string> {
  for (let at = name.toLowerCase();; at = parentOf(at)) {
    const { answers, authorities } = await lookUp(network, resolver, { name: at, type: "SOA" });
    // An alias leads to another name's zone; no zone begins at one (RFC 1034 §3.6.2).
    if (at !== "" && answers.some((each) => each.type === "CNAME" && each.name === at)) continue;
    const soa = [...answers, ...authorities].find((each) => each.type === "SOA");
    if (!soa || !isWithin(at, soa.name)) throw new DnsError("is in no known zone");
    return soa.name;
  }
}

/** All servers of a zone: those of its own NS set, and those that the zone above sends resolvers to.
 *
 * The two ought to be the same. Where they aren't, clients get answers from servers of either.
 *
 * @param network reaches resolver and servers
 * @param resolver where
 * @param zone its name
 * @throws {DnsError} they can't be found; the message is an end of a sentence that begins with a name in the zone
 */
export async function serversOf(network: Dns, resolver: Endpoint, zone: string): Promise<NameServer[]> {
  const own = await namedServers(network, resolver, zone);
  if (own.length === 0) throw new DnsError(`is in the zone ${zone}, which names no servers`);
  const delegated = zone === "" ? [] : await delegationOf(network, resolver, zone);
  const glue = new Map<string, string[]>(own.map((each) => [each, []]));
  for (const server of delegated) glue.set(server.name, server.glue);
  if (glue.size > most) throw new DnsError(`is in the zone ${zone}, which has more than ${most} servers`);
  return [...glue].map(([name, glue]) => ({ name, glue }));
}

/** Every address of a name server.
 *
 * @param network reaches the resolver
 * @param resolver where
 * @param server with its glue
 * @throws {DnsError} there is none, or no answer
 */
export async function serverAddresses(
  network: Dns,
  resolver: Endpoint,
  { name, glue }: NameServer,
): Promise<string[]> {
  try {
    return [...new Set([...await addresses(network, resolver, name), ...glue])];
  } catch (error) {
    if (glue.length > 0 && error instanceof DnsError) return glue;
    throw error;
  }
}

async function namedServers(network: Dns, resolver: Endpoint, zone: string): Promise<string[]> {
  const answer = await lookUp(network, resolver, { name: zone, type: "NS" });
  return [...new Set(follow(answer, zone, "NS").records.map(nameIn))];
}

/** Asks the zone above which servers it sends resolvers to; empty: it knows no such zone, which is one of a network. */
async function delegationOf(network: Dns, resolver: Endpoint, zone: string): Promise<NameServer[]> {
  const above = await zoneOf(network, resolver, parentOf(zone));
  const called = above === "" ? "the root" : above;
  const failed = (why: string) =>
    new DnsError(`is in the zone ${zone}, whose delegation can't be read: ${called} ${why}`);
  let tries = 0;
  let reason = "names no servers";
  for (const server of await namedServers(network, resolver, above)) {
    const found = await addresses(network, resolver, server).catch((error) => {
      if (!(error instanceof DnsError)) throw error;
      reason = `has a server ${server} that ${error.message}`;
      return [];
    });
    for (const address of found) {
      try {
        return await askDelegation(network, { address, port: 53 }, zone);
      } catch (error) {
        if (!(error instanceof DnsError)) throw error;
        reason = `has a server ${server} (${address}) that ${error.message}`;
        if (++tries === patience) throw failed(reason);
      }
    }
  }
  throw failed(reason);
}

async function askDelegation(network: Dns, server: Endpoint, zone: string): Promise<NameServer[]> {
  const answer = await ask(network, server, { name: zone, type: "NS" });
  const records = [...answer.authorities, ...answer.answers]
    .filter((each) => each.type === "NS" && each.name === zone);
  if (records.length === 0 && !answer.isAuthoritative) throw new DnsError("does not speak for that zone");
  return [...new Set(records.map(nameIn))].map((name) => ({
    name,
    glue: answer.additionals.filter((each) => isAddressOf(each, name)).map(({ data }) => String(data))
      .slice(0, most),
  }));
}

const isAddressOf = (record: DnsRecord, name: string) =>
  record.name === name && ["A", "AAAA"].includes(record.type) &&
  readEndpoint(String(record.data)) !== undefined;

/** Whether a name is at a zone's top or below it. */
const isWithin = (name: string, zone: string) => zone === "" || `.${name}`.endsWith(`.${zone}`);

/** The name without its first label. */
const parentOf = (name: string) => name.split(".").slice(1).join(".");
