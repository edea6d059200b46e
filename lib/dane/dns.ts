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
  additionals: RawRecord[];
}
type RawRecord = { name: string; type: string; ttl?: number; data?: unknown };

/** The types that are asked for. */
export type RecordType = "TLSA" | "A" | "AAAA" | "NS" | "SOA" | "TXT" | "CAA" | "DS" | "DNSKEY";

/** A record of an answer, as far as it is of use here: addresses and names as text, the others as they are decoded. */
export interface DnsRecord {
  /** Lower case, without final dot; the root's is empty. */
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
  additionals: DnsRecord[];
  /** AA, RFC 1035 §4.1.1. */
  isAuthoritative: boolean;
  /** AD, RFC 4035 §3.2.3: the resolver has validated it. */
  isAuthenticated: boolean;
}

/** A server gave no usable answer; the message is an end of a sentence, and printable whatever the server said. */
export class DnsError extends Error {
  /** See {@link isUnroutable}. */
  isUnroutable = false;

  /** @param message such as `gives no answer in time` */
  constructor(message: string) {
    super(printable(message, 400));
  }
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
 * @param network reaches the server
 * @param server where
 * @param question the name, without final dot, and the type of the records
 * @param options `recursive`: a resolver is asked, not a server for the zone; `withSignatures`: RRSIG records are wanted;
 *   `isCheckingDisabled`: what a resolver can't validate is wanted as well
 * @returns an answer to this very question, NOERROR or NXDOMAIN
 * @throws {DnsError} there is none
 */
export async function ask(
  network: Pick<Network, "exchangeDns">,
  server: Endpoint,
  { name, type }: { name: string; type: RecordType },
  { recursive = false, withSignatures = false, isCheckingDisabled = false } = {},
): Promise<DnsAnswer> {
  const id = crypto.getRandomValues(new Uint16Array(1))[0];
  const query = packet.streamEncode({
    type: "query",
    id,
    // AD in a query asks for AD in the answer, RFC 6840 §5.7.
    flags: (recursive ? packet.RECURSION_DESIRED | packet.AUTHENTIC_DATA : 0) |
      (isCheckingDisabled ? packet.CHECKING_DISABLED : 0),
    questions: [{ name: name || ".", type }],
    additionals: withSignatures
      ? [{ type: "OPT", name: ".", udpPayloadSize: 4096, flags: packet.DNSSEC_OK }]
      : [],
  });
  const bytes = await network.exchangeDns(server, new Uint8Array(query)).catch((error) => {
    const failure = new DnsError(error instanceof Error ? reason(error) : String(error));
    failure.isUnroutable = isUnroutable(error, server.address);
    throw failure;
  });
  const answer = decode(bytes);
  const [question] = answer.questions;
  const isSame = answer.flag_qr && answer.id === id && answer.questions.length === 1 &&
    canonical(question.name) === canonical(name) && question.type === type;
  if (!isSame) throw new DnsError("answers another question");
  if (answer.flag_tc) throw new DnsError("sends a part of its answer only");
  if (!["NOERROR", "NXDOMAIN"].includes(answer.rcode)) throw new DnsError(`answers ${answer.rcode}`);
  return {
    exists: answer.rcode === "NOERROR",
    answers: answer.answers.map(toRecord),
    authorities: answer.authorities.map(toRecord),
    additionals: answer.additionals.map(toRecord),
    isAuthoritative: answer.flag_aa,
    isAuthenticated: answer.flag_ad,
  };
}

function decode(bytes: Uint8Array<ArrayBuffer>): Message {
  try {
    const answer = packet.streamDecode(Buffer.from(bytes));
    // The library reads on where the message ends.
    if (answer && packet.streamDecode.bytes <= bytes.length - 2) return answer;
  } catch { /* it stumbled: see below */ }
  throw new DnsError("sends a damaged answer");
}

/** The records of a type at a name, whatever aliases lead there, RFC 1034 §3.6.2.
 *
 * @param answer the answer
 * @param name what was asked for
 * @param type of the records
 * @returns the aliases, the name at their end, and its records
 * @throws {DnsError} the aliases run in a circle, or are too many
 */
export function follow(
  answer: Pick<DnsAnswer, "answers">,
  name: string,
  type: RecordType,
): { aliases: DnsRecord[]; name: string; records: DnsRecord[] } {
  const aliases: DnsRecord[] = [];
  let owner = canonical(name);
  while (aliases.length <= aliasesAtMost) {
    const alias = answer.answers.find((each) => each.type === "CNAME" && each.name === owner);
    if (!alias) {
      const records = answer.answers.filter((each) => each.type === type && each.name === owner);
      return { aliases, name: owner, records };
    }
    aliases.push(alias);
    owner = nameIn(alias);
  }
  throw new DnsError(`has more than ${aliasesAtMost} aliases one after the other`);
}

/** The signatures of the records of a type at a name, RFC 4035 §3.1.1. */
export const signaturesOf = (
  { answers }: Pick<DnsAnswer, "answers">,
  name: string,
  type: RecordType,
): DnsRecord[] =>
  answers.filter((each) =>
    each.type === "RRSIG" && each.name === name &&
    (each.data as { typeCovered?: unknown } | null)?.typeCovered === type
  );

/** Lower case, without final dot. */
const canonical = (name: unknown): string => String(name).toLowerCase().replace(/\.$/, "");

/** The name that a record holds: lower case, without final dot. */
export const nameIn = ({ data }: DnsRecord): string => canonical(data);

/** What a TLSA record says; undefined: it is damaged. */
export function tlsaIn({ data }: DnsRecord): TlsaRecord | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { usage, selector, matchingType, certificate } = data as Record<string, unknown>;
  if (typeof usage !== "number" || typeof selector !== "number" || typeof matchingType !== "number") return;
  if (!(certificate instanceof Uint8Array)) return undefined;
  return { usage, selector, matchingType, data: new Uint8Array(certificate).toHex() };
}

function toRecord({ name, type, ttl = 0, data }: RawRecord): DnsRecord {
  const bounded = ttl > 0x7fffffff ? 0 : Math.min(ttl, longestTtl);
  return { name: canonical(name), type, ttl: bounded, data };
}

function reason(error: Error): string {
  if (error.name === "TimeoutError" || error.name === "AbortError") return "gives no answer in time";
  if (/refused/i.test(error.message)) return "refuses the connection";
  if (/UNREACH|ADDRNOTAVAIL|AFNOSUPPORT/.test(error.message)) {
    return "can't be reached from here: no route leads to it";
  }
  return `gives no answer: ${error.message.replace(/ \(os error \d+\).*/, "").slice(0, 80)}`;
}
