/** The Deno flags that let a run touch what its configuration names, and nothing else. */
import type { Config } from "../config/config.ts";
import { directoryOf } from "../disk/read.ts";
import { Failure } from "../errors.ts";

/** The permissions of a run.
 *
 * @param configs the configurations of all its lines
 * @param named the files and directories of configurations that the command line names
 * @returns flags for `deno run` and `deno compile`
 * @throws {Failure} a path can't be expressed in flags
 */
export function permissions(configs: readonly Config[], named: readonly string[]): string[] {
  const all = (
    pick: (config: Config) => (string | undefined)[],
  ) => [...new Set(configs.flatMap(pick).filter((each) => each !== undefined))];
  const list = (paths: string[]) => {
    const bad = paths.find((each) => /[,\s]/.test(each));
    if (bad === undefined) return paths.join();
    throw new Failure(
      "config.entry",
      `${configs[0].file}: Deno's flags can't express "${bad}", with a comma or white space`,
      { path: bad, cure: "choose another path, or run with --allow-all" },
    );
  };
  const writable = ({ dirs, acme }: Config) => [
    ...[dirs.keys, dirs.certs, dirs.backups],
    ...acme.challengeDir === undefined ? [] : [acme.challengeDir],
  ];
  const programs = all(({ hooks }) => [hooks.certchange, hooks.keychange, hooks.failure]);
  const readable = all((config) => [
    ...[...named, ...writable(config), directoryOf(config.acme.accountKey)],
    ...[config.acme.caFile, config.files.dhParams],
    ...config.dane && !config.dane.resolver ? ["/etc/resolv.conf"] : [],
  ]);
  const hosts = all(({ acme }) => {
    const { hostname, port } = new URL(acme.directory);
    return [`${hostname}:${port || 443}`];
  });
  return [
    `--allow-read=${list([...readable, ...programs])}`,
    `--allow-write=${list(all((config) => [...writable(config), directoryOf(config.acme.accountKey)]))}`,
    // Name servers and services are found by DNS, so that their addresses can't be known here.
    configs.some(({ dane }) => dane) ? "--allow-net" : `--allow-net=${hosts.join()}`,
    // A wait for DNS is measured by it, so that a clock that somebody sets makes none shorter.
    ...configs.some(({ dane }) => dane?.announced) ? ["--allow-sys=osUptime"] : [],
    ...programs.length > 0 ? [`--allow-run=${list(programs)}`] : [],
  ];
}
