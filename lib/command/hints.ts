/** What the command makes of a failure: an exit status, and what the administrator can do. */
import { type Area, Failure, type Kind, readable } from "../errors.ts";

/** Exit statuses by area; what may pass by itself at the CA is 75, `EX_TEMPFAIL` of sysexits.h. */
const statuses: Record<Area, number> = { usage: 2, config: 2, files: 4, ca: 1, hook: 3, run: 75 };
/** `EX_SOFTWARE` of sysexits.h. */
const bug = 70;

/** What a hint may need to know beside the failure. */
interface Circumstances {
  now: Date;
  /** What requests go through. */
  proxy?: string;
}
type Hint = string | ((failure: Failure, circumstances: Circumstances) => string | undefined);

const clock: Hint = (_, { now }) => `the clock of this machine says ${readable(now)}: is it right?`;

/** Hints by kind. */
const byKind: Partial<Record<Kind, Hint>> = {
  "config.challenge-dir": "create it, and let the web server map /.well-known/acme-challenge/ to it",
  "config.account-key": "name another file: init creates it",
  "config.binding": "eab-key-file must hold the key just as the CA gave it",
  "config.claimed": "name other files in section [files], or other directories in [dirs]",
  "config.profile": "set profile in section [acme] to one of these, or leave it out",
  "files.permission": "the action permissions prints the flags that are needed",
  "files.untrusted": ({ about: { path } }) =>
    path &&
    `whoever may change it decides what this program does: chmod go-w ${path}, or give it to the user of this run`,
  "files.not-begun": "run init to begin this line",
  "files.memory": "use the newer program that wrote it",
  "files.taken": "remove it",
  "ca.unreachable": ({ message }, { proxy }) =>
    /proxy authentication required/.test(message)
      ? `the proxy ${proxy ?? ""} wants a name and a password: HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT`
      : proxy && `requests go through the proxy ${proxy}: is it up?`,
  "ca.untrusted": ({ message }) =>
    /CaUsedAsEndEntity/.test(message)
      ? "the CA's server must have a certificate that its root has signed: not the root certificate itself"
      : "set ca-file if this is a private CA",
  "ca.wrong-host": "is directory in section [acme] right?",
  "ca.clock": clock,
  "ca.not-found": "is directory in section [acme] right?",
  "ca.challenge": ({ about: { problem } }) =>
    /:(unauthorized|connection|dns|incorrectResponse)$/.test(problem?.type ?? "")
      ? "does the web server show challenge-dir as /.well-known/acme-challenge/ at that name, on port 80?"
      : undefined,
  "ca.slow": "the next run takes up this order",
  "hook.start": "has it a first line with its interpreter, and Unix line ends?",
  "hook.failed": "it will be run again by the next run with -k",
  "hook.dns": "the CA was not asked; see what the DNS hook did, and whether all servers of the zone are up",
  "hook.unserved":
    "reload that server; until the next run finds it served, old TLSA records stay and no new ones come",
  "run.clock": clock,
  "run.limited": "wait, or say --force if you know better",
  "run.waiting": "cron goes on with it, and status says how far it is",
};

/** Hints by the system's error code, which come before those by kind. */
const byCode: Partial<Record<Area, Record<string, Hint>>> = {
  files: {
    ENOSPC: "make room on that file system",
    EDQUOT: "make room, or raise the quota",
    EIO: "look at the disk: the kernel's log says more",
    EROFS: "mount it writable, or name another directory",
    EACCES: "run this as the user who owns the directory, usually root",
    EPERM: "look at owner, attributes (lsattr) and mount options",
    EBUSY: "mount the directory instead, so that the file can be replaced",
    EMFILE: "raise the limit of open files (ulimit -n)",
    ENOENT: "run init to create it",
    ENOTSUP: "it must be on a local file system",
    ENOLCK: "it must be on a local file system",
  },
  config: { EACCES: ({ about: { path } }) => path && `chmod +x ${path}` },
  hook: {
    ENOENT: "is the interpreter in its first line there, and has it Unix line ends?",
    EACCES: "is it executable, and its file system not mounted with noexec?",
    ETXTBSY: "somebody is writing to it; it will be run again by the next run with -k",
  },
};

/** Hints by what the CA said, RFC 8555 §6.7 and RFC 9773 §7.4. */
const byProblem: Record<string, Hint> = {
  userActionRequired: ({ about: { problem } }) =>
    `read and accept the CA's new terms${problem?.instance ? ` at ${problem.instance}` : ""}`,
  rateLimited: ({ about: { problem } }) =>
    `a rate limit of the CA is used up${problem?.instance ? `: see ${problem.instance}` : ""}`,
  externalAccountRequired: "this CA wants an account bound elsewhere: set eab-kid and eab-key-file",
  accountDoesNotExist: "run init to register the account key",
  unauthorized: ({ about: { problem } }) =>
    /deactivated|revoked/.test(problem?.detail ?? "")
      ? "the account can't be used any more: move the account key away, and run init for another"
      : undefined,
  badCSR: ({ about: { problem } }) =>
    /public key|blocked|compromise/i.test(problem?.detail ?? "")
      ? "the CA takes this key from nobody any more: run compromise for a new one"
      : undefined,
  badPublicKey: "change key-type or key-length, and run cron for a new key",
  caa: "let the CAA records of the name allow this CA",
  rejectedIdentifier: "this CA issues nothing for that name: take it out of domains",
};

/** The exit status that stands for a failure.
 *
 * @param failure what was thrown; anything but a {@link Failure} is a bug
 */
export function exitStatus(failure: unknown): number {
  if (!(failure instanceof Failure)) return bug;
  return failure.area === "ca" && failure.isTemporary ? 75 : statuses[failure.area];
}

/** The status of many: a bug, then files, then the CA, then what is only put off.
 *
 * @param statuses one for each failure
 */
export const gravest = (statuses: readonly number[]): number =>
  [bug, 4, 2, 1, 75, 3].find((each) => statuses.includes(each)) ?? 0;

/** What to do about a failure, in one line; its own cure, then the nearest of the tables.
 *
 * @param failure what was thrown
 * @param circumstances see {@link Circumstances}
 * @returns undefined: its message must do
 */
export function hint(failure: Failure, circumstances: Circumstances): string | undefined {
  const { cure, code, problem } = failure.about;
  const candidates = [
    cure,
    byProblem[problem?.type.split(":").at(-1) ?? ""],
    byCode[failure.area]?.[code ?? ""],
    byKind[failure.kind],
  ];
  for (const each of candidates) {
    const found = typeof each === "function" ? each(failure, circumstances) : each;
    if (found !== undefined) return found;
  }
}
