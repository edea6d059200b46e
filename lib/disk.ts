/** The one crash-safe write primitive, and the lock. What reaches a file name reaches it whole or not at all. */
import { LockedError, StorageError } from "./errors.ts";

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
 * @param how permissions; `new` refuses to replace anything
 * @throws {StorageError} no space, no permission, the name is taken
 */
export function put(path: string, bytes: Uint8Array, how: FileMode & { new?: boolean }): void {
  const target = resolve(path);
  const temporary = temporaryName(target);
  explain("writing", temporary, () => {
    remove(temporary);
    const file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
    try {
      for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
      setMode(temporary, how);
      file.syncSync();
    } catch (error) {
      file.close();
      remove(temporary); // never retry a descriptor whose sync has failed
      throw error;
    }
    file.close();
  });
  explain("writing", target, () => {
    try {
      if (how.new) Deno.linkSync(temporary, target);
      else Deno.renameSync(temporary, target);
    } finally {
      remove(temporary); // a rename between two links of one inode does nothing
    }
    syncDirectory(directoryOf(target));
  });
}

/** Sets group and permissions of an existing file.
 *
 * @param path the file
 * @param how what they are to be
 */
export function setMode(path: string, how: FileMode): void {
  if (how.gid !== undefined && Deno.statSync(path).gid !== how.gid) Deno.chownSync(path, null, how.gid);
  Deno.chmodSync(path, how.mode);
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
 * @param pairs from and to, in order
 * @throws {StorageError} the system refuses; recovery finishes what was begun
 */
export function renameAll(pairs: [from: string, to: string][]): void {
  const resolved = pairs.map(([from, to]) => [from, resolve(to)]);
  explain("renaming to", resolved[0][1], () => {
    for (const [from, to] of resolved) Deno.renameSync(from, to);
  });
  for (const directory of new Set(resolved.flat().map(directoryOf))) syncDirectory(directory);
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

/** Reads a file whole.
 *
 * @param path the file
 * @param limit the largest size that makes sense, bytes
 * @returns its bytes; undefined where there is no such file
 * @throws {StorageError} it can't be read, is no regular file or too large
 */
export function read(path: string, limit = 1 << 20): Uint8Array<ArrayBuffer> | undefined {
  return explain("reading", path, () => {
    try {
      const info = Deno.statSync(path);
      if (!info.isFile) throw new StorageError(`"${path}" is not a regular file`);
      if (info.size > limit) throw new StorageError(`"${path}" is larger than ${limit} bytes`);
      return Deno.readFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
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
    if (exists(path)) {
      if (!Deno.statSync(path).isDirectory) throw new StorageError(`"${path}" is not a directory`);
      return;
    }
    const parent = directoryOf(path);
    if (!exists(parent)) makeDirectory(parent, 0o755);
    Deno.mkdirSync(path);
    Deno.chmodSync(path, mode);
    syncDirectory(parent);
  });
}

/** Whether something can be found under this name.
 *
 * @param path a file or directory
 */
export function exists(path: string): boolean {
  return explain("reading", path, () => {
    try {
      Deno.statSync(path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}

/** Checks, before the CA is asked for anything, that a small file can be written, synced and removed.
 *
 * @param directory where files are to go later
 * @throws {StorageError} it can't
 */
export function checkWritable(directory: string): void {
  const probe = `${directory}/.letsencrypt-tiny.probe.tmp`;
  remove(probe);
  explain("writing", probe, () => {
    const file = Deno.openSync(probe, { write: true, createNew: true, mode: 0o600 });
    try {
      file.writeSync(new Uint8Array(4096));
      file.syncSync();
    } finally {
      file.close();
      remove(probe);
    }
  });
}

/** Takes the lock of a line, without waiting; it is released when the process ends, however that happens.
 *
 * @param path the lock file, never deleted
 * @param now the time, for the message that another run sees
 * @returns the lock
 * @throws {LockedError} another run holds it
 */
export async function lock(path: string, now: Date): Promise<Disposable> {
  const file = explain("locking", path, () => {
    const opened = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
    return opened;
  });
  let locked: boolean;
  try {
    locked = await file.tryLock(true);
  } catch (cause) {
    file.close();
    throw new StorageError(`Cannot lock "${path}"`, {
      hint: "the directory of the keys must be on a local file system",
      cause,
    });
  }
  if (!locked) {
    const holder = new TextDecoder().decode(Deno.readFileSync(path)).trim();
    file.close();
    throw new LockedError(`Another run is active${/^[\x20-\x7e]{1,80}$/.test(holder) ? ` (${holder})` : ""}`);
  }
  explain("locking", path, () => {
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`pid ${Deno.pid}, since ${now.toISOString()}\n`));
  });
  return { [Symbol.dispose]: () => file.close() };
}

/** The temporary name of a file: always the same, since whoever holds the lock may take a left-over for stale.
 *
 * @param path the file's name
 */
export function temporaryName(path: string): string {
  return `${directoryOf(path)}/.${path.slice(path.lastIndexOf("/") + 1)}.tmp`;
}

/** The directory that a path's last part lies in.
 *
 * @param path an absolute path
 */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** Where a symbolic link leads; the path itself where it is none. */
function resolve(path: string): string {
  return explain("reading", path, () => {
    try {
      return Deno.lstatSync(path).isSymlink ? Deno.realPathSync(path) : path;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return path;
      throw error;
    }
  });
}

/** Turns a failure of the system into one line with the path in it: Deno's messages often lack it. */
function explain<T>(doing: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof StorageError || error instanceof LockedError) {
      throw error;
    }
    if (error instanceof Deno.errors.NotCapable) {
      throw new StorageError(`Deno may not access "${path}": ${error.message}`, {
        hint: "the action permissions prints the flags that are needed",
      });
    }
    const code = (error as { code?: string }).code ?? "";
    const [why, hint] = reasons[code] ?? [error.message.replace(/ \(os error \d+\).*/, ""), undefined];
    throw new StorageError(`${why[0].toUpperCase()}${why.slice(1)} ${doing} "${path}"`, {
      hint,
      cause: error,
    });
  }
}

const reasons: Record<string, [string, string?]> = {
  ENOSPC: ["no space left", "make room on that file system"],
  EDQUOT: ["quota used up", "make room, or raise the quota"],
  EIO: ["input/output error", "look at the disk: the kernel's log says more"],
  EROFS: ["read-only file system"],
  EACCES: ["permission denied", "run this as the user who owns the directory, usually root"],
  EPERM: ["operation not permitted", "look at owner, attributes (lsattr) and mount options"],
  EMFILE: ["too many open files"],
  ENFILE: ["too many open files in the system"],
  ENOENT: ["no such directory", "run init to create it"],
  EEXIST: ["file exists already"],
};
