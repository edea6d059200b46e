/** Copies of what was live: nothing in the directory of backups is ever replaced or removed. */
import type { Config } from "../config/config.ts";
import { makeDirectory, syncDirectory, syncFile } from "../disk/directory.ts";
import { fileName, temporaryName } from "../disk/names.ts";
import { inspect, list, read } from "../disk/read.ts";
import { put } from "../disk/write.ts";
import { Failure } from "../errors.ts";
import { equal } from "../line/files.ts";
import { lineId } from "../line/paths.ts";
import { sha256 } from "../x509/key.ts";

/** How much of the hash a name has; more only where a shorter one is taken by what has another content. */
const lengths = [8, 16, 64];

/** Keeps a copy, named by date and content; what is there already is not copied again.
 *
 * @param config the configuration
 * @param path the file
 * @param bytes its content
 * @throws {Failure} it can't be written, or not be read back
 */
export async function backup(config: Config, path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const { backups } = config.dirs;
  makeDirectory(backups, 0o700);
  const name = fileName(path);
  const hash = await sha256(bytes);
  const known = list(backups).filter((each) => each.startsWith(`${name}.`));
  const date = inspect(path)?.mtime?.toISOString().slice(0, 10) ?? "undated";
  const temporary = temporaryName(`${backups}/${name}.${await lineId(config)}`);
  for (const length of lengths) {
    const end = hash.slice(0, length);
    const there = known.find((each) => each.endsWith(`.${end}`));
    const copy = `${backups}/${there ?? `${name}.${date}.${end}`}`;
    if (there === undefined && writeCopy(copy, bytes, temporary)) return;
    if (there === undefined || !isCopy(copy, bytes)) continue;
    syncFile(copy);
    return syncDirectory(backups);
  }
  throw new Failure("files.storage", `There is no name left for a backup of "${path}"`, { path: backups });
}

/** Writes a copy, and reads it back; returns false where something that is no regular file has its name. */
function writeCopy(copy: string, bytes: Uint8Array, temporary: string): boolean {
  try {
    put(copy, bytes, { mode: 0o600, new: true, temporary });
  } catch (error) {
    if (error instanceof Failure && error.kind === "files.taken") return false;
    throw error;
  }
  if (equal(bytes, read(copy))) return true;
  const message = `The backup "${copy}" differs from what was written`;
  throw new Failure("files.storage", message, { path: copy, code: "EIO" });
}

/** Whether a file can be read and has this content. */
function isCopy(path: string, bytes: Uint8Array): boolean {
  try {
    return equal(bytes, read(path));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return false;
  }
}
