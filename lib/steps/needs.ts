/** What a run touches of the outside, for Deno's permissions: what `permissions` prints, and what is looked at before a change. */
import type { Config } from "../config/config.ts";
import { aclPrograms } from "../disk/acl.ts";
import { mayRead } from "../disk/granted.ts";
import { directoryOf, formerName, temporaryName } from "../disk/names.ts";
import { inspect, resolve } from "../disk/read.ts";
import { Failure } from "../errors.ts";
import { lineId, pathsOf } from "../line/paths.ts";

/** Files and directories with all that is in them, programs and hosts. */
export interface Needs {
  read: string[];
  write: string[];
  run: string[];
  /** Hosts with port; undefined: name servers and services are found by DNS, so that their addresses can't be known. */
  net?: string[];
}

/** What a line needs. Where a directory would be too much, only files in it.
 *
 * @param config the line
 * @throws {Failure} a link leads where nothing but everything could be allowed
 */
export async function needs(config: Config): Promise<Needs> {
  const { dirs, acme, files, hooks, dane } = config;
  const own = [...Object.values(dirs), ...given(acme.challengeDir)];
  const account = [acme.accountKey, await accountKeyTemporary(config)];
  const targets = linkTargets(config);
  const programs = given(hooks.certchange, hooks.keychange, hooks.failure, acme.dnsHook);
  const { hostname, port } = new URL(acme.directory);
  return {
    read: [
      ...own,
      ...account,
      ...targets.map(directoryOf),
      ...given(acme.caFile, files.dhParams, acme.externalAccount?.keyFile),
      ...dane && !dane.resolver || acme.dnsHook && !config.dns.resolver ? ["/etc/resolv.conf"] : [],
      ...programs,
    ],
    write: [...own, ...account, ...targets.flatMap((path) => [path, temporaryName(path), formerName(path)])],
    run: [...programs, ...mayHaveAcl(config) ? aclPrograms : []],
    net: dane || acme.dnsHook ? undefined : [`${hostname}:${port || 443}`],
  };
}

/** The temporary name of the account key. Lines that share one may begin at the same time: each has a name of its own. */
export const accountKeyTemporary = async (config: Config): Promise<string> =>
  temporaryName(`${config.acme.accountKey}.${await lineId(config)}`);

const given = (...values: (string | undefined)[]) => values.filter((each) => each !== undefined);

/** What is written beside the targets of links: `live.key` and `live.crt` may be such. */
function linkTargets(config: Config): string[] {
  const { live } = pathsOf(config);
  return [live.key, live.crt].flatMap((path) => {
    if (!mayRead(path) || !inspect(path, { follow: false })?.isSymlink) return [];
    const target = resolve(path);
    const directory = directoryOf(target);
    if (directory.lastIndexOf("/") > 0) return [target];
    const message = `"${path}" leads to "${target}": all of "${directory}" would have to be allowed`;
    throw new Failure("files.permission", message, {
      path,
      cure: "keep that file in a directory of its own, or run with --allow-all",
    });
  });
}

/** Only a key that more than its owner may read can have an access control list that means something. */
function mayHaveAcl(config: Config): boolean {
  const { key } = pathsOf(config).live;
  return mayRead(key) && Boolean((inspect(key)?.mode ?? 0) & 0o070);
}
