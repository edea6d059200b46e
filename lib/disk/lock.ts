/** The lock: one run at a time works on a line. */
import { Failure } from "../errors.ts";
import { create, fs } from "./descriptor.ts";
import { explain } from "./failure.ts";
import { userId } from "./granted.ts";
import { exists, inspect } from "./read.ts";

/** What a lock needs of the outside world. */
export interface Clock {
  now(): Date;
}

/** Takes the lock of a line, without waiting; it is released when the process ends, however that happens.
 *
 * @param path the lock file, never deleted
 * @param clock for the message that another run sees
 * @returns the lock
 * @throws {Failure} of kind `run.locked`: another run holds it
 */
export function lock(path: string, clock: Clock): Disposable {
  const file = openOwn(path);
  if (!tryLock(file, path)) {
    const who = firstLine(file);
    file.close();
    throw new Failure("run.locked", `Another run is active${who ? ` (${who})` : ""}`, { path });
  }
  try {
    file.writeSync(new TextEncoder().encode(`pid ${Deno.pid}, since ${clock.now().toISOString()}\n`));
  } catch { /* on a full disk: who holds the lock is good to know, no more */ }
  return { [Symbol.dispose]: () => file.close() };
}

/** Opens a file that is locked or written in place, and makes it where it is missing.
 *
 * @param path its name, which is no link to anything
 * @throws {Failure} of kind `files.untrusted`: it is not a file of ours, under this name alone
 */
export function openOwn(path: string): Deno.FsFile {
  if (!exists(path)) make(path);
  const refuse = () => {
    throw new Failure("files.untrusted", `"${path}" is not a file of ours with this one name`, { path });
  };
  const named = inspect(path, { follow: false });
  if (!named?.isFile) refuse();
  const file = explain("opening", path, () => Deno.openSync(path, { read: true, write: true }));
  const { isFile, nlink, uid, dev, ino } = file.statSync();
  const us = userId();
  const isOurs = uid === 0 || us === undefined || uid === us;
  if (isFile && nlink === 1 && isOurs && dev === named!.dev && ino === named!.ino) return file;
  file.close();
  return refuse();
}

function make(path: string): void {
  try {
    create(path, (descriptor) => fs().fchmodSync(descriptor, 0o600)); // the umask may take more than it should
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== "files.taken") throw error; // another run's first
  }
}

/** Locks a file with flock, which holds as long as it is open.
 *
 * @param file from {@link openOwn}
 * @param path its name
 * @returns false: it is locked already
 * @throws {Failure} its file system has no locks
 */
export function tryLock(file: Deno.FsFile, path: string): boolean {
  try {
    return file.tryLockSync(true);
  } catch (cause) {
    file.close();
    throw new Failure("files.storage", `Cannot lock "${path}"`, {
      path,
      cure: "the directory must be on a local file system",
      cause,
    });
  }
}

/** The first line of an open file, where that is short and printable. */
function firstLine(file: Deno.FsFile): string | undefined {
  const bytes = new Uint8Array(100);
  const [line] = new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0)).split("\n", 1);
  return /^[\x20-\x7e]{1,80}$/.test(line) ? line : undefined;
}

/** Replaces the content of an open file, durably. Only a power cut can leave a part of it.
 *
 * @param file from {@link openOwn}, locked
 * @param path its name
 * @param text at most one page, in one write
 */
export function writeOver(file: Deno.FsFile, path: string, text: string): void {
  explain("writing", path, () => {
    const bytes = new TextEncoder().encode(text);
    file.seekSync(0, Deno.SeekMode.Start);
    if (file.writeSync(bytes) !== bytes.length) {
      throw new Failure("files.storage", `"${path}" was written in part only`, { path });
    }
    file.truncateSync(bytes.length);
    file.syncSync();
  });
}
