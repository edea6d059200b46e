/** The Deno flags that let a run touch what its configuration names, and nothing else. */
import type { Config } from "./config.ts";
import { directoryOf } from "./inspect.ts";
import { ConfigError } from "./errors.ts";

/** The permissions of a configuration.
 *
 * @param config the configuration
 * @returns flags for `deno run` and `deno compile`
 * @throws {ConfigError} a path can't be expressed in flags
 */
export function permissions(config: Config): string[] {
  const { acme, dirs, files, hooks } = config;
  const present = (paths: (string | undefined)[]) => [...new Set(paths.filter((each) => each !== undefined))];
  const writable = [dirs.keys, dirs.certs, dirs.backups, acme.challengeDir];
  const programs = present([hooks.certchange, hooks.keychange]);
  const { hostname, port } = new URL(acme.directory);
  const readable = present([
    config.file,
    ...writable,
    directoryOf(acme.accountKey),
    acme.caFile,
    files.dhParams,
  ]);
  const list = (paths: string[]) => {
    const bad = paths.find((each) => /[,\s]/.test(each));
    if (bad === undefined) return paths.join();
    throw new ConfigError(
      `${config.file}: Deno's flags can't express "${bad}", with a comma or white space`,
      {
        hint: "choose another path, or run with --allow-all",
      },
    );
  };
  return [
    `--allow-read=${list([...readable, ...programs])}`,
    `--allow-write=${list(present([...writable, directoryOf(acme.accountKey)]))}`,
    `--allow-net=${hostname}:${port || 443}`,
    ...programs.length > 0 ? [`--allow-run=${list(programs)}`] : [],
  ];
}
