/** Who may change a file: what a decision is read from, or is written with root's rights, is for root and the user alone. */
import { explain } from "./failure.ts";
import { mayRead, userId } from "./granted.ts";
import { directoryOf } from "./names.ts";
import { inspect, read } from "./read.ts";

/** How somebody else could change a file. */
export interface Flaw {
  /** The file or directory whose owner or permissions are the cause. */
  path: string;
  /** What is wrong with it, such as `everybody may write to "/etc/x" (0777)`. */
  what: string;
  /** The command that mends it. */
  cure: string;
}

/** What was found out about files. */
export interface Verdict {
  flaw?: Flaw;
  /** Directories that Deno's permissions don't let this run look at. */
  unseen: string[];
}

const [byOthers, byGroup, sticky] = [0o002, 0o020, 0o1000];
const mostLinks = 40;

/** What of a path counts: all; all but its end, which may be somebody else's; nothing but links on the way. */
export type Scope = "all" | "way" | "links";

/** Makes what tells whether root and the user who runs this are the only ones who can change a file: by its own owner and
 * permissions, by those of every directory up to `/`, and by links on the way. What was looked at once is not looked at again.
 *
 * @returns it takes the path of a file or directory, which may be missing
 */
export function judge(): (path: string, scope?: Scope) => Verdict {
  const known = new Map<string, Flaw | undefined>();
  const us = userId();
  const once = (key: string, look: () => Flaw | undefined) => {
    if (!known.has(key)) known.set(key, look());
    return known.get(key);
  };
  return (path, scope = "all") => {
    const unseen: string[] = [];
    for (const { at, isEnd, isLink } of steps(path, unseen)) {
      if (scope === "links" && !isLink || scope === "way" && isEnd) continue;
      const flaw = once(isEnd ? at : `${at}/`, () => flawOf(at, us, isEnd));
      if (flaw) return { flaw, unseen };
    }
    return { unseen };
  };
}

interface Step {
  at: string;
  /** Whether it is what the path names; of a link, what that leads to. */
  isEnd: boolean;
  isLink?: boolean;
}

/** Each thing on the way to a path, from `/` on; links are followed, and come up themselves. */
function* steps(path: string, unseen: string[]): Generator<Step> {
  let at = "/";
  const rest = path.split("/").filter((part) => part);
  let links = 0;
  if (mayRead(at)) yield { at, isEnd: rest.length === 0 };
  else unseen.push(at);
  while (rest.length > 0) {
    const part = rest.shift()!;
    const next = part === ".." ? directoryOf(at) : `${at === "/" ? "" : at}/${part}`;
    if (!mayRead(next)) {
      unseen.push(at = next);
      continue;
    }
    const info = inspect(next, { follow: false });
    if (!info) return; // what is missing is made by us, in a directory that was looked at
    if (!info.isSymlink) {
      yield { at: at = next, isEnd: rest.length === 0 };
      continue;
    }
    yield { at: next, isEnd: false, isLink: true };
    if (++links > mostLinks) return;
    const target = explain("reading", next, () => Deno.readLinkSync(next));
    if (target.startsWith("/")) at = "/";
    rest.unshift(...target.split("/").filter((each) => each && each !== "."));
  }
}

function flawOf(path: string, us: number | undefined, isEnd: boolean): Flaw | undefined {
  const info = inspect(path, { follow: false });
  if (!info) return undefined;
  const { isSymlink, isDirectory, isFile } = info;
  const [uid, gid, mode] = [info.uid!, info.gid!, info.mode!];
  if (uid !== 0 && us !== undefined && uid !== us) {
    const option = isSymlink ? "-h " : "";
    const kind = isSymlink ? "a symbolic link that" : "it";
    return {
      path,
      what: `"${path}": ${kind} belongs to somebody else (uid ${uid})`,
      cure: `chown ${option}${us} ${path}`,
    };
  }
  // Where a directory above is sticky, only its owner and that of what is in it can rename that.
  if (!isFile && !isDirectory || !isEnd && isDirectory && mode & sticky) return undefined;
  const who = mode & byOthers
    ? ["everybody", "o"]
    : mode & byGroup && gid !== 0 && !isPrivate(gid, uid)
    ? [`group ${gid}`, "g"]
    : undefined;
  return who && {
    path,
    what: `${who[0]} may write to "${path}" (${octal(mode)})`,
    cure: `chmod ${who[0] === "everybody" && mode & byGroup && gid !== 0 ? "go" : who[1]}-w ${path}`,
  };
}

/** Whether a group is its user's own: it has the same number, and nobody else is in it. */
function isPrivate(gid: number, uid: number): boolean {
  if (gid !== uid) return false;
  if (!mayRead("/etc/group")) return true;
  const line = new TextDecoder().decode(read("/etc/group")).split("\n")
    .map((each) => each.split(":")).find(([, , number]) => number === String(gid));
  const others = (line?.[3] ?? "").split(",").filter((each) => each && each !== line![0]);
  return others.length === 0;
}

const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(4, "0");
