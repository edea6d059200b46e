/** Finishing or undoing an interrupted run: compare public keys, take the first row that fits. */
import type { Config } from "../config/config.ts";
import { remove } from "../disk/descriptor.ts";
import { syncDirectory } from "../disk/directory.ts";
import { directoryOf } from "../disk/names.ts";
import { resolve } from "../disk/read.ts";
import { put, renameAll } from "../disk/write.ts";
import { Failure } from "../errors.ts";
import { type Files, matches, readBackups, readFiles } from "../line/files.ts";
import type { Memory } from "../line/memory.ts";
import { certificateMode, keyMode } from "../line/modes.ts";
import { pathsOf } from "../line/paths.ts";
import { backup } from "./backup.ts";

/** Brings the files of a line back into a state in which the live key matches the live certificate.
 *
 * It needs no network, may be repeated, and may itself be interrupted anywhere.
 *
 * @param config the configuration
 * @param now the time: an expired certificate is not worth restoring
 * @param memory remembers what files hold, and what was revoked: such a certificate is not restored
 * @returns what was done, one line each (empty: nothing was wrong), the files as they are then, and what of the
 *   backups can't be read
 * @throws {Failure} there is no usable live key; one is never invented, since its TLSA record may be in DNS
 */
export async function recover(
  config: Config,
  now: Date,
  memory: Pick<Memory, "contents" | "revoked">,
): Promise<{ done: string[]; files: Files; unreadable: Set<string> }> {
  const done: string[] = [];
  const unreadable = new Set<string>();
  for (;;) {
    const files = await readFiles(config, memory.contents);
    const step = await recoverOnce(config, files, { now, revoked: memory.revoked, unreadable });
    if (!step) return { done, files, unreadable };
    done.push(step);
  }
}

async function recoverOnce(
  config: Config,
  files: Files,
  { now, revoked, unreadable }: { now: Date; revoked: Memory["revoked"]; unreadable: Set<string> },
): Promise<string | undefined> {
  const { live: at, staging: from } = pathsOf(config);
  const { live, staging } = files;

  if (matches(live.key, live.crt)) return removeLeftOver(config, files);
  if (!live.key && !live.crt && !staging.key && !staging.crt) return; // a line that has not begun

  if (matches(live.key, staging.crt)) {
    if (live.crt) await backup(config, at.crt, live.crt.bytes);
    renameAll([[from.crt, at.crt]]);
    return `Recovered: "${at.crt}" from the staging certificate`;
  }
  if (matches(staging.key, live.crt)) {
    if (live.key) await backup(config, at.key, live.key.bytes);
    renameAll([[from.key, at.key]]);
    return `Recovered: "${at.key}" from the staging key`;
  }
  return await fromBackups(config, files, { now, revoked, unreadable });
}

/** The newest certificate for the live key, or the key for the live certificate, from their copies. */
async function fromBackups(
  config: Config,
  files: Files,
  { now, revoked, unreadable }: { now: Date; revoked: Memory["revoked"]; unreadable: Set<string> },
): Promise<string | undefined> {
  const { live: at } = pathsOf(config);
  const { live } = files;
  let best: { name: string; bytes: Uint8Array<ArrayBuffer>; notAfter: Date } | undefined;
  for await (const { name, crt } of readBackups(config, unreadable)) {
    if (!crt?.certificate || !matches(live.key, crt) || crt.certificate.serial in revoked) continue;
    const { notAfter } = crt.certificate;
    if (notAfter > (best?.notAfter ?? now)) best = { name, bytes: crt.bytes, notAfter };
  }
  if (best) {
    if (live.crt) await backup(config, at.crt, live.crt.bytes);
    put(at.crt, best.bytes, certificateMode);
    return `Recovered: "${at.crt}" from the backup "${best.name}"`;
  }
  for await (const { name, key } of readBackups(config, unreadable)) {
    if (!matches(key, live.crt)) continue;
    const mode = keyMode(config);
    if (live.key) await backup(config, at.key, live.key.bytes);
    put(at.key, key!.bytes, mode);
    return `Recovered: "${at.key}" from the backup "${name}"`;
  }
  if (live.key?.key) return; // a certificate is due, for this very key
  throw new Failure(
    "files.key",
    `The live key "${at.key}" is ${live.key ? "damaged" : "gone"} and no backup fits "${at.crt}"`,
    {
      path: at.key,
      cure: `${found(files)}; put the key back, or move all files away and run init for a new key`,
    },
  );
}

function removeLeftOver(config: Config, { live, staging }: Files): string | undefined {
  const { live: at, staging: from } = pathsOf(config);
  if (matches(staging.key, live.crt)) {
    // Whoever was killed before may not have synced what makes it one.
    syncDirectory(directoryOf(resolve(at.key)));
    remove(from.key);
    syncDirectory(config.dirs.keys);
    return `Removed "${from.key}": it is the live key`;
  }
  if (matches(live.key, staging.crt)) {
    syncDirectory(directoryOf(resolve(at.crt)));
    remove(from.crt);
    syncDirectory(config.dirs.certs);
    return `Removed "${from.crt}": it is for the live key`;
  }
}

function found({ live, staging }: Files): string {
  const what = Object.entries({ live, staging }).flatMap(([name, { key, crt }]) => [
    ...key ? [`${name} key ${key.key ? `${key.key.keyId.slice(0, 16)}…` : "(damaged)"}`] : [],
    ...crt ? [`${name} certificate for key ${crt.certificate?.keyId.slice(0, 16) ?? "(damaged)"}…`] : [],
  ]);
  return `found ${what.join(", ") || "nothing"}`;
}
