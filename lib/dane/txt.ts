/** TXT records of DNS challenges, RFC 8555 §8.4: where they stand, and whether every server has them. */
import { type DnsRecord, follow } from "./dns.ts";
import { askEverywhere, type Dns, dnsBy, namesAlong, type Reply } from "./everywhere.ts";
import { printable } from "../errors.ts";
import { lookUp, resolverOf } from "./resolver.ts";
import type { DaneConfig, Network } from "./service.ts";

/** Where a challenge's records stand. */
export interface Place {
  /** What the CA asks for, such as `_acme-challenge.www.example.org`. */
  asked: string;
  /** Where its aliases lead, which is where records are to be changed; without aliases the same. */
  owner: string;
  /** Both, and all names between. */
  names: string[];
}

/** Records that are to be at a place. */
export interface Wanted {
  place: Place;
  values: readonly string[];
}

/** Waiting times between two looks, milliseconds; the last one again and again. */
const patience = [1000, 2000, 4000, 8000, 15_000];

/** Finds the name at which records are to be changed: aliases at the challenge's name lead there, as CAs follow them.
 *
 * @param network reaches the resolver
 * @param label such as `_acme-challenge` or `_validation-persist`
 * @param name a domain name; a wildcard stands for the name below its star
 * @param options `resolver`: for split DNS
 * @throws {DnsError} the resolver gives no answer, or the aliases run in a circle; the message is an end of a sentence
 */
export async function placeOf(
  network: Pick<Network, "exchangeDns">,
  { label, name }: { label: string; name: string },
  options: Pick<DaneConfig, "resolver"> = {},
): Promise<Place> {
  const asked = `${label}.${name.replace(/^\*\./, "").toLowerCase()}`;
  const answer = await lookUp(network, resolverOf(options), { name: asked, type: "TXT" });
  const { aliases, name: owner } = follow(answer, asked, "TXT");
  return { asked, owner, names: namesAlong(aliases, asked) };
}

/** The text of a TXT record: its strings put together, RFC 7208 §3.3; undefined: it is damaged. */
export function textIn({ data }: DnsRecord): string | undefined {
  if (!Array.isArray(data) || !data.every((each) => each instanceof Uint8Array)) return undefined;
  return data.map((each) => new TextDecoder("latin1").decode(each)).join("");
}

/** What every server of a place has.
 *
 * @param dns whom to ask
 * @param place whose records
 * @returns one for each address of each server; what only leads on is left out
 */
export async function readTexts(dns: Dns, place: Place): Promise<(Reply & { texts: string[] })[]> {
  const replies = await askEverywhere(dns, place.names, "TXT");
  return replies.filter((each) => each.problem !== undefined || !each.isOnTheWay).map((each) => ({
    ...each,
    texts: each.records.flatMap((record) => textIn(record) ?? []),
  }));
}

/** Waits until every address of every authoritative server has the records: the CA asks whichever it likes.
 *
 * @param network reaches resolver and servers
 * @param wanted what is to be there; other values beside it don't matter
 * @param options `resolver`: for split DNS; `deadline`: how long it may take, milliseconds
 * @returns what is lacking where in the last look; empty: all is there
 */
export async function awaitTexts(
  network: Pick<Network, "exchangeDns" | "sleep" | "uptime">,
  wanted: readonly Wanted[],
  options: { deadline: number } & Pick<DaneConfig, "resolver">,
): Promise<string[]> {
  const end = network.uptime() + options.deadline;
  for (let look = 0;; look++) {
    const dns = dnsBy(network, resolverOf(options));
    const lacking = (await Promise.all(wanted.map((each) => findLacking(dns, each)))).flat();
    const wait = patience[Math.min(look, patience.length - 1)];
    if (lacking.length === 0 || network.uptime() + wait > end) return [...new Set(lacking)].sort();
    await network.sleep(wait);
  }
}

async function findLacking(dns: Dns, { place, values }: Wanted): Promise<string[]> {
  return (await readTexts(dns, place)).flatMap(({ who, name, problem, texts }) =>
    problem !== undefined
      ? [`${who} ${problem}`]
      : values.filter((value) => !texts.includes(value)).map((value) =>
        `${who} has no TXT "${value}" at ${name}`
      )
  ).map((each) => printable(each));
}
