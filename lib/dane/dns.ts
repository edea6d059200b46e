/** Questions to name servers: one at a time, over TCP (RFC 7766), and every answer taken for hostile. */
import { Buffer } from "node:buffer";
import packet from "dns-packet";
import { printable } from "../errors.ts";
import type { Endpoint, Network } from "./service.ts";
import type { TlsaRecord } from "./records.ts";

/** What the library makes of a message, as far as it is used here; every value is somebody else's. */
interface Message {
  id: number;
  flag_qr: boolean;
  flag_aa: boolean;
  flag_tc: boolean;
  flag_ad: boolean;
  rcode: string;
  questions: { name: string; type: string }[];
  answers: RawRecord[];
  authorities: RawRecord[];
}
type RawRecord = { name: string; type: string; ttl?: number; data?: unknown };

/** The types that are asked for. */
export type RecordType = "TLSA" | "A" | "AAAA" | "NS" | "SOA";

/** A record of an answer, as far as it is of use here: addresses and names as text, the others as they are decoded. */
export interface DnsRecord {
  /** Lower case, without final dot. */
  name: string;
  type: string;
  /** Seconds. */
  ttl: number;
  data: unknown;
}

/** An answer that fits the question. */
export interface DnsAnswer {
  exists: boolean;
  answers: DnsRecord[];
  authorities: DnsRecord[];
  /** AA, RFC 1035 §4.1.1. */
  isAuthoritative: boolean;
  /** AD, RFC 4035 §3.2.3: the resolver has validated it. */
  isAuthenticated: boolean;
}

/** A server gave no usable answer; the message is an end of a sentence. */
export class DnsError extends Error {
  /** See {@link isUnroutable}. */
  isUnroutable = false;
}

/** Whether this machine has no way to an address at all, such as to IPv6 where it is switched off or leads nowhere.
 *
 * @param error what connecting threw
 * @param address where to
 */
export function isUnroutable(error: unknown, address: string): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(code) ||
    code === "EHOSTUNREACH" && address.includes(":");
}

const aliasesAtMost = 8;
// RFC 2181 §8: a TTL with the highest bit set counts as zero; and none is longer than a week here.
const longestTtl = 604_800;

/** Asks one server one question.
 *
 * @param system reaches the server
 * @param server where
 * @param name without final dot
 * @param type of the records
 * @param options `recursive`: a resolver is asked, not a server for the zone
 * @returns an answer to this very question, NOERROR or NXDOMAIN
 * @throws {DnsError} there is none
 */
export async function ask(
  system: Pick<Network, "exchangeDns">,
  server: Endpoint,
  name: string,
  type: RecordType,
  { recursive = false } = {},
): Promise<DnsAnswer> {
  const id = crypto.getRandomValues(new Uint16Array(1))[0];
  const query = packet.encode({
    type: "query",
    id,
    // AD in a query asks for AD in the answer, RFC 6840 §5.7.
    flags: recursive ? packet.RECURSION_DESIRED | packet.AUTHENTIC_DATA : 0,
    questions: [{ name, type }],
  });
  const bytes = await system.exchangeDns(server, new Uint8Array(query)).catch((error) => {
    const failure = new DnsError(error instanceof Error ? reason(error) : String(error));
    failure.isUnroutable = isUnroutable(error, server.address);
    throw failure;
  });
  let answer: Message;
  try {
    answer = packet.decode(Buffer.from(bytes));
    if (packet.decode.bytes > bytes.length) throw new RangeError(); // it reads on where the message ends
  } catch {
    throw new DnsError("sends a damaged answer");
  }
  const [question] = answer.questions;
  const isSame = answer.flag_qr && answer.id === id && answer.questions.length === 1 &&
    String(question.name).toLowerCase() === name.toLowerCase() && question.type === type;
  if (!isSame) throw new DnsError("answers another question");
  if (answer.flag_tc) throw new DnsError("sends a part of its answer only");
  if (!["NOERROR", "NXDOMAIN"].includes(answer.rcode)) {
    throw new DnsError(`answers ${printable(answer.rcode, 20)}`);
  }
  return {
    exists: answer.rcode === "NOERROR",
    answers: answer.answers.flatMap(toRecord),
    authorities: answer.authorities.flatMap(toRecord),
    isAuthoritative: answer.flag_aa,
    isAuthenticated: answer.flag_ad,
  };
}

/** The records of a type at a name, whatever aliases lead there, RFC 1034 §3.6.2.
 *
 * @param answer the answer
 * @param name what was asked for
 * @param type of the records
 * @returns the name at the end of the aliases, and its records
 * @throws {DnsError} the aliases run in a circle, or are too many
 */
export function follow(
  answer: Pick<DnsAnswer, "answers">,
  name: string,
  type: RecordType,
): { name: string; records: DnsRecord[] } {
  let owner = name.toLowerCase();
  for (let hops = 0; hops <= aliasesAtMost; hops++) {
    const alias = answer.answers.find((each) => each.type === "CNAME" && each.name === owner);
    if (!alias) {
      const records = answer.answers.filter((each) => each.type === type && each.name === owner);
      return { name: owner, records };
    }
    owner = nameIn(alias);
  }
  throw new DnsError(`has more than ${aliasesAtMost} aliases one after the other`);
}

/** The name that a record holds: lower case, without final dot. */
export const nameIn = ({ data }: DnsRecord): string => String(data).toLowerCase().replace(/\.$/, "");

/** What a TLSA record says; undefined: it is damaged. */
export function tlsaIn({ data }: DnsRecord): TlsaRecord | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { usage, selector, matchingType, certificate } = data as Record<string, unknown>;
  if (typeof usage !== "number" || typeof selector !== "number" || typeof matchingType !== "number") return;
  if (!(certificate instanceof Uint8Array)) return undefined;
  return { usage, selector, matchingType, data: new Uint8Array(certificate).toHex() };
}

function toRecord({ name, type, ttl = 0, data }: RawRecord): DnsRecord[] {
  if (type === "OPT") return []; // no record, but a place for flags (RFC 6891 §6.1.1)
  const bounded = ttl > 0x7fffffff ? 0 : Math.min(ttl, longestTtl);
  return [{ name: name.toLowerCase(), type, ttl: bounded, data }];
}

function reason(error: Error): string {
  if (error.name === "TimeoutError" || error.name === "AbortError") return "gives no answer in time";
  if (/refused/i.test(error.message)) return "refuses the connection";
  if (/UNREACH|ADDRNOTAVAIL|AFNOSUPPORT/.test(error.message)) {
    return "can't be reached from here: no route leads to it";
  }
  return `gives no answer: ${printable(error.message.replace(/ \(os error \d+\).*/, ""), 80)}`;
}
