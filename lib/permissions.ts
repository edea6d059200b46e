/** The Deno flags that let a run touch what its configuration names, and nothing else. */
import type { Config } from "./config.ts";
import { directoryOf } from "./disk.ts";

/** The permissions of a configuration.
 *
 * @param config the configuration
 * @returns flags for `deno run` and `deno compile`
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
  return [
    `--allow-read=${[...readable, ...programs].join()}`,
    `--allow-write=${present([...writable, directoryOf(acme.accountKey)]).join()}`,
    `--allow-net=${hostname}:${port || 443}`,
    ...programs.length > 0 ? [`--allow-run=${programs.join()}`] : [],
  ];
}
