/** Where the files of a line lie. */
import type { Config, OutputPart } from "../config/config.ts";
import { sha256 } from "../x509/key.ts";
import type { SlotName } from "./line.ts";

/** See {@link pathsOf}. */
export type Paths = ReturnType<typeof pathsOf>;

/** Names every file of a line.
 *
 * @param config the configuration
 */
export function pathsOf({ dirs, files }: Config) {
  const pair = (name: string) => ({ key: `${dirs.keys}/${name}.key`, crt: `${dirs.certs}/${name}.crt` });
  return {
    live: pair(files.live),
    staging: pair(files.staging),
    output: (slot: SlotName, parts: readonly OutputPart[]) =>
      `${parts.includes("key") ? dirs.keys : dirs.certs}/${files[slot]}.${parts.join("+")}`,
    lock: `${dirs.keys}/.${files.live}.lock`,
    memory: `${dirs.keys}/.${files.live}.state.json`,
  };
}

/** Eight digits that stand for a line in temporary names, where lines share a directory.
 *
 * @param config the configuration
 */
export const lineId = async (config: Config): Promise<string> =>
  (await sha256(new TextEncoder().encode(pathsOf(config).memory))).slice(0, 8);
