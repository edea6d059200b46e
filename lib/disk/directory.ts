/** Directories: made with their permissions, synced, and tried before they are needed. */
import { Failure } from "../errors.ts";
import { create, fs, remove, writeWhole } from "./descriptor.ts";
import { codeOf, explain } from "./failure.ts";
import { mayRead } from "./granted.ts";
import { type FileMode, setMode } from "./mode.ts";
import { directoryOf, probeName, temporaryName } from "./names.ts";
import { inspect } from "./read.ts";

/** Makes the names in a directory durable.
 *
 * @param path the directory
 */
export function syncDirectory(path: string): void {
  explain("syncing", path, () => {
    using directory = Deno.openSync(path, { read: true });
    directory.syncSync();
  });
}

/** Makes the content and permissions of a file durable. */
export const syncFile = syncDirectory;

/** Creates a directory and those above it, with these permissions whatever the umask; an existing one is left alone.
 *
 * @param path the directory
 * @param mode permission bits
 */
export function makeDirectory(path: string, mode: number): void {
  if (!mayRead(path)) return; // it is somebody else's to make: what is to lie in it is all that this run may touch
  explain("creating", path, () => {
    const info = inspect(path);
    if (info && !info.isDirectory) {
      throw new Failure("files.storage", `"${path}" is not a directory`, { path });
    }
    if (info) return;
    const parent = directoryOf(path);
    try {
      fs().mkdirSync(path, 0o700);
    } catch (error) {
      const code = codeOf(error);
      if (code === "EEXIST") return; // a run beside this one was faster
      if (code !== "ENOENT") throw error;
      if (!mayRead(parent)) {
        throw new Failure("files.storage", `The directory "${parent}" does not exist`, {
          path: parent,
          cure: `mkdir -p ${parent}: the flags of this run are for what lies in it only`,
        });
      }
      makeDirectory(parent, 0o755);
      return makeDirectory(path, mode);
    }
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs().constants;
    const descriptor = fs().openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      fs().fchmodSync(descriptor, mode);
    } finally {
      fs().closeSync(descriptor);
    }
    if (mayRead(parent)) syncDirectory(parent);
  });
}

/** Checks, before the CA is asked for anything, that a small file can be written, synced and removed.
 *
 * @param directory where files are to go later
 * @param mode what those are to be like
 * @throws {Failure} it can't
 */
export function checkWritable(directory: string, mode: FileMode = { mode: 0o600 }): void {
  const probe = temporaryName(probeName(directory));
  remove(probe);
  try {
    create(probe, (descriptor) => {
      writeWhole(descriptor, new Uint8Array(4096), probe);
      setMode(descriptor, mode, probe);
      fs().fsyncSync(descriptor);
    });
  } catch (error) {
    // The run of another line, which shares this directory, finds out the same right now.
    if (error instanceof Failure && error.kind === "files.taken") return;
    throw error;
  }
  remove(probe);
}
