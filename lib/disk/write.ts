/** The one crash-safe write primitive. What reaches a file name reaches it whole or not at all. */
import { StorageError } from "../errors.ts";
import { directoryOf, fileName, inspect, mayRead, read } from "./read.ts";
import { explain } from "./failure.ts";

/** How a file is to be. */
export interface FileMode {
  /** Permission bits; the umask plays no part. */
  mode: number;
  /** Group; undefined: as the file system gives it. */
  gid?: number;
}

/** Writes a file: complete and durable under its name when this returns, and never visible before.
 *
 * Each line is one system call and a possible crash point; `tests/` prove it at each of them.
 *
 * @param path where the bytes go; a symbolic link stays, and its target is replaced
 * @param bytes the whole content
 * @param how permissions; `new` refuses to replace anything; `isFleeting`: a power cut may take it; `temporary`: the
 *   name until it is complete, in the same directory; default: see {@link temporaryName}
 * @throws {StorageError} no space, no permission, the name is taken
 */
export function put(
  path: string,
  bytes: Uint8Array,
  how: FileMode & { new?: boolean; isFleeting?: boolean; temporary?: string },
): void {
  const target = resolve(path);
  const { temporary = temporaryName(target) } = how;
  prepare(temporary, bytes, how);
  explain("writing", target, () => {
    try {
      if (how.new) Deno.linkSync(temporary, target);
      else Deno.renameSync(temporary, target);
    } finally {
      remove(temporary); // a rename between two links of one inode does nothing
    }
    if (!how.isFleeting) syncDirectory(directoryOf(target));
  });
}

/** Writes the whole of a file under its temporary name. */
function prepare(temporary: string, bytes: Uint8Array, how: FileMode & { isFleeting?: boolean }): void {
  explain("writing", temporary, () => {
    remove(temporary);
    const file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
    try {
      for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
      if (file.statSync().size !== bytes.length) {
        throw new StorageError(`"${temporary}" has not the size of what was written to it`, {
          hint: "look at the file system: the kernel's log says more",
        });
      }
      setMode(temporary, how);
      if (!how.isFleeting) file.syncSync();
    } catch (error) {
      file.close();
      remove(temporary); // never retry a descriptor whose sync has failed
      throw error;
    }
    file.close();
  });
}

/** Sets group and permissions of an existing file.
 *
 * @param path the file
 * @param how what they are to be
 * @throws {StorageError} the system refuses
 */
export function setMode(path: string, how: FileMode): void {
  explain("setting the permissions of", path, () => {
    if (how.gid !== undefined && Deno.statSync(path).gid !== how.gid) Deno.chownSync(path, null, how.gid);
    Deno.chmodSync(path, how.mode);
  });
}

/** Makes the names in a directory durable.
 *
 * @param path the directory
 */
export function syncDirectory(path: string): void {
  explain("syncing", path, () => {
    const directory = Deno.openSync(path, { read: true });
    try {
      directory.syncSync();
    } finally {
      directory.close();
    }
  });
}

/** Makes the content and permissions of a file durable. */
export const syncFile = syncDirectory;

/** Renames two pairs of files with nothing in between that could fail, wait or be interrupted by a signal.
 *
 * @param pairs from and to, in order; where a symbolic link leads to another directory, which may be on another file
 *   system, a copy waits there first
 * @throws {StorageError} the system refuses; recovery finishes what was begun
 */
export function renameAll(pairs: [from: string, to: string][]): void {
  const moves = pairs.map(([from, to]) => {
    const target = resolve(to);
    if (directoryOf(from) === directoryOf(target)) return { from, source: from, target };
    const source = temporaryName(target);
    const { mode, gid } = inspect(from)!;
    prepare(source, read(from)!, { mode: mode! & 0o777, gid: gid ?? undefined });
    return { from, source, target };
  });
  explain("renaming to", moves[0].target, () => {
    for (const { source, target } of moves) Deno.renameSync(source, target);
  });
  // The new names have to be durable before what they were copied from goes.
  for (const directory of new Set(moves.map(({ target }) => directoryOf(target)))) syncDirectory(directory);
  const copied = moves.filter(({ from, source }) => source !== from);
  for (const { from } of copied) remove(from);
  for (const directory of new Set(copied.map(({ from }) => directoryOf(from)))) syncDirectory(directory);
}

/** Removes a file, if it is there.
 *
 * @param path the file
 */
export function remove(path: string): void {
  explain("removing", path, () => {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  });
}

/** Creates a directory and those above it, with these permissions whatever the umask; an existing one is left alone.
 *
 * @param path the directory
 * @param mode permission bits
 */
export function makeDirectory(path: string, mode: number): void {
  explain("creating", path, () => {
    const info = inspect(path);
    if (info && !info.isDirectory) throw new StorageError(`"${path}" is not a directory`);
    if (info) return;
    const parent = directoryOf(path);
    try {
      Deno.mkdirSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return; // a run beside this one was faster
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      if (!mayRead(parent)) {
        throw new StorageError(`The directory "${parent}" does not exist`, {
          hint: `mkdir -p ${parent}: the flags of this run are for what lies in it only`,
        });
      }
      makeDirectory(parent, 0o755);
      return makeDirectory(path, mode);
    }
    Deno.chmodSync(path, mode);
    if (mayRead(parent)) syncDirectory(parent);
  });
}

/** Checks, before the CA is asked for anything, that a small file can be written, synced and removed.
 *
 * @param directory where files are to go later
 * @throws {StorageError} it can't
 */
export function checkWritable(directory: string): void {
  const probe = temporaryName(probeName(directory));
  remove(probe);
  explain("writing", probe, () => {
    let file;
    try {
      file = Deno.openSync(probe, { write: true, createNew: true, mode: 0o600 });
    } catch (error) {
      // The run of another line, which shares this directory, finds out the same right now.
      if (error instanceof Deno.errors.AlreadyExists) return;
      throw error;
    }
    try {
      file.writeSync(new Uint8Array(4096));
      file.syncSync();
    } finally {
      file.close();
      remove(probe);
    }
  });
}

/** What {@link checkWritable} writes, under its temporary name only. */
export const probeName = (directory: string): string => `${directory}/letsencrypt-tiny.probe`;

/** The temporary name of a file: always the same, since whoever holds the lock may take a left-over for stale.
 *
 * @param path the file's name
 */
export function temporaryName(path: string): string {
  return `${directoryOf(path)}/.${fileName(path)}.tmp`;
}

/** Where a symbolic link leads; the path itself where it is none.
 *
 * @param path a file, whether or not it exists
 * @throws {StorageError} the link leads nowhere, as to a file system that is not mounted yet
 */
export function resolve(path: string): string {
  if (!inspect(path, { follow: false })?.isSymlink) return path;
  if (!inspect(path)) throw new StorageError(`"${path}" is a symbolic link that leads nowhere`);
  return explain("reading", path, () => Deno.realPathSync(path));
}
