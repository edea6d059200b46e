/** Looking at files: what every part of the line sees of the disk. */
import { StorageError } from "../errors.ts";
import { explain } from "./failure.ts";

/** The largest size that makes sense for any file of ours, bytes. */
export const largest = 1 << 20;

/** Reads a file whole.
 *
 * @param path the file
 * @returns its bytes; undefined where there is no such file
 * @throws {StorageError} it can't be read, is no regular file or too large
 */
export function read(path: string): Uint8Array<ArrayBuffer> | undefined {
  return explain("reading", path, () => {
    try {
      const info = Deno.statSync(path);
      if (!info.isFile) throw new StorageError(`"${path}" is not a regular file`);
      if (info.size > largest) throw new StorageError(`"${path}" is larger than ${largest} bytes`);
      return Deno.readFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  });
}

/** The names of the regular files in a directory, sorted.
 *
 * @param path the directory
 * @param options `links`: everything but directories, such as links to files elsewhere
 * @returns empty where there is no such directory
 * @throws {StorageError} the system refuses
 */
export function list(path: string, { links = false } = {}): string[] {
  return explain("reading", path, () => {
    try {
      const isMeant = (each: Deno.DirEntry) => links ? !each.isDirectory : each.isFile;
      return [...Deno.readDirSync(path)].filter(isMeant).map((each) => each.name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
}

/** Whether something can be found under this name.
 *
 * @param path a file or directory
 */
export const exists = (path: string): boolean => inspect(path) !== undefined;

/** What the system knows of a file.
 *
 * @param path the file
 * @param options `follow`: a symbolic link, to what it leads to
 * @returns undefined where there is no such file
 * @throws {StorageError} the system refuses
 */
export function inspect(path: string, { follow = true } = {}): Deno.FileInfo | undefined {
  return explain("reading", path, () => {
    try {
      return follow ? Deno.statSync(path) : Deno.lstatSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  });
}

/** Whether Deno's permissions let this run look at a file: those that `permissions` prints leave out the directories
 * around what is configured.
 *
 * @param path a file or directory
 */
export const mayRead = (path: string): boolean =>
  Deno.permissions.querySync({ name: "read", path }).state === "granted";

/** The directory that a path's last part lies in.
 *
 * @param path an absolute path
 */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** The last part of a path.
 *
 * @param path an absolute path
 */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
