/** Whether others could read or replace what a run relies on; looked at before anything is changed. */
import type { Config } from "../config/config.ts";
import { directoryOf, inspect, mayRead } from "../disk/read.ts";
import { ConfigError, LineError } from "../errors.ts";
import { pathsOf } from "../line/paths.ts";

const others = { write: 0o002, read: 0o004, enter: 0o001 };
const group = { write: 0o020 };
const sticky = 0o1000;

/** Checks permissions and owners of what the configuration names.
 *
 * @param config the configuration
 * @param options `hooks`: whether they will run
 * @returns what needs a hand, though a run may go on, one line each
 * @throws {ConfigError} the challenge directory or a hook is not usable
 * @throws {LineError} somebody else could put a key, a certificate or a program of theirs in the place of ours
 */
export function checkAccess(config: Config, { hooks }: { hooks: boolean }): string[] {
  const { dirs, acme } = config;
  const { live, staging } = pathsOf(config);
  for (const directory of Object.values(dirs)) refuseWritable(directory);
  for (const path of [live.key, live.crt]) checkLink(path);
  return [
    ...[live.key, staging.key, acme.accountKey].flatMap(checkKey),
    ...checkChallengeDir(config),
    ...checkDhParams(config),
    ...hooks ? checkHooks(config) : [],
  ];
}

/** Whoever may write to a directory may replace every file in it. */
function refuseWritable(path: string): void {
  const mode = inspect(path)?.mode ?? 0;
  if (mode & others.write) {
    throw new LineError(`Everybody may write to "${path}"`, { hint: `chmod o-w ${path}` });
  }
}

function checkKey(path: string): string[] {
  refuseWritable(path);
  const mode = inspect(path)?.mode ?? 0;
  const directory = inspect(directoryOf(path))?.mode ?? 0;
  // The Python original leaves keys at 0644 in a directory that others can't enter.
  if (!(mode & others.read) || !(directory & others.enter)) return [];
  return [`warning: "${path}" is readable by others (${octal(mode)}): chmod o-r ${path}`];
}

/** A link is followed where whoever made it could have replaced the file anyway. */
function checkLink(path: string): void {
  const link = inspect(path, { follow: false });
  if (!link?.isSymlink) return;
  if (!inspect(path)) throw new LineError(`"${path}" is a symbolic link that leads nowhere`);
  if (link.uid !== 0 && link.uid !== inspect(directoryOf(path))?.uid) {
    throw new LineError(`"${path}" is a symbolic link that belongs to somebody else (uid ${link.uid})`);
  }
}

function checkChallengeDir({ file, acme: { challengeDir } }: Config): string[] {
  if (challengeDir === undefined) return [];
  const info = inspect(challengeDir);
  if (!info?.isDirectory) {
    const what = info ? "is not a directory" : "does not exist";
    throw new ConfigError(`${file}: challenge-dir ${what}: "${challengeDir}"`, {
      hint: "create it, and let the web server map /.well-known/acme-challenge/ to it",
    });
  }
  const link = inspect(challengeDir, { follow: false })!;
  if (link.isSymlink && link.uid !== 0) {
    throw new LineError(
      `"${challengeDir}" is a symbolic link that belongs to somebody else (uid ${link.uid})`,
    );
  }
  if (!(info.mode! & others.write)) return [];
  return [`warning: everybody may write to the challenge directory: chmod o-w ${challengeDir}`];
}

function checkDhParams({ file, files: { dhParams, outputs } }: Config): string[] {
  if (dhParams && outputs.flat().includes("dh") && !inspect(dhParams)?.isFile) {
    throw new ConfigError(`${file}: dh-params does not exist: "${dhParams}"`);
  }
  return [];
}

function checkHooks({ file, hooks }: Config): string[] {
  return Object.entries(hooks).flatMap(([name, program]) => {
    if (!program) return [];
    const info = inspect(program);
    if (!info) throw new ConfigError(`${file}: post-${name} does not exist: "${program}"`);
    const mode = info.mode!;
    if (!info.isFile || !(mode & 0o111)) {
      throw new ConfigError(`${file}: post-${name} is not executable: "${program}"`, {
        hint: `chmod +x ${program}`,
      });
    }
    refuseWritable(program);
    const directory = directoryOf(program);
    const open = mayRead(directory) ? inspect(directory)!.mode! : 0;
    if (open & others.write && !(open & sticky)) {
      throw new LineError(`Everybody may replace the hook "${program}"`, {
        hint: `chmod o-w ${directory}`,
      });
    }
    if (!(mode & group.write) || info.gid === 0) return [];
    return [`warning: a group may write to the hook "${program}" (${octal(mode)}): chmod g-w ${program}`];
  });
}

const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(4, "0");
