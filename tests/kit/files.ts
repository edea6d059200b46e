/** Files of tests: a folder for a while, another account, and what only root can do. */

/** Whether this runs as root, who alone can be somebody else. */
export const isRoot = Deno.uid() === 0;
if (!isRoot) console.error("SKIPPED: tests with another account's files need root");

/** An account that is nobody's. */
export const stranger = 65534;

/** A folder that goes away with the test. */
export interface Folder extends Disposable {
  path: string;
  /** Writes a file and returns its path; parts of the path are made. */
  write(name: string, content?: string, mode?: number): string;
}

/** Makes a folder, at a path without links.
 *
 * @param options `isOpen`: other accounts may enter it
 */
export function makeFolder({ isOpen = false } = {}): Folder {
  const where = isOpen ? { dir: "/tmp" } : {}; // the usual place may be closed to them
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "letsencrypt-tiny-", ...where }));
  if (isOpen) Deno.chmodSync(path, 0o755);
  return {
    path,
    write(name, content = "content", mode = 0o600) {
      const file = `${path}/${name}`;
      Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(file, content);
      Deno.chmodSync(file, mode);
      return file;
    },
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

/** Permission bits, owner and group of a file, such as `640 0 1`. */
export function modeOf(path: string): string {
  const { mode, uid, gid } = Deno.lstatSync(path);
  return `${(mode! & 0o7777).toString(8)} ${uid} ${gid}`;
}

/** The names in a directory, sorted. */
export const namesIn = (path: string): string[] => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

/** Whether a program runs and ends well. */
export function succeeds(program: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
