/** The Deno flags that let a run touch what its configuration names, and nothing else. */
import type { Config } from "../config/config.ts";
import { Failure } from "../errors.ts";
import { needs } from "../steps/needs.ts";

/** The permissions of a run.
 *
 * @param configs the configurations of all its lines
 * @param named the files and directories of configurations that the command line names
 * @returns flags for `deno run` and `deno compile`
 * @throws {Failure} a path can't be expressed in flags
 */
export async function permissions(configs: readonly Config[], named: readonly string[]): Promise<string[]> {
  const all = await Promise.all(configs.map(needs));
  const [{ file }] = configs;
  const list = (paths: readonly string[]) => {
    const bad = paths.find((each) => /[,\s]/.test(each));
    if (bad === undefined) return [...new Set(paths)].join();
    throw new Failure(
      "config.entry",
      `${file}: Deno's flags can't express "${bad}", with a comma or white space`,
      { path: bad, cure: "choose another path, or run with --allow-all" },
    );
  };
  const programs = all.flatMap(({ run }) => run);
  // Whose files they must be; and a wait for DNS is measured by the uptime, which nobody sets.
  const system = [
    "uid",
    ...configs.some(({ dane, acme }) => dane?.announced || acme.dnsHook) ? ["osUptime"] : [],
  ];
  return [
    `--allow-read=${list([...named, ...all.flatMap(({ read }) => read)])}`,
    `--allow-write=${list(all.flatMap(({ write }) => write))}`,
    all.every(({ net }) => net) ? `--allow-net=${list(all.flatMap(({ net }) => net!))}` : "--allow-net",
    ...programs.length > 0 ? [`--allow-run=${list(programs)}`] : [],
    `--allow-sys=${system.join()}`,
  ];
}
