/** Looking at files: what every part of the line sees of the disk. */
import { Failure } from "../errors.ts";
import { explain } from "./failure.ts";

/** The largest size that makes sense for any file of ours, bytes. */
export const largest = 1 << 20;

/** Reads a file whole.
 *
 * @param path the file
 * @returns its bytes; undefined where there is no such file
 * @throws {Failure} it can't be read, is no regular file or too large
 */
export function read(path: string): Uint8Array<ArrayBuffer> | undefined {
  // Not opened where it is no file: a pipe would wait for somebody who writes.
  const info = inspect(path);
  if (!info) return undefined;
  if (!info.isFile) throw irregular(path);
  return explain("reading", path, () =>
    ifThere(() => {
      using file = Deno.openSync(path);
      const { isFile, size } = file.statSync();
      if (!isFile) throw irregular(path);
      if (size > largest) {
        throw new Failure("files.storage", `"${path}" is larger than ${largest} bytes`, { path });
      }
      return readWhole(file);
    }));
}

const irregular = (path: string) =>
  new Failure("files.storage", `"${path}" is not a regular file`, { path, code: "EINVAL" });

/** A file that grows while it is read is cut at {@link largest}. */
function readWhole(file: Deno.FsFile): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(file.statSync().size + 1);
  let length = 0;
  for (let got; length < bytes.length && (got = file.readSync(bytes.subarray(length)));) length += got;
  return bytes.slice(0, length);
}

/** Returns undefined where there is no such file or directory. */
function ifThere<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The names of the regular files in a directory, sorted.
 *
 * @param path the directory
 * @param options `links`: everything but directories, such as links to files elsewhere
 * @returns empty where there is no such directory
 * @throws {Failure} the system refuses
 */
export function list(path: string, { links = false } = {}): string[] {
  const isMeant = (each: Deno.DirEntry) => links ? !each.isDirectory : each.isFile;
  return explain(
    "reading",
    path,
    () => ifThere(() => [...Deno.readDirSync(path)].filter(isMeant).map(({ name }) => name).sort()) ?? [],
  );
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
 * @throws {Failure} the system refuses
 */
export function inspect(path: string, { follow = true } = {}): Deno.FileInfo | undefined {
  return explain("reading", path, () => ifThere(() => follow ? Deno.statSync(path) : Deno.lstatSync(path)));
}

/** Where a symbolic link leads; the path itself where it is none.
 *
 * @param path a file, whether or not it exists
 * @throws {Failure} the link leads nowhere, as to a file system that is not mounted yet
 */
export function resolve(path: string): string {
  if (!inspect(path, { follow: false })?.isSymlink) return path;
  if (inspect(path)) return realPath(path);
  throw new Failure("files.storage", `"${path}" is a symbolic link that leads nowhere`, { path });
}

/** A path without links and "..", from `/` on.
 *
 * @param path a file that is there
 */
export const realPath = (path: string): string => explain("reading", path, () => Deno.realPathSync(path));
