/** What a validating resolver knows: addresses, the name servers of a zone, and TLSA records. */
import { ask, type DnsAnswer, DnsError, follow, nameIn, type RecordType } from "./dns.ts";
import { read } from "../disk/read.ts";
import { type DaneConfig, type Endpoint, type Network, readEndpoint } from "./service.ts";

/** Of addresses and of servers; DNS is not for more. */
const most = 20;

/** The resolver to ask: the configured one, or the system's first.
 *
 * @param dane the section [tlsa]
 * @returns its address
 */
export function resolverOf({ resolver }: Pick<DaneConfig, "resolver">): Endpoint {
  if (resolver) return resolver;
  const text = new TextDecoder().decode(read("/etc/resolv.conf"));
  const [, address = "127.0.0.1"] = /^\s*nameserver\s+(\S+)/m.exec(text) ?? [];
  return readEndpoint(address.replace(/%.*/, "")) ?? { address: "127.0.0.1", port: 53 };
}

/** Every IPv4 and IPv6 address of a host.
 *
 * @param system reaches the resolver
 * @param resolver where
 * @param host the name
 * @returns at least one
 * @throws {DnsError} there is none, or no answer
 */
export async function addresses(
  system: Pick<Network, "exchangeDns">,
  resolver: Endpoint,
  host: string,
): Promise<string[]> {
  const found = await Promise.all((["A", "AAAA"] as const).map(async (type) => {
    const answer = await lookUp(system, resolver, host, type);
    return follow(answer, host, type).records.map(({ data }) => String(data));
  }));
  const all = [...new Set(found.flat())].filter((each) => readEndpoint(each));
  if (all.length === 0) throw new DnsError("has no address");
  if (all.length > most) throw new DnsError(`has more than ${most} addresses`);
  return all;
}

/** The zone that a name is in, and the names of its servers, RFC 1034 §4.2.1.
 *
 * @param system reaches the resolver
 * @param resolver where
 * @param name the name
 * @returns both
 * @throws {DnsError} they can't be found
 */
export async function zoneOf(
  system: Pick<Network, "exchangeDns">,
  resolver: Endpoint,
  name: string,
): Promise<{ zone: string; servers: string[] }> {
  const { answers, authorities } = await lookUp(system, resolver, name, "SOA");
  const soa = [...answers, ...authorities].find((each) => each.type === "SOA");
  if (!soa || !`.${name.toLowerCase()}`.endsWith(`.${soa.name}`)) throw new DnsError("is in no known zone");
  const zone = soa.name;
  const answer = await lookUp(system, resolver, zone, "NS");
  const servers = [...new Set(follow(answer, zone, "NS").records.map(nameIn))];
  if (servers.length === 0) throw new DnsError(`is in the zone ${zone}, which names no servers`);
  if (servers.length > most) {
    throw new DnsError(`is in the zone ${zone}, which names more than ${most} servers`);
  }
  return { zone, servers };
}

/** Asks the resolver; what goes wrong is its doing, not that of the name. */
async function lookUp(
  system: Pick<Network, "exchangeDns">,
  resolver: Endpoint,
  name: string,
  type: RecordType,
): Promise<DnsAnswer> {
  try {
    return await ask(system, resolver, name, type, { recursive: true });
  } catch (error) {
    if (!(error instanceof DnsError)) throw error;
    throw new DnsError(`can't be looked up: the resolver ${resolver.address} ${error.message}`);
  }
}
