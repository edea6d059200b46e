/** What a resolver knows of hosts: where to ask it, whether its word counts, and the addresses of a host. */
import { ask, type DnsAnswer, DnsError, follow, type RecordType } from "./dns.ts";
import { read } from "../disk/read.ts";
import { type DaneConfig, type Endpoint, type Network, readEndpoint } from "./service.ts";

/** Of addresses and of servers; DNS is not for more. */
export const most = 20;

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

/** Whether an address is on this machine, so that nobody on the way can set the AD bit (RFC 4035 §4.9.3). */
export const isOnThisMachine = ({ address }: Endpoint): boolean =>
  /^127\.\d+\.\d+\.\d+$|^(::|(0+:){7}0*)1$|^::ffff:127\./i.test(address);

/** Every IPv4 and IPv6 address of a host.
 *
 * @param network reaches the resolver
 * @param resolver where
 * @param host the name
 * @returns at least one
 * @throws {DnsError} there is none, or no answer
 */
export async function addresses(
  network: Pick<Network, "exchangeDns">,
  resolver: Endpoint,
  host: string,
): Promise<string[]> {
  const found = await Promise.all((["A", "AAAA"] as const).map(async (type) => {
    const answer = await lookUp(network, resolver, { name: host, type });
    return follow(answer, host, type).records.map(({ data }) => String(data));
  }));
  const all = [...new Set(found.flat())].filter((each) => readEndpoint(each));
  if (all.length === 0) throw new DnsError("has no address");
  if (all.length > most) throw new DnsError(`has more than ${most} addresses`);
  return all;
}

/** Asks the resolver; what goes wrong is its doing, not that of the name.
 *
 * @param network reaches the resolver
 * @param resolver where
 * @param question name and type
 * @throws {DnsError} there is no answer
 */
export async function lookUp(
  network: Pick<Network, "exchangeDns">,
  resolver: Endpoint,
  question: { name: string; type: RecordType },
): Promise<DnsAnswer> {
  try {
    return await ask(network, resolver, question, { recursive: true });
  } catch (error) {
    if (!(error instanceof DnsError)) throw error;
    throw new DnsError(`can't be looked up: the resolver ${resolver.address} ${error.message}`);
  }
}
