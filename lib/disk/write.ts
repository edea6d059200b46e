/** The one crash-safe write primitive. What reaches a file name reaches it whole or not at all. */
import { Failure } from "../errors.ts";
import { create, fs, remove, writeWhole } from "./descriptor.ts";
import { syncDirectory } from "./directory.ts";
import { codeOf, explain } from "./failure.ts";
import { mayRead } from "./granted.ts";
import { type FileMode, modeOf, setMode } from "./mode.ts";
import { directoryOf, formerName, temporaryName } from "./names.ts";
import { read, resolve } from "./read.ts";

/** Writes a file: complete and durable under its name when this returns, and never visible before.
 *
 * Each line is one system call and a possible crash point; `tests/` prove it at each of them.
 *
 * @param path where the bytes go; a symbolic link stays, and its target is replaced
 * @param bytes the whole content
 * @param how permissions; `new` refuses to replace anything; `temporary`: the name until it is complete, in the same
 *   directory; default: see {@link temporaryName}
 * @throws {Failure} no space, no permission; of kind `files.taken`: what is to be new is there already
 */
export function put(
  path: string,
  bytes: Uint8Array,
  how: FileMode & { new?: boolean; temporary?: string },
): void {
  const target = resolve(path);
  const { temporary = temporaryName(target) } = how;
  prepare(temporary, bytes, how);
  explain("writing", target, () => {
    try {
      if (how.new) link(temporary, target);
      else fs().renameSync(temporary, target);
    } finally {
      remove(temporary); // a rename between two links of one inode does nothing
    }
    syncNames(target);
  });
}

/** Writes the whole of a file under its temporary name. */
function prepare(temporary: string, bytes: Uint8Array, how: FileMode): void {
  remove(temporary);
  create(temporary, (descriptor) => {
    writeWhole(descriptor, bytes, temporary);
    setMode(descriptor, how, temporary);
    fs().fsyncSync(descriptor);
  });
}

/** The error codes of a file system without hard links. */
const lacksLinks = ["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"];

/** Gives a file a second name, which must not be there yet. */
function link(from: string, to: string): void {
  try {
    fs().linkSync(from, to);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "EEXIST") throw new Failure("files.taken", `"${to}" exists already`, { path: to, cause });
    if (!lacksLinks.includes(code)) throw cause;
    const message = `"${to}" can't be made without hard links, which its file system has not`;
    throw new Failure("files.storage", message, { path: to, code: "ENOTSUP", cause });
  }
}

/** Makes the name of a file durable, where Deno's permissions are for more than the file. */
function syncNames(path: string): void {
  const directory = directoryOf(path);
  if (mayRead(directory)) syncDirectory(directory);
}

interface Move {
  from: string;
  /** What is renamed: a copy, where the target lies in another directory. */
  source: string;
  target: string;
}

/** Renames files with nothing in between that could fail, wait or be interrupted by a signal. Where one can't be renamed,
 * those before it are put back at once.
 *
 * @param pairs from and to, in order; where a symbolic link leads to another directory, which may be on another file
 *   system, a copy waits there first
 * @throws {Failure} the system refuses; `about.path` is what it refuses to replace
 */
export function renameAll(pairs: [from: string, to: string][]): void {
  const moves = pairs.map(([from, to]): Move => {
    const target = resolve(to);
    if (directoryOf(from) === directoryOf(target)) return { from, source: from, target };
    const source = temporaryName(target);
    prepare(source, read(from)!, modeOf(from)!);
    return { from, source, target };
  });
  const copied = moves.filter(({ from, source }) => source !== from);
  for (const move of moves.slice(0, -1)) move.former = keepFormer(move.target);
  try {
    renameInTurn(moves);
  } finally {
    for (const { former } of moves) if (former) remove(former);
    for (const { source } of copied) remove(source);
  }
  // The new names have to be durable before what they were copied from goes.
  syncDirectories(moves.map(({ target }) => target));
  for (const { from } of copied) remove(from);
  syncDirectories(copied.map(({ from }) => from));
}

interface Move {
  from: string;
  /** What is renamed: a copy, where the target lies in another directory. */
  source: string;
  target: string;
  /** A second name of what is replaced. */
  former?: string;
}

function renameInTurn(moves: readonly Move[]): void {
  for (const [i, { source, target }] of moves.entries()) {
    try {
      explain("replacing", target, () => fs().renameSync(source, target));
    } catch (error) {
      moves.slice(0, i).reverse().forEach(putBack);
      throw error;
    }
  }
}

const syncDirectories = (paths: string[]) => new Set(paths.map(directoryOf)).forEach(syncDirectory);

/** Gives what is about to be replaced a second name; where there are no hard links, to a copy. */
function keepFormer(target: string): string | undefined {
  const former = formerName(target);
  remove(former);
  const mode = modeOf(target);
  if (!mode) return undefined;
  addName(target, former, mode);
  return former;
}

function addName(path: string, name: string, mode: FileMode): void {
  try {
    explain("linking", path, () => fs().linkSync(path, name));
  } catch (error) {
    if (!lacksLinks.includes(codeOf(error))) throw error;
    prepare(name, read(path)!, mode);
  }
}

/** Undoes a rename. The new file gets its own name back first, durably: neither a key nor a name is ever without a file. */
function putBack({ from, source, target, former }: Move): void {
  explain("putting back", target, () => {
    if (!former) return fs().renameSync(target, source);
    try {
      if (source === from) addName(target, from, modeOf(target)!);
      syncDirectory(directoryOf(from));
    } finally {
      fs().renameSync(former, target);
    }
    syncDirectory(directoryOf(target));
  });
}
