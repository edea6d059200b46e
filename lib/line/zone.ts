/** What the zone must say of a line's keys. */
import type { Config } from "../config/config.ts";
import { type Files, type KeyFile, matches, openKey, readBackups } from "./files.ts";
import type { Memory } from "./memory.ts";
import type { Parameters } from "../dane/service.ts";
import { recordsFor, type TlsaRecord } from "../dane/records.ts";

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
  { served }: Memory,
): Promise<TlsaRecord[]> {
  const parameters = config.dane?.parameters ?? [[3, 1, 1]];
  const keys = [live.key, matches(staging.key, staging.crt) ? staging.key : undefined];
  const records = (await Promise.all(keys.map((file) => keyRecords(file, parameters)))).flat();
  // Only hooks change what is served, and only after them somebody looks.
  const isWatched = config.hooks.certchange !== undefined || config.hooks.keychange !== undefined;
  if (!isWatched || served === undefined || keys.some((file) => file?.key?.keyId === served)) return records;
  return [...records, ...await retiringRecords(config, served, parameters)];
}

/** By SHA-256 a key is known without its file; the other digests need its copy. */
async function retiringRecords(
  config: Config,
  keyId: string,
  parameters: readonly Parameters[],
): Promise<TlsaRecord[]> {
  const known = parameters.filter(isKnown).map((each) => toRecord(each, keyId));
  if (known.length === parameters.length) return known;
  for await (const { key } of readBackups(config)) {
    if (key?.key?.keyId === keyId) return await keyRecords(key, parameters);
  }
  return known;
}

const isKnown = (parameters: Parameters) => parameters.join() === "3,1,1";
const toRecord = ([usage, selector, matchingType]: Parameters, data: string): TlsaRecord => ({
  ...{ usage, selector, matchingType },
  data,
});

async function keyRecords(
  file: KeyFile | undefined,
  parameters: readonly Parameters[],
): Promise<TlsaRecord[]> {
  if (!file?.key) return [];
  const { keyId } = file.key;
  if (parameters.every(isKnown)) return parameters.map((each) => toRecord(each, keyId));
  return await recordsFor((await openKey(file)).publicKey, parameters);
}
