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
  /** Whether the resolver validates. */
  isSigned: boolean;
  servers: Map<string, Entry[]>;
  /** Addresses that don't answer, with what happens instead. */
  broken: Map<string, string>;
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

/** Makes the network of `example.org`, with two name servers, the second of which has two addresses.
 *
 * @param common what all servers have
 */
export function makeNames(common: Entry[]): Names {
  const zone: Entry[] = [
    { name: "example.org", type: "SOA", data: { mname: "ns1.example.org", rname: "root.example.org" } },
    { name: "example.org", type: "NS", data: "ns1.example.org" },
    { name: "example.org", type: "NS", data: "ns2.example.org" },
    { name: "ns1.example.org", type: "A", data: "192.0.2.1" },
    { name: "ns2.example.org", type: "A", data: "192.0.2.2" },
    { name: "ns2.example.org", type: "AAAA", data: "2001:db8::2" },
    ...common,
  ];
  const names: Names = {
    resolver: "192.0.2.53",
    isSigned: true,
    servers: new Map(
      ["192.0.2.53", "192.0.2.1", "192.0.2.2", "2001:db8::2"].map((each) => [each, [...zone]]),
    ),
    broken: new Map(),
    asked: [],
    exchangeDns({ address }, message) {
      const query = packet.decode(Buffer.from(message));
      const [{ name, type }] = query.questions;
      names.asked.push(`${address} ${name} ${type}`);
      const trouble = names.broken.get(address);
      const entries = names.servers.get(address);
      if (trouble || !entries) {
        {
          const message = trouble ?? "connect ECONNREFUSED";
          return Promise.reject(Object.assign(new Error(message), { code: message.split(" ").at(-1) }));
        }
      }
      const answers: Entry[] = [];
      for (let owner = name, hops = 0; hops < 20; hops++) {
        answers.push(...entries.filter((each) => each.name === owner && each.type === type));
        const alias = entries.find((each) => each.name === owner && each.type === "CNAME");
        if (!alias || type === "CNAME") break;
        answers.push(alias);
        owner = String(alias.data);
      }
      const isResolver = address === names.resolver;
      const authorities = answers.length > 0 ? [] : entries.filter((each) => each.type === "SOA");
      const flags = isResolver
        ? packet.RECURSION_AVAILABLE | (names.isSigned ? packet.AUTHENTIC_DATA : 0)
        : packet.AUTHORITATIVE_ANSWER;
      const answer = packet.encode({
        type: "response",
        id: query.id,
        flags,
        questions: query.questions,
        answers,
        authorities,
      });
      return Promise.resolve(new Uint8Array(answer));
    },
  };
  return names;
}
