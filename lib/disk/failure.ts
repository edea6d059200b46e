/** What went wrong with a file, in an administrator's words. */
import { ExpectedError, PermissionError, StorageError } from "../errors.ts";

/** Turns a failure of the system into one line with the path in it: Deno's messages often lack it.
 *
 * @param doing what is tried, such as "writing"
 * @param path the file or directory that it is done to
 * @param act does it
 * @throws {StorageError} the system refuses
 */
export function explain<T>(doing: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof ExpectedError) throw error;
    if (error instanceof Deno.errors.NotCapable) {
      throw new PermissionError(`access "${path}"`, error);
    }
    const code = "code" in error ? String(error.code) : "";
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
