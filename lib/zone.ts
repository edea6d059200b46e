/** What the zone must say of a line's keys. */
import type { Config } from "./config.ts";
import { type Files, type KeyFile, matches, openKey, readBackups } from "./files.ts";
import type { State } from "./state.ts";
import { recordsFor, type TlsaRecord } from "./tlsa.ts";

/** The names that have TLSA records: the configured services, or HTTPS at each domain.
 *
 * @param config the configuration
 */
export const serviceNames = ({ dane, domains }: Config): string[] =>
  dane?.services.map(({ name }) => name) ?? domains.map((domain) => `_443._tcp.${domain}`);

/** The records that each of these names must have: for the live key, for the staged one once it has a certificate, and for
 * the one before as long as a server may have it.
 *
 * @param config the configuration
 * @param files the keys
 * @param state remembers which key was last found to be served
 */
export async function zoneRecords(
  config: Config,
  { live, staging }: Files,
  { served }: State,
): Promise<TlsaRecord[]> {
  const keys = [live.key, matches(staging.key, staging.crt) ? staging.key : undefined];
  if (served !== undefined && !keys.some((file) => file?.key?.spki === served)) {
    keys.push(await backupOf(config, served));
  }
  const parameters = config.dane?.parameters ?? [[3, 1, 1]];
  return (await Promise.all(keys.map((file) => keyRecords(file, parameters)))).flat();
}

async function backupOf(config: Config, spki: string): Promise<KeyFile | undefined> {
  for await (const { key } of readBackups(config)) if (key?.key?.spki === spki) return key;
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
