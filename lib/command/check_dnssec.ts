/** Whether the signatures of the names' zones hold at every server: where they don't, CAs refuse (RFC 8659 §5.6), and so does mail. */
import type { Config } from "../config/config.ts";
import { DnsError } from "../dane/dns.ts";
import { dnssecProblems } from "../dane/dnssec.ts";
import { dnsBy } from "../dane/everywhere.ts";
import { resolverOf } from "../dane/resolver.ts";
import { zoneOf } from "../dane/zone.ts";
import type { World } from "../steps/session.ts";
import { isAddress } from "../x509/name.ts";
import { type Finding, warnings } from "./finding.ts";

/** Asks every server of every zone; a zone that is not signed is nothing to be told of.
 *
 * @param config the configuration
 * @param world reaches name servers, and tells the time
 */
export async function dnssecFindings({ dns, dane, domains }: Config, world: World): Promise<Finding[]> {
  const resolver = resolverOf({ resolver: dns.resolver ?? dane?.resolver });
  const names = domains.filter((each) => !isAddress(each)).map((each) => each.replace(/^\*\./, ""));
  const zones = await Promise.all(names.map(async (name) => {
    try {
      return [await zoneOf(world, resolver, name)];
    } catch (error) {
      if (!(error instanceof DnsError)) throw error;
      return []; // whoever asks for the name's records says so
    }
  }));
  const asked = dnsBy(world, resolver);
  const found = await Promise.all(
    [...new Set(zones.flat())].map((zone) => dnssecProblems(asked, zone, world.now())),
  );
  return warnings(found.flat().map((each) => `${each}: CAs refuse names in this zone`));
}
