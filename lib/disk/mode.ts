/** Who may do what with a file: owner, group, permission bits, access control list. */
import { copyAcl } from "./acl.ts";
import { fs } from "./descriptor.ts";
import { explain } from "./failure.ts";
import { inspect } from "./read.ts";

/** See above. */
export interface FileMode {
  /** Permission bits; the umask plays no part. */
  mode: number;
  /** Owner; undefined: who runs this. */
  uid?: number;
  /** Group; undefined: as the file system gives it. */
  gid?: number;
  /** A file whose access control list it gets too. */
  aclOf?: string;
}

/** Who may do what with a file that is there.
 *
 * @param path the file
 */
export function modeOf(path: string): FileMode | undefined {
  const info = inspect(path);
  if (!info) return undefined;
  return { mode: info.mode! & 0o777, uid: info.uid!, gid: info.gid!, aclOf: path };
}

/** Sets owner, group, access control list and permissions.
 *
 * @param descriptor the file
 * @param how what they are to be
 * @param path its name
 */
export function setMode(descriptor: number, how: FileMode, path: string): void {
  const now = fs().fstatSync(descriptor);
  const { uid = now.uid, gid = now.gid } = how;
  if (uid !== now.uid || gid !== now.gid) fs().fchownSync(descriptor, uid, gid);
  // The bits of the group are the most that a list grants: without them it means nothing.
  if (how.aclOf !== undefined && how.mode & 0o070) copyAcl(how.aclOf, path);
  fs().fchmodSync(descriptor, how.mode);
}

/** Sets owner, group and permissions of a file that is there, durably.
 *
 * @param path the file; a link is not followed
 * @param how what they are to be
 */
export function changeMode(path: string, how: FileMode): void {
  explain("setting the permissions of", path, () => {
    const { O_RDONLY, O_NOFOLLOW } = fs().constants;
    const descriptor = fs().openSync(path, O_RDONLY | O_NOFOLLOW);
    try {
      setMode(descriptor, how, path);
      fs().fsyncSync(descriptor);
    } finally {
      fs().closeSync(descriptor);
    }
  });
}
