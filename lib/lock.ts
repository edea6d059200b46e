/** The lock: one run at a time works on a line. */
import { LockedError, StorageError } from "./errors.ts";
import { explain } from "./storage_error.ts";

/** Takes the lock of a line, without waiting; it is released when the process ends, however that happens.
 *
 * @param path the lock file, never deleted
 * @param now the time, for the message that another run sees
 * @returns the lock
 * @throws {LockedError} another run holds it
 */
export async function lock(path: string, now: Date): Promise<Disposable> {
  const file = explain(
    "locking",
    path,
    () => Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 }),
  );
  let locked: boolean;
  try {
    locked = await file.tryLock(true);
  } catch (cause) {
    file.close();
    throw new StorageError(`Cannot lock "${path}"`, {
      hint: "the directory of the keys must be on a local file system",
      cause,
    });
  }
  if (!locked) {
    const holder = new TextDecoder().decode(Deno.readFileSync(path)).trim();
    file.close();
    throw new LockedError(`Another run is active${/^[\x20-\x7e]{1,80}$/.test(holder) ? ` (${holder})` : ""}`);
  }
  explain("locking", path, () => {
    Deno.chmodSync(path, 0o600); // the umask may have taken more than it should
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`pid ${Deno.pid}, since ${now.toISOString()}\n`));
  });
  return { [Symbol.dispose]: () => file.close() };
}
