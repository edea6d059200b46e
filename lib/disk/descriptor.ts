/** Files by their descriptors: what was opened is what is written, owned and permitted, whoever swaps its name meanwhile. */
import type * as NodeFs from "node:fs";
import { Failure } from "../errors.ts";
import { codeOf, explain } from "./failure.ts";
import { inspect } from "./read.ts";

let loaded: typeof NodeFs | undefined;

/** `node:fs`, which has what Deno lacks; loaded where it is needed: that takes longer than a run with nothing to do. */
export const fs = (): typeof NodeFs => loaded ??= process.getBuiltinModule("node:fs");

/** Makes a file that is not there yet, private from birth, and leaves nothing where that fails.
 *
 * @param path the name; a link is not followed, and nothing is replaced
 * @param fill is given the descriptor, which is closed afterwards
 * @throws {Failure} of kind `files.taken`: the name is there already
 */
export function create<T>(path: string, fill: (descriptor: number) => T): T {
  return explain("writing", path, () => {
    const descriptor = openNew(path);
    try {
      const result = fill(descriptor);
      fs().closeSync(descriptor);
      return result;
    } catch (error) {
      // Never tried again: what was not synced may be lost, whatever a second sync says.
      for (const tidy of [() => fs().closeSync(descriptor), () => fs().unlinkSync(path)]) {
        try {
          tidy();
        } catch { /* closed, or gone */ }
      }
      throw error;
    }
  });
}

function openNew(path: string): number {
  try {
    return fs().openSync(path, "wx", 0o600);
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause;
    throw new Failure("files.taken", `"${path}" exists already`, { path, cause });
  }
}

/** Writes all bytes, and sees that they are there.
 *
 * @param descriptor an empty file
 * @param bytes its whole content
 * @param path its name, for the message
 */
export function writeWhole(descriptor: number, bytes: Uint8Array, path: string): void {
  for (let done = 0; done < bytes.length;) done += fs().writeSync(descriptor, bytes, done);
  if (fs().fstatSync(descriptor).size === bytes.length) return;
  const message = `"${path}" has not the size of what was written to it`;
  throw new Failure("files.storage", message, { path, code: "EIO" });
}

/** Removes a file, if it is there; never a directory.
 *
 * @param path the file; of a link, the link
 */
export function remove(path: string): void {
  // Looked at first: mostly there is nothing, and nothing to load for it. And Deno's unlink removes an empty directory too.
  const info = inspect(path, { follow: false });
  if (!info) return;
  if (info.isDirectory) {
    throw new Failure("files.storage", `A directory is in the way removing "${path}"`, {
      path,
      code: "EISDIR",
    });
  }
  explain("removing", path, () => {
    try {
      fs().unlinkSync(path);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  });
}
