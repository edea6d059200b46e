/** Whether CAA records let the CA issue: asked before it has to say no. */
import { Connection } from "../acme/connection.ts";
import type { Config } from "../config/config.ts";
import { caaProblems } from "../dane/caa_lookup.ts";
import { dnsBy } from "../dane/everywhere.ts";
import { resolverOf } from "../dane/resolver.ts";
import type { Memory } from "../line/memory.ts";
import type { World } from "../steps/session.ts";
import { isAddress } from "../x509/name.ts";
import { type Finding, warnings } from "./finding.ts";

/** Asks every server of every name, going up the tree as the CA does (RFC 8659 §3).
 *
 * @param config the configuration
 * @param memory knows the account
 * @param world reaches CA and name servers
 * @throws {Failure} the CA can't be reached
 */
export async function caaFindings(
  { acme, dns, dane, domains }: Config,
  memory: Memory,
  world: World,
): Promise<Finding[]> {
  const { directory } = await Connection.open(acme.directory, world);
  const issuers = directory.meta.caaIdentities;
  if (issuers.length === 0) return []; // it doesn't say by which names it goes
  const { account } = memory;
  const accountUrl = account?.directory === acme.directory ? account.url : undefined;
  const asked = dnsBy(world, resolverOf({ resolver: dns.resolver ?? dane?.resolver }));
  const names = domains.filter((each) => !isAddress(each));
  const issuance = { issuers, accountUrl, method: acme.challenge };
  const found = await Promise.all(names.map((name) => caaProblems(asked, name, issuance)));
  // Where a server gives no answer, a CA that asks it refuses too (RFC 8659 §3).
  return warnings([...new Set(found.flat())].map((each) => `${each}: the next certificate may be refused`));
}
