/** What Deno's permissions let this run do: those that `permissions` prints leave out the directories around what is
 * configured. */

const isGranted = (descriptor: Deno.PermissionDescriptor): boolean =>
  Deno.permissions.querySync(descriptor).state === "granted";

/** Whether a file or directory may be looked at. */
export const mayRead = (path: string): boolean => isGranted({ name: "read", path });

/** Whether a file, or what is in a directory, may be changed. */
export const mayWrite = (path: string): boolean => isGranted({ name: "write", path });

/** Whether a program may be run. */
export const mayRun = (command: string): boolean => isGranted({ name: "run", command });

/** Whether a host may be reached; undefined: every host.
 *
 * @param host such as `example.org:443`
 */
export const mayReach = (host?: string): boolean => isGranted({ name: "net", host });

/** The user who runs this; undefined where Deno doesn't tell. */
export const userId = (): number | undefined =>
  isGranted({ name: "sys", kind: "uid" }) ? Deno.uid() ?? undefined : undefined;
