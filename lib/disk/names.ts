/** Names of files, and those that a file has for a moment. */

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

/** The temporary name of a file: always the same, since whoever holds the lock may take a left-over for stale.
 *
 * @param path the file's name
 */
export const temporaryName = (path: string): string => hidden(path, ".tmp");

const hidden = (path: string, ending: string): string =>
  `${path.slice(0, path.lastIndexOf("/"))}/.${fileName(path)}${ending}`;

/** The second name of what is about to be replaced together with others, so that it can be put back.
 *
 * @param path the file's name
 */
export const formerName = (path: string): string => hidden(path, ".old.tmp");

/** What is written to see whether a directory can be written to; under its temporary name only. */
export const probeName = (directory: string): string => `${directory}/letsencrypt-tiny.probe`;
