/** Files in a directory that may be somebody else's: whatever its owner does there meanwhile, nothing but these is touched. */
import { create, fs, remove, writeWhole } from "./descriptor.ts";
import { codeOf, explain } from "./failure.ts";
import { setMode } from "./mode.ts";

/** A file that was made by {@link place}. */
export interface Placed {
  dev: number;
  ino: number;
}

/** Writes a new file at once under its name, in a directory that may be somebody else's; a power cut may take it.
 *
 * @param path the name
 * @param bytes the whole content
 * @param mode permission bits
 * @returns what was made, for {@link removePlaced}
 * @throws {Failure} of kind `files.taken`: something is there already
 */
export function place(path: string, bytes: Uint8Array, mode: number): Placed {
  return create(path, (descriptor) => {
    setMode(descriptor, { mode }, path);
    writeWhole(descriptor, bytes, path);
    const { dev, ino } = fs().fstatSync(descriptor);
    return { dev, ino };
  });
}

/** What lies under the name of a file that is to be placed: nothing, the very content, the beginning of it (a crash cut it
 * short, or it is being written), or something else. No link is followed, and nothing but a regular file is read.
 *
 * @param path the name
 * @param bytes the content
 */
export function look(path: string, bytes: Uint8Array): "nothing" | "whole" | "begun" | "other" {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs().constants;
  return explain("reading", path, () => {
    let descriptor;
    try {
      descriptor = fs().openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      const code = codeOf(error);
      if (code === "ENOENT") return "nothing";
      if (["ELOOP", "ENXIO", "EACCES"].includes(code)) return "other";
      throw error;
    }
    try {
      if (!fs().fstatSync(descriptor).isFile()) return "other";
      const found = new Uint8Array(bytes.length + 1);
      const length = fs().readSync(descriptor, found);
      if (length > bytes.length || found.subarray(0, length).some((byte, i) => byte !== bytes[i])) {
        return "other";
      }
      return length === bytes.length ? "whole" : "begun";
    } finally {
      fs().closeSync(descriptor);
    }
  });
}

/** Removes what was placed; what has taken its name meanwhile is somebody else's, and stays.
 *
 * @param path its name
 * @param placed from {@link place}
 */
export function removePlaced(path: string, { dev, ino }: Placed): void {
  const now = explain("removing", path, () => fs().lstatSync(path, { throwIfNoEntry: false }));
  if (now?.dev === dev && now.ino === ino) remove(path);
}
