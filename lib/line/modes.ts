/** Who may read the files of a line. */
import type { Config } from "../config/config.ts";
import { type FileMode, modeOf } from "../disk/mode.ts";
import { inspect } from "../disk/read.ts";
import { pathsOf } from "./paths.ts";

/** Certificates are public. */
export const certificateMode: FileMode = { mode: 0o644 };

/** Owner, group, permissions and access control list of a key file: those of the live key, but never for others.
 *
 * Where others may read the live key, as the Python original left it inside a directory that only a group may
 * enter, that group may read it instead.
 */
export function keyMode(config: Config): FileMode {
  const live = modeOf(pathsOf(config).live.key);
  if (!live) return { mode: 0o600 };
  if (live.mode & 0o004) return { ...live, mode: 0o640, gid: inspect(config.dirs.keys)?.gid ?? undefined };
  return { ...live, mode: 0o600 | live.mode & 0o040 };
}
