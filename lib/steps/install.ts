/** The few ways in which the files of a line change. */
import type { Config } from "../config/config.ts";
import { maySeeAcl } from "../disk/acl.ts";
import { remove } from "../disk/descriptor.ts";
import { makeDirectory, syncDirectory } from "../disk/directory.ts";
import { changeMode } from "../disk/mode.ts";
import { fileName, formerName, probeName, temporaryName } from "../disk/names.ts";
import { exists, inspect, read, resolve } from "../disk/read.ts";
import { put, renameAll } from "../disk/write.ts";
import { backup } from "./backup.ts";
import { equal } from "../line/files.ts";
import type { SlotName } from "../line/line.ts";
import { certificateMode, keyMode } from "../line/modes.ts";
import { lineId, pathsOf } from "../line/paths.ts";

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
export async function removeTemporaries(config: Config): Promise<void> {
  const { dirs, acme, files } = config;
  const at = pathsOf(config);
  const pairs = [at.live.key, at.live.crt, at.staging.key, at.staging.crt];
  const outputs = files.outputs.flatMap((parts) => [at.output("live", parts), at.output("staging", parts)]);
  const id = await lineId(config);
  const copies = pairs.map((path) => `${dirs.backups}/${fileName(path)}.${id}`);
  const probes = [...Object.values(dirs), acme.challengeDir].filter((each) => each !== undefined)
    .map(probeName);
  const targets = [...new Set([...pairs, ...pairs.filter((path) => exists(path)).map(resolve)])];
  for (const path of [...targets, ...outputs, ...copies, ...probes, at.memory]) remove(temporaryName(path));
  for (const path of targets) remove(formerName(path));
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
  const mode = keyMode(config);
  changeMode(staging.key, mode);
  changeMode(staging.crt, certificateMode);
  renameAll([[staging.key, live.key], [staging.crt, live.crt]]);
  if (wasOpen) return `"${live.key}" is no longer readable by everybody, but by the group of its directory`;
  if (mode.mode & 0o070 && !maySeeAcl()) {
    return `An access control list of "${live.key}", if it had one, is not kept: Deno may not run getfacl and setfacl`;
  }
}
