/** Derived files, and the memory of which there are: a copy of the key must not stay where nobody knows of it. */
import type { Config } from "../config/config.ts";
import { type Files, matches } from "../line/files.ts";
import type { MemoryFile } from "../line/memory.ts";
import { outputPaths, staleOutputs, writeOutputs } from "../line/outputs.ts";
import type { World } from "./world.ts";

interface Work {
  config: Config;
  files: Files;
  memory: MemoryFile;
}

/** Remembers which there may be, before any is written. */
export function rememberDerived({ config, memory }: Work): void {
  const known = memory.value.outputs ?? [];
  const all = new Set([...known, ...outputPaths(config)]);
  if (all.size > known.length) memory.update({ outputs: [...all] });
}

/** Writes those that are stale, and removes those that are not configured any more. */
export function writeDerived({ config, files, memory }: Work): void {
  writeOutputs(config, files, memory.value.outputs);
  memory.update({ outputs: outputPaths(config) });
}

/** The same after a recovery, where servers start next; when this fails, the pair is right already.
 *
 * @throws {Failure} a derived file can't be written
 */
export function recoverDerived(
  { config, files, memory, world }: Work & { world: World },
): void {
  if (!matches(files.live.key, files.live.crt)) return;
  const stale = staleOutputs(config, files, memory.value.outputs);
  if (stale.length === 0) return;
  writeDerived({ config, files, memory });
  for (const { path } of stale) world.log(`Recovered: "${path}" from its pair`);
}
