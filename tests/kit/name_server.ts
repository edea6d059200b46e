/** DNS for tests: zones in a table, served without network, and misbehaving where a test says so. */
import { Buffer } from "node:buffer";
import packet from "dns-packet";
import type { Endpoint } from "../../lib/dane/service.ts";
import type { TlsaRecord } from "../../lib/dane/records.ts";

/** One record; `data` as dns-packet wants it. */
export interface Entry {
  name: string;
  type: string;
  ttl?: number;
  data: unknown;
}

/** What servers hold, by their addresses; a resolver answers what is not its own from all of them. */
export interface Names {
  resolver: string;
  /** A server of the zone above. */
  above: string;
  /** What the zone above says of this one: NS records, and addresses of their servers. */
  delegation: Entry[];
  /** Whether the resolver validates: the AD bit. */
  isValidated: boolean;
  /** Whether what is asked for as the resolver is a server for the zone itself: AA in AD's place. */
  isResolverAuthoritative: boolean;
  /** The signature that a server shows for a record set: none, where there is none. */
  sign(address: string, name: string, type: string): Entry | undefined;
  servers: Map<string, Entry[]>;
  /** Addresses that don't answer, with what happens instead. */
  broken: Map<string, string>;
  /** Addresses that answer without the AA bit. */
  lame: Set<string>;
  /** Every question: `ADDRESS NAME TYPE`. */
  asked: string[];
  /** What stands in for the real network. */
  exchangeDns(server: Endpoint, message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

/** A TLSA record as an entry. */
export const tlsa = (name: string, { data, ...rest }: TlsaRecord, ttl = 3600): Entry => ({
  name,
  type: "TLSA",
  ttl,
  data: { ...rest, certificate: Buffer.from(data, "hex") },
});

const zoneName = "example.org";
const soa = (name: string): Entry => ({
  name,
  type: "SOA",
  data: { mname: `ns1.${name}`, rname: `root.${name}` },
});

/** Makes the network of `example.org`, with two name servers, the second of which has two addresses.
 *
 * @param common what all servers have
 */
export function makeNames(common: Entry[]): Names {
  const delegation: Entry[] = [
    { name: zoneName, type: "NS", data: "ns1.example.org" },
    { name: zoneName, type: "NS", data: "ns2.example.org" },
    { name: "ns1.example.org", type: "A", data: "192.0.2.1" },
    { name: "ns2.example.org", type: "A", data: "192.0.2.2" },
    { name: "ns2.example.org", type: "AAAA", data: "2001:db8::2" },
  ];
  const zone = [soa(zoneName), ...delegation, ...common];
  const others = [
    soa("org"),
    { name: "org", type: "NS", data: "a.nic.org" },
    { name: "a.nic.org", type: "A", data: "192.0.2.7" },
  ];
  const names: Names = {
    resolver: "127.0.0.53",
    above: "192.0.2.7",
    delegation,
    isValidated: true,
    isResolverAuthoritative: false,
    sign: (_, name, type) => signature(name, type),
    servers: new Map([
      ["127.0.0.53", [...zone, ...others]],
      ...["192.0.2.1", "192.0.2.2", "2001:db8::2"].map((each): [string, Entry[]] => [each, [...zone]]),
    ]),
    broken: new Map(),
    lame: new Set(),
    asked: [],
    exchangeDns({ address }, message) {
      const query = packet.streamDecode(Buffer.from(message))!;
      const [{ name, type }] = query.questions;
      names.asked.push(`${address} ${name} ${type}`);
      const trouble = names.broken.get(address);
      if (trouble || !names.servers.has(address) && address !== names.above) {
        const message = trouble ?? "connect ECONNREFUSED";
        return Promise.reject(Object.assign(new Error(message), { code: message.split(" ").at(-1) }));
      }
      const sections = address === names.above ? refer(names, name) : answer(names, address, query);
      const { id, questions } = query;
      const bytes = packet.streamEncode({ type: "response", id, questions, ...sections });
      return Promise.resolve(new Uint8Array(bytes));
    },
  };
  return names;
}

interface Sections {
  flags: number;
  answers: Entry[];
  authorities: Entry[];
  additionals: Entry[];
}

/** RFC 1034 §4.3.2, step 3b. */
function refer({ delegation, lame, above }: Names, name: string): Sections {
  const isDelegated = `.${name}`.endsWith(`.${zoneName}`) && delegation.length > 0;
  return {
    flags: isDelegated || lame.has(above) ? 0 : packet.AUTHORITATIVE_ANSWER,
    answers: [],
    authorities: isDelegated ? delegation.filter((each) => each.type === "NS") : [soa("org")],
    additionals: isDelegated ? delegation.filter((each) => each.type !== "NS") : [],
  };
}

interface Query {
  questions: { name: string; type: string }[];
  additionals: { type: string; flag_do?: boolean }[];
}

function answer(
  names: Names,
  address: string,
  { questions: [{ name, type }], additionals }: Query,
): Sections {
  const entries = names.servers.get(address)!;
  const answers: Entry[] = [];
  for (let owner = name, hops = 0; hops < 20; hops++) {
    const found = entries.filter((each) => each.name === owner && each.type === type);
    answers.push(...found);
    const areSignaturesWanted = additionals.some((each) => each.type === "OPT" && each.flag_do);
    const signature = areSignaturesWanted && found.length > 0 ? names.sign(address, owner, type) : undefined;
    if (signature) answers.push(signature);
    const alias = entries.find((each) => each.name === owner && each.type === "CNAME");
    if (!alias) break;
    answers.push(alias);
    owner = String(alias.data);
  }
  const isResolver = address === names.resolver;
  const isAuthoritative = (!isResolver || names.isResolverAuthoritative) && !names.lame.has(address);
  const isAuthenticated = isResolver && names.isValidated && !names.isResolverAuthoritative;
  // What a negative answer comes with: the SOA of the zone that the name is in.
  const zones = entries.filter((each) => each.type === "SOA" && `.${name}`.endsWith(`.${each.name}`))
    .sort((a, b) => b.name.length - a.name.length);
  return {
    flags: (isAuthoritative ? packet.AUTHORITATIVE_ANSWER : 0) |
      (isAuthenticated ? packet.AUTHENTIC_DATA : 0) | (isResolver ? packet.RECURSION_AVAILABLE : 0),
    answers,
    authorities: answers.length > 0 ? [] : zones.slice(0, 1),
    additionals: [],
  };
}

/** A signature of no value: who looks at it closer has to say by which key it is. */
export const signature = (name: string, typeCovered: string, rest: Record<string, unknown> = {}): Entry => ({
  name,
  type: "RRSIG",
  data: {
    typeCovered,
    ...{ algorithm: 13, labels: 3, originalTTL: 60, expiration: 2e9, inception: 1e9, keyTag: 1 },
    signersName: zoneName,
    signature: Buffer.alloc(64),
    ...rest,
  },
});
