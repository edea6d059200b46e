/** The few ways in which the files of a line change. */
import type { Config } from "../config/config.ts";
import {
  makeDirectory,
  probeName,
  put,
  remove,
  renameAll,
  resolve,
  setMode,
  syncDirectory,
  syncFile,
  temporaryName,
} from "../disk/write.ts";
import { exists, fileName, inspect, list, read } from "../disk/read.ts";
import { LineError } from "../errors.ts";
import { sha256 } from "../x509/key.ts";
import { equal } from "../line/files.ts";
import type { SlotName } from "../line/line.ts";
import { certificateMode, keyMode } from "../line/modes.ts";
import { pathsOf } from "../line/paths.ts";

/** Creates the directories of a line. */
export function makeDirectories({ dirs }: Config): void {
  makeDirectory(dirs.certs, 0o755);
  makeDirectory(dirs.keys, 0o710);
  makeDirectory(dirs.backups, 0o700);
}

/** Removes the temporary files that an interrupted run left: while the lock is held they are stale.
 *
 * @param config the configuration
 */
export function removeTemporaries(config: Config): void {
  const { dirs, acme, files } = config;
  const at = pathsOf(config);
  const pairs = [at.live.key, at.live.crt, at.staging.key, at.staging.crt];
  const outputs = files.outputs.flatMap((parts) => [at.output("live", parts), at.output("staging", parts)]);
  const copies = pairs.map((path) => `${dirs.backups}/${fileName(path)}`);
  const probes = [...Object.values(dirs), acme.challengeDir].filter((each) => each !== undefined)
    .map(probeName);
  const targets = pairs.filter((path) => exists(path)).map(resolve);
  for (
    const path of [
      ...new Set([...pairs, ...targets]),
      ...outputs,
      ...copies,
      ...probes,
      at.memory,
    ]
  ) {
    remove(temporaryName(path));
  }
}

/** Writes a new key; one that is there is never replaced. */
export function writeNewKey(path: string, pem: string): void {
  put(path, new TextEncoder().encode(pem), { mode: 0o600, new: true });
}

/** Installs a certificate for a key that is in its place already: one rename, so the pair matches at every instant. */
export async function installCertificate(config: Config, slot: SlotName, pem: string): Promise<void> {
  const { crt } = pathsOf(config)[slot];
  const bytes = new TextEncoder().encode(pem);
  const old = read(crt);
  if (old && equal(old, bytes)) return;
  if (old) await backup(config, crt, old);
  put(crt, bytes, certificateMode);
}

/** Keeps a certificate that was issued, though it is not installed.
 *
 * @param config the configuration
 * @param slot what it was meant for
 * @param chain as the CA sent it
 */
export async function keepCertificate(config: Config, slot: SlotName, chain: string): Promise<void> {
  await backup(config, pathsOf(config)[slot].crt, new TextEncoder().encode(chain));
}

/** Makes the staging pair live. Key first, certificate last: who watches the certificate sees a matching pair.
 *
 * @param config the configuration
 * @returns what the new live key's permissions take from somebody; undefined: nothing
 */
export async function promote(config: Config): Promise<string | undefined> {
  const { live, staging } = pathsOf(config);
  const wasOpen = (inspect(live.key)?.mode ?? 0) & 0o004;
  for (const path of [live.key, live.crt]) {
    const bytes = read(path);
    if (bytes) await backup(config, path, bytes);
  }
  syncDirectory(config.dirs.keys);
  syncDirectory(config.dirs.certs);
  setMode(staging.key, keyMode(config));
  setMode(staging.crt, certificateMode);
  syncFile(staging.key);
  syncFile(staging.crt);
  renameAll([[staging.key, live.key], [staging.crt, live.crt]]);
  if (wasOpen) return `"${live.key}" is no longer readable by everybody, but by the group of its directory`;
}

/** Keeps a copy, named by date and content; what is there already is not copied again.
 *
 * @param config the configuration
 * @param path the file
 * @param bytes its content
 */
export async function backup(config: Config, path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const { backups } = config.dirs;
  makeDirectory(backups, 0o700);
  const name = fileName(path);
  for (const each of list(backups)) {
    if (each.startsWith(`${name}.`) && equal(bytes, read(`${backups}/${each}`))) {
      syncFile(`${backups}/${each}`);
      syncDirectory(backups);
      return;
    }
  }
  const date = inspect(path)?.mtime?.toISOString().slice(0, 10) ?? "undated";
  const copy = `${backups}/${name}.${date}.${(await sha256(bytes)).slice(0, 8)}`;
  put(copy, bytes, { mode: 0o600, temporary: temporaryName(`${backups}/${name}`) });
  if (!equal(bytes, read(copy))) throw new LineError(`The backup "${copy}" differs from what was written`);
}
