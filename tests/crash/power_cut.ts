/** What a power cut can leave on disk, from the system calls of a real run: names and contents that were not synced. */
import { directoryOf, fileName } from "../../lib/disk/names.ts";
import { type Call, pathsIn, unescape } from "./strace.ts";

/** What lies under each path; undefined: a directory. */
export type Image = Map<string, Uint8Array | undefined>;

interface Inode {
  /** undefined: a directory. */
  bytes?: Uint8Array;
  isDurable: boolean;
}

/** A change of one name in a directory, which stays pending until the directory is synced. */
type Change =
  | { kind: "set"; name: string; inode: Inode }
  | { kind: "remove"; name: string }
  | { kind: "rename"; from: string; to: string };

type Names = Map<string, Inode>;

interface Directory {
  durable: Names;
  current: Names;
  pending: Change[];
}

const garbage = new TextEncoder().encode("\0\x01garbage\xff".repeat(7));

/** Follows the calls of a run and yields every distinct image that a power cut after any of them could leave.
 *
 * @param root the folder that everything lies in
 * @param before what is on disk, durably, when the run begins
 * @param calls what the run does, in order
 * @param ignored whether what lies under a path is nobody's business, such as the lock's content
 */
export function* powerCuts(
  root: string,
  before: Image,
  calls: readonly Call[],
  ignored: (path: string) => boolean,
): Generator<{ after: Call; image: Image }> {
  const directories = new Map<string, Directory>();
  const directory = (path: string): Directory => {
    let found = directories.get(path);
    if (!found) directories.set(path, found = { durable: new Map(), current: new Map(), pending: [] });
    return found;
  };
  for (const [path, bytes] of before) {
    const inode = { bytes, isDurable: true };
    if (!bytes) directory(path);
    directory(directoryOf(path)).durable.set(fileName(path), inode);
    directory(directoryOf(path)).current.set(fileName(path), inode);
  }
  const seen = new Set<string>();
  for (const call of calls) {
    if (!follow(root, call, directory)) continue;
    for (const image of imagesOf(root, directories, ignored)) {
      const key = JSON.stringify([...image].sort().map(([path, bytes]) => [path, bytes?.toBase64()]));
      if (seen.has(key)) continue;
      seen.add(key);
      yield { after: call, image };
    }
  }
}

/** Applies a call; tells whether it may have changed what a power cut can leave. */
function follow(root: string, call: Call, directory: (path: string) => Directory): boolean {
  if (call.result.startsWith("-1")) return false;
  const paths = pathsIn(call).filter((path) => path.startsWith(root));
  const change = (path: string, change: Change) => {
    apply(directory(path).current, change);
    directory(path).pending.push(change);
    return true;
  };
  const [first, second] = paths;
  const at = directoryOf(first);
  const name = fileName(first);
  const inode = directory(at).current.get(name);
  switch (call.name) {
    case "openat":
      if (!call.args.includes("O_CREAT") || inode) return false;
      return change(at, { kind: "set", name, inode: { bytes: new Uint8Array(), isDurable: true } });
    case "write": {
      const written = Uint8Array.from(
        unescape(call.args.match(/"([^"]*)"/)![1]),
        (each) => each.charCodeAt(0),
      );
      if (written.length !== Number(call.result)) {
        throw new Error(`a write of ${call.result} bytes was cut in the log`);
      }
      inode!.bytes = new Uint8Array([...inode!.bytes!, ...written]);
      inode!.isDurable = false;
      return true;
    }
    case "fsync":
    case "fdatasync":
      if (inode?.bytes) inode.isDurable = true;
      else {
        const synced = directory(first);
        synced.durable = new Map(synced.current);
        synced.pending = [];
      }
      return true;
    case "rename":
    case "renameat":
    case "renameat2":
      return change(at, { kind: "rename", from: name, to: fileName(second) });
    case "link":
    case "linkat":
      return change(at, { kind: "set", name: fileName(second), inode: inode! });
    case "unlink":
    case "unlinkat":
      return change(at, { kind: "remove", name });
    case "mkdir":
    case "mkdirat":
      directory(first);
      return change(at, { kind: "set", name, inode: { isDurable: true } });
    case "ftruncate":
      inode!.bytes = new Uint8Array();
      return true;
    case "chmod":
    case "fchmod":
    case "fchmodat":
    case "chown":
    case "fchown":
    case "fchownat":
      return false; // permissions are not part of an image
    default:
      throw new Error(`the model of a power cut knows no ${call.name}`);
  }
}

function apply(names: Names, change: Change): void {
  if (change.kind === "set") names.set(change.name, change.inode);
  else if (change.kind === "remove") names.delete(change.name);
  else {
    const inode = names.get(change.from);
    // POSIX: renaming one link of a file to another does nothing.
    if (!inode || names.get(change.to) === inode) return;
    names.delete(change.from);
    names.set(change.to, inode);
  }
}

/** Each directory keeps any subset of what is pending; each content that is not synced may be whole, empty, garbage. */
function* imagesOf(
  root: string,
  directories: Map<string, Directory>,
  ignored: (path: string) => boolean,
): Generator<Image> {
  const choices = [...directories].filter(([path]) => path.startsWith(root)).map(([path, each]) => {
    // What is ignored needs no variants of its own.
    const isIgnored = (change: Change) =>
      ignored(`${path}/${change.kind === "rename" ? change.to : change.name}`);
    const pending = each.pending.filter((change) => !isIgnored(change));
    const variants = new Map<string, { path: string; names: Names }>();
    for (let chosen = 0; chosen < 1 << pending.length; chosen++) {
      const names = new Map(each.durable);
      const halfway = new Map(each.durable);
      pending.forEach((change, i) => {
        if (!(chosen & 1 << i)) return;
        apply(names, change);
        // A rename may also be found half done: both names there.
        const inode = change.kind === "rename" ? halfway.get(change.from) : undefined;
        apply(halfway, change.kind === "rename" && inode ? { kind: "set", name: change.to, inode } : change);
      });
      for (const variant of [names, halfway]) {
        variants.set([...variant].map(([name, inode]) => `${name} ${idOf(inode)}`).sort().join(), {
          path,
          names: variant,
        });
      }
    }
    return [...variants.values()];
  });
  for (const combination of product(choices)) {
    const files = combination.flatMap(({ path, names }) =>
      [...names].map(([name, inode]): [string, Inode] => [`${path}/${name}`, inode])
    ).filter(([path]) => !ignored(path));
    const unsure = [...new Set(files.map(([, inode]) => inode).filter((inode) => !inode.isDurable))];
    for (const contents of product(unsure.map((inode) => [inode.bytes!, new Uint8Array(), garbage]))) {
      const image: Image = new Map(
        files.map((
          [path, inode],
        ) => [path, unsure.includes(inode) ? contents[unsure.indexOf(inode)] : inode.bytes]),
      );
      // What lies in a directory that is not there is not there either.
      for (const path of image.keys()) {
        const parent = directoryOf(path);
        if (parent !== root && !image.has(parent)) image.delete(path);
      }
      yield image;
    }
  }
}

const ids = new WeakMap<Inode, number>();
let lastId = 0;
function idOf(inode: Inode): number {
  if (!ids.has(inode)) ids.set(inode, ++lastId);
  return ids.get(inode)!;
}

function* product<T>(lists: readonly (readonly T[])[]): Generator<T[]> {
  if (lists.length === 0) return yield [];
  for (const first of lists[0]) for (const rest of product(lists.slice(1))) yield [first, ...rest];
}
