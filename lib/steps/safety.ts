/** Whether others could read or replace what a run relies on, and whether Deno lets it do its work; before anything is changed. */
import type { Config } from "../config/config.ts";
import { mayReach, mayRead, mayRun, mayWrite } from "../disk/granted.ts";
import { directoryOf } from "../disk/names.ts";
import { inspect } from "../disk/read.ts";
import { judge, type Scope } from "../disk/trust.ts";
import { Failure } from "../errors.ts";
import { pathsOf } from "../line/paths.ts";
import { needs } from "./needs.ts";

const others = { write: 0o002, read: 0o004, enter: 0o001 };

/** Refuses a file or directory that somebody else could change.
 *
 * @param path what a decision is read from, or what is written
 * @param options `scope`: see {@link Scope}; `trust`: from {@link judge}, where more than one path is looked at
 * @returns directories that can't be looked at under Deno's permissions
 * @throws {Failure} of kind `files.untrusted`
 */
export function refuseUntrusted(
  path: string,
  { scope, trust = judge() }: { scope?: Scope; trust?: ReturnType<typeof judge> } = {},
): string[] {
  const { flaw, unseen } = trust(path, scope);
  if (!flaw) return unseen;
  const { what, cure } = flaw;
  const message = flaw.path === path
    ? `${what[0].toUpperCase()}${what.slice(1)}`
    : `Somebody else could replace "${path}": ${what}`;
  throw new Failure("files.untrusted", message, { path: flaw.path, cure });
}

/** Refuses a line whose files somebody else could change: they are written with the rights of whoever runs this.
 *
 * @param config the configuration
 * @returns directories that can't be looked at under Deno's permissions
 * @throws {Failure} of kind `files.untrusted`
 */
export function checkFiles(config: Config): string[] {
  const trust = judge();
  const { live, staging, memory } = pathsOf(config);
  const unseen = [
    // What is remembered decides as much as what is configured.
    ...[...ownDirectories(config), memory].flatMap((path) => refuseUntrusted(path, { trust })),
    // A service may own its key; where a link leads to, it may not.
    ...[live.key, live.crt].flatMap((path) => refuseUntrusted(path, { trust, scope: "way" })),
  ];
  for (const path of [live.key, live.crt]) refuseDangling(path);
  for (const path of [live.key, staging.key]) refuseOpen(path);
  return [...new Set(unseen)];
}

/** Checks permissions and owners of all that the configuration names.
 *
 * @param config the configuration
 * @param options `hooks`: whether they will run
 * @returns what needs a hand, though a run may go on, one line each
 * @throws {Failure} of kind `files.untrusted`: somebody else could put a file or program of theirs in the place of ours;
 *   `config.challenge-dir`, `config.hook`: it is not usable
 */
export function checkAccess(config: Config, { hooks }: { hooks: boolean }): string[] {
  const { acme, files } = config;
  const { live, staging } = pathsOf(config);
  checkFiles(config);
  const trust = judge();
  const usesDh = files.outputs.flat().includes("dh");
  const { accountKey, caFile, externalAccount } = acme;
  for (const path of [accountKey, caFile, externalAccount?.keyFile, usesDh ? files.dhParams : undefined]) {
    if (path) refuseUntrusted(path, { trust });
  }
  checkHook("dns-hook", config.acme.dnsHook, config);
  if (hooks) {
    for (const [name, program] of Object.entries(config.hooks)) checkHook(`post-${name}`, program, config);
  }
  if (usesDh && !inspect(files.dhParams!)?.isFile) {
    throw new Failure("config.entry", `${config.file}: dh-params does not exist: "${files.dhParams}"`);
  }
  return [
    ...[live.key, staging.key, acme.accountKey].flatMap(warnOfReaders),
    ...checkChallengeDir(config),
  ];
}

/** Checks that Deno's permissions are enough for a whole run: one that ends in its midst has done half of it.
 *
 * @param config the configuration
 * @param options `hooks`: whether they will run
 * @throws {Failure} of kind `files.permission`: the first that is missing
 */
export async function checkPermissions(
  config: Config,
  { hooks }: { hooks: boolean },
): Promise<void> {
  const { read, write, net } = await needs(config);
  const idle = hooks ? [] : Object.values(config.hooks).filter((each) => each !== config.acme.dnsHook);
  const programs = [config.acme.dnsHook, ...hooks ? Object.values(config.hooks) : []]
    .filter((each) => each !== undefined);
  const hosts = net ?? [undefined];
  const missing = [
    ...read.filter((path) => !idle.includes(path) && !mayRead(path)).map((path) =>
      `read "${path}": --allow-read`
    ),
    ...write.filter((path) => !mayWrite(path)).map((path) => `write "${path}": --allow-write`),
    ...programs.filter((path) => !mayRun(path)).map((path) => `run "${path}": --allow-run`),
    ...hosts.filter((host) => !mayReach(host)).map((host) =>
      `reach ${host ? `"${host}"` : "DNS"}: --allow-net`
    ),
  ];
  if (missing.length > 0) throw new Failure("files.permission", `Deno may not ${missing[0]} is missing`);
}

const ownDirectories = ({ dirs, timing }: Config): string[] => [
  ...Object.values(dirs),
  ...timing.spareDir ? [timing.spareDir] : [],
];

/** A file that everybody may write to is nobody's. */
function refuseOpen(path: string): void {
  if (!((inspect(path)?.mode ?? 0) & others.write)) return;
  throw new Failure("files.untrusted", `Everybody may write to "${path}"`, {
    path,
    cure: `chmod o-w ${path}`,
  });
}

function refuseDangling(path: string): void {
  if (!inspect(path, { follow: false })?.isSymlink || inspect(path)) return;
  throw new Failure("files.storage", `"${path}" is a symbolic link that leads nowhere`, { path });
}

function warnOfReaders(path: string): string[] {
  const mode = inspect(path)?.mode ?? 0;
  const directory = directoryOf(path);
  const above = mayRead(directory) ? inspect(directory)?.mode ?? 0 : others.enter;
  // The Python original leaves keys at 0644 in a directory that others can't enter.
  if (!(mode & others.read) || !(above & others.enter)) return [];
  return [`warning: "${path}" is readable by others (${octal(mode)}): chmod o-r ${path}`];
}

/** It may be somebody else's, since all work there is done on descriptors; but a stranger's link leads anywhere. */
function checkChallengeDir({ file, acme: { challengeDir } }: Config): string[] {
  if (challengeDir === undefined) return [];
  const info = inspect(challengeDir);
  if (!info?.isDirectory) {
    const what = info ? "is not a directory" : "does not exist";
    throw new Failure("config.challenge-dir", `${file}: challenge-dir ${what}: "${challengeDir}"`, {
      path: challengeDir,
      cure: "create it, and let the web server map /.well-known/acme-challenge/ to it",
    });
  }
  refuseUntrusted(challengeDir, { scope: "links" });
  if (!(info.mode! & others.write)) return [];
  return [`warning: everybody may write to the challenge directory: chmod o-w ${challengeDir}`];
}

function checkHook(name: string, program: string | undefined, { file }: Config): void {
  if (!program) return;
  const info = inspect(program);
  const refuse = (what: string, cure?: string) => {
    throw new Failure("config.hook", `${file}: ${name} ${what}: "${program}"`, { path: program, cure });
  };
  if (!info) refuse("does not exist");
  if (!info!.isFile || !(info!.mode! & 0o111)) refuse("is not executable", `chmod +x ${program}`);
  refuseUntrusted(program);
}

const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(4, "0");
