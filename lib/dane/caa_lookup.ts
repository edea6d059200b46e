/** CAA records as a CA finds them: going up the tree, along aliases, at whichever server it asks. */
import { caaIn, type CaaProperty, type Issuance, refusal } from "./caa.ts";
import { DnsError, follow } from "./dns.ts";
import { askEverywhere, type Dns, namesAlong } from "./everywhere.ts";
import { lookUp } from "./resolver.ts";
import { printable } from "../errors.ts";

/** One set of records that a CA may decide by. */
export interface Found {
  /** At which name; absent: there are none up to the top of the tree, so that every CA may issue. */
  at?: string;
  rrset: CaaProperty[];
  /** The servers that have it. */
  who: string[];
}

/** What servers say. */
export interface CaaAnswer {
  /** Where servers differ, several. */
  found: Found[];
  /** Who gave no answer that counts: CAs refuse where they ask that one. */
  problems: string[];
}

/** Looks for the records of a name, RFC 8659 §3.
 *
 * Every server of every zone on the way is asked, but for those of top-level domains, which have many and keep them equal.
 *
 * @param dns whom to ask
 * @param name a domain name; a wildcard stands for the name below its star
 */
export async function findCaa(dns: Dns, name: string): Promise<CaaAnswer> {
  const found: Found[] = [];
  const problems: string[] = [];
  for (let at = name.replace(/^\*\./, "").toLowerCase(); at !== ""; at = at.split(".").slice(1).join(".")) {
    const sets = new Map<string, Found>();
    for (const { who, rrset, problem } of await setsAt(dns, at)) {
      if (problem !== undefined) problems.push(printable(`${who} ${problem}`));
      else {
        const key = JSON.stringify(rrset.map((each) => JSON.stringify(each)).sort());
        const known = sets.get(key) ?? { at, rrset, who: [] };
        sets.set(key, { ...known, who: [...known.who, printable(who)] });
      }
    }
    found.push(...[...sets.values()].filter(({ rrset }) => rrset.length > 0));
    // Who finds none here looks further up, as long as anybody does.
    if (sets.size > 0 && ![...sets.values()].some(({ rrset }) => rrset.length === 0)) {
      return { found, problems };
    }
  }
  return { found: [...found, { rrset: [], who: [] }], problems };
}

/** Why a CA may refuse to issue for a name.
 *
 * @param dns whom to ask
 * @param name see {@link findCaa}
 * @param issuance what is wanted
 * @returns one line for each reason; empty: it may issue, whichever servers it asks
 */
export async function caaProblems(
  dns: Dns,
  name: string,
  issuance: Omit<Issuance, "isWildcard">,
): Promise<string[]> {
  const { found, problems } = await findCaa(dns, name);
  const refusals = found.flatMap(({ at, rrset, who }) => {
    const why = refusal(rrset, { ...issuance, isWildcard: name.startsWith("*.") });
    const where = found.length > 1 ? ` at ${who.join(", ")}` : "";
    return why ? [printable(`CAA of ${at}${where} ${why}`)] : [];
  });
  return [...new Set([...refusals, ...problems])];
}

async function setsAt(
  dns: Dns,
  at: string,
): Promise<{ who: string; rrset: CaaProperty[]; problem?: string }[]> {
  const who = `the resolver ${dns.resolver.address}`;
  try {
    const answer = await lookUp(dns.network, dns.resolver, { name: at, type: "CAA" });
    const { aliases, records } = follow(answer, at, "CAA");
    if (!at.includes(".")) return [{ who, rrset: records.flatMap((each) => caaIn(each) ?? []) }];
    const replies = await askEverywhere(dns, namesAlong(aliases, at), "CAA");
    return replies.filter(({ isOnTheWay, problem }) => !isOnTheWay || problem !== undefined)
      .map(({ who, records, problem }) => ({
        who,
        problem,
        rrset: records.flatMap((each) => caaIn(each) ?? []),
      }));
  } catch (error) {
    if (!(error instanceof DnsError)) throw error;
    return [{ who: at, rrset: [], problem: error.message }];
  }
}
