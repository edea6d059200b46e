/** The lock: one run at a time works on a line. */
import { LockedError, StorageError } from "../errors.ts";
import { explain } from "./failure.ts";

/** What a lock needs of the outside world. */
export interface Clock {
  now(): Date;
  sleep(ms: number): Promise<void>;
}

/** Takes the lock of a line, without waiting; it is released when the process ends, however that happens.
 *
 * @param path the lock file, never deleted
 * @param system the clock, for the message that another run sees
 * @returns the lock
 * @throws {LockedError} another run holds it
 */
export async function lock(path: string, system: Clock): Promise<Disposable> {
  const file = explain(
    "locking",
    path,
    () => Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 }),
  );
  let locked: boolean;
  try {
    locked = file.tryLockSync(true);
  } catch (cause) {
    file.close();
    throw new StorageError(`Cannot lock "${path}"`, {
      hint: "the directory of the keys must be on a local file system",
      cause,
    });
  }
  if (!locked) {
    file.close();
    throw new LockedError(`Another run is active${await holder(path, system)}`);
  }
  explain("locking", path, () => {
    Deno.chmodSync(path, 0o600); // the umask may have taken more than it should
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`pid ${Deno.pid}, since ${system.now().toISOString()}\n`));
  });
  return { [Symbol.dispose]: () => file.close() };
}

/** What the other run wrote about itself; the first of all may have got the lock this moment: it has a second to write. */
async function holder(path: string, system: Pick<Clock, "sleep">): Promise<string> {
  for (let i = 0;; i++) {
    const [line] = new TextDecoder().decode(Deno.readFileSync(path)).split("\n", 1);
    if (/^[\x20-\x7e]{1,80}$/.test(line)) return ` (${line})`;
    if (i === 20) return "";
    await system.sleep(50);
  }
}
