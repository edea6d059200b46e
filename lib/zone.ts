/** What the zone must say of a line's keys. */
import type { Config } from "./config.ts";
import { type Files, type KeyFile, matches, openKey } from "./files.ts";
import { recordsFor, type TlsaRecord } from "./tlsa.ts";

/** The names that have TLSA records: the configured services, or HTTPS at each domain.
 *
 * @param config the configuration
 */
export const serviceNames = ({ dane, domains }: Config): string[] =>
  dane?.services.map(({ name }) => name) ?? domains.map((domain) => `_443._tcp.${domain}`);

/** The records that each of these names must have: for the live key and, once it has a certificate, the staged one.
 *
 * @param config the configuration
 * @param files the keys
 */
export async function zoneRecords({ dane }: Config, { live, staging }: Files): Promise<TlsaRecord[]> {
  const keys = [live.key, matches(staging.key, staging.crt) ? staging.key : undefined];
  const records = await Promise.all(keys.map((file) => keyRecords(file, dane?.parameters ?? [[3, 1, 1]])));
  return records.flat();
}

async function keyRecords(
  file: KeyFile | undefined,
  parameters: Parameters<typeof recordsFor>[1],
): Promise<TlsaRecord[]> {
  if (!file?.key) return [];
  // By SHA-256 the key is known anyway; for anything else it has to be read.
  const isKnown = parameters.every((each) => each.join() === "3,1,1");
  if (!isKnown) return await recordsFor((await openKey(file)).spki, parameters);
  return parameters.map(([usage, selector, matchingType]) => ({
    ...{ usage, selector, matchingType },
    data: file.key!.spki,
  }));
}
