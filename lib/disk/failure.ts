/** What went wrong with a file, in an administrator's words. */
import { Failure } from "../errors.ts";

/** Turns a failure of the system into one line with the path in it: Deno's messages often lack it.
 *
 * @param doing what is tried, such as "writing"
 * @param path the file or directory that it is done to
 * @param act does it
 * @throws {Failure} of kind `files.storage`: the system refuses, `about.code` says why; `files.permission`: Deno does
 */
export function explain<T>(doing: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof Failure) throw cause;
    if (cause instanceof Deno.errors.NotCapable) {
      throw new Failure("files.permission", `Deno may not access "${path}": ${cause.message}`, {
        path,
        cause,
      });
    }
    const code = codeOf(cause);
    const why = reasons[code] ?? cause.message.replace(/^E[A-Z]+: /, "").replace(/ \(os error \d+\).*/, "");
    throw new Failure("files.storage", `${why[0].toUpperCase()}${why.slice(1)} ${doing} "${path}"`, {
      path,
      code,
      cause,
    });
  }
}

/** The system's code of an error, such as `ENOENT`; empty where it has none. */
export const codeOf = (error: unknown): string =>
  error instanceof Failure
    ? error.about.code ?? ""
    : error instanceof Error && "code" in error
    ? String(error.code)
    : "";

const reasons: Record<string, string> = {
  ENOSPC: "no space left",
  EDQUOT: "quota used up",
  EIO: "input/output error",
  EROFS: "read-only file system",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EBUSY: "something is mounted there",
  EMFILE: "too many open files",
  ENFILE: "too many open files in the system",
  ENOENT: "no such directory",
  ELOOP: "a symbolic link is in the way",
  EISDIR: "a directory is in the way",
};
