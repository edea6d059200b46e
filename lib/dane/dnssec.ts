/** Whether a signed zone is whole at every server: validating resolvers, and so CAs, take nothing from it where it is not.
 *
 * Looked at are the chain to the zone above, the dates of the signatures, and by which keys they are; whether each of them is
 * true is left to the resolver.
 */
import { printable, readable } from "../errors.ts";
import { ask, DnsError, type DnsRecord, follow } from "./dns.ts";
import { askEverywhere, type Dns, type Reply } from "./everywhere.ts";
import { lookUp } from "./resolver.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A DS record, RFC 4034 §5. */
interface DelegationSigner {
  keyTag: number;
  algorithm: number;
  digestType: number;
  digest: string;
}

/** A DNSKEY record, RFC 4034 §2. */
interface ZoneKey {
  keyTag: number;
  algorithm: number;
  data: Bytes;
}

/** RFC 4509, RFC 6605 §2, and what they replace. */
const digests: Record<number, string> = { 1: "SHA-1", 2: "SHA-256", 4: "SHA-384" };

/** Looks for what makes validating resolvers refuse a zone.
 *
 * @param dns whom to ask; the resolver ought to validate
 * @param zone its name
 * @param now the time, for the dates of signatures
 * @returns one line for each thing that is wrong; empty also where the zone above says that it is not signed
 */
export async function dnssecProblems(dns: Dns, zone: string, now: Date): Promise<string[]> {
  try {
    const answer = await lookUp(dns.network, dns.resolver, { name: zone, type: "DS" });
    const signers = follow(answer, zone, "DS").records.flatMap((each) => signerIn(each) ?? []);
    // Of kinds that nobody knows there might as well be none, RFC 4035 §5.2.
    if (!signers.some(({ digestType }) => digestType in digests)) return [];
    const lines = await Promise.all([
      resolverProblems(dns, zone),
      serverProblems(dns, { zone, signers, now }),
    ]);
    return [...new Set(lines.flat())].map((each) => printable(each)).sort();
  } catch (error) {
    if (!(error instanceof DnsError)) throw error;
    return [printable(`${zone} ${error.message}`)];
  }
}

/** What the resolver refuses, but would give to somebody who wants it as it is (RFC 4035 §3.2.2), does not hold. */
async function resolverProblems({ network, resolver }: Dns, zone: string): Promise<string[]> {
  const question = { name: zone, type: "SOA" } as const;
  try {
    await ask(network, resolver, question, { recursive: true });
  } catch (error) {
    if (!(error instanceof DnsError)) throw error;
    const isThere = await ask(network, resolver, question, { recursive: true, isCheckingDisabled: true })
      .then(() => true, () => false);
    return [
      isThere
        ? `the resolver ${resolver.address} finds that the signatures of ${zone} don't hold`
        : `the resolver ${resolver.address} ${error.message} at ${zone}`,
    ];
  }
  return [];
}

async function serverProblems(
  dns: Dns,
  { zone, signers, now }: { zone: string; signers: DelegationSigner[]; now: Date },
): Promise<string[]> {
  const [keys, authority] = await Promise.all(
    (["DNSKEY", "SOA"] as const).map((type) => askEverywhere(dns, [zone], type, { withSignatures: true })),
  );
  const found = await Promise.all(keys.map(async (reply) => {
    const { who, problem, records } = reply;
    if (problem !== undefined) return [`${who} ${problem}`];
    const zoneKeys = records.flatMap((each) => keyIn(each) ?? []);
    if (zoneKeys.length === 0) return [`${who} has ${zone} without signatures`];
    const vouched = [];
    for (const key of zoneKeys) if (await isVouched(key, zone, signers)) vouched.push(key);
    if (vouched.length === 0) return [`${who} has no key of ${zone} that the zone above vouches for`];
    const soa = authority.find((each) => each.who === who);
    return [
      ...signatureProblem(reply, vouched, "DNSKEY", now),
      ...soa && soa.problem === undefined ? signatureProblem(soa, zoneKeys, "SOA", now) : [],
    ].map((each) => `${who} ${each} of ${zone}`);
  }));
  return found.flat();
}

/** Why no signature counts, as the beginning of a clause; at most one. */
function signatureProblem({ signatures }: Reply, keys: ZoneKey[], type: string, now: Date): string[] {
  const ours = signatures.flatMap(({ data }) => {
    const { keyTag, algorithm, inception, expiration } = data as Record<string, unknown>;
    if (!keys.some((key) => key.keyTag === keyTag && key.algorithm === algorithm)) return [];
    return typeof inception === "number" && typeof expiration === "number" ? [{ inception, expiration }] : [];
  });
  if (ours.length === 0) return [`has no signature by a key of the zone for the ${type}`];
  const seconds = +now / 1000;
  if (ours.some(({ inception, expiration }) => inception <= seconds && seconds <= expiration)) return [];
  const last = Math.max(...ours.map(({ expiration }) => expiration));
  return last < seconds
    ? [`has a signature that expired ${readable(new Date(last * 1000))} for the ${type}`]
    : [`has a signature that is not valid yet for the ${type}`];
}

async function isVouched(key: ZoneKey, zone: string, signers: DelegationSigner[]): Promise<boolean> {
  for (const { keyTag, algorithm, digestType, digest } of signers) {
    if (keyTag !== key.keyTag || algorithm !== key.algorithm || !(digestType in digests)) continue;
    const bytes = await crypto.subtle.digest(
      digests[digestType],
      Uint8Array.of(...wireName(zone), ...key.data),
    );
    if (new Uint8Array(bytes).toHex() === digest) return true;
  }
  return false;
}

function signerIn({ data }: DnsRecord): DelegationSigner | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { keyTag, algorithm, digestType, digest } = data as Record<string, unknown>;
  if (typeof keyTag !== "number" || typeof algorithm !== "number" || typeof digestType !== "number") return;
  if (!(digest instanceof Uint8Array)) return undefined;
  return { keyTag, algorithm, digestType, digest: new Uint8Array(digest).toHex() };
}

function keyIn({ data }: DnsRecord): ZoneKey | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { flags, algorithm, key } = data as Record<string, unknown>;
  if (typeof flags !== "number" || typeof algorithm !== "number" || !(key instanceof Uint8Array)) return;
  const wire = Uint8Array.of(flags >> 8, flags & 255, 3, algorithm, ...key);
  // RFC 4034, appendix B.
  const sum = wire.reduce((sum, byte, i) => sum + (i % 2 === 0 ? byte << 8 : byte), 0);
  return { keyTag: sum + (sum >> 16) & 0xffff, algorithm, data: wire };
}

/** RFC 4034 §6.2. */
const wireName = (name: string): number[] => [
  ...name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]),
  0,
];
