/** Derived files: the same key and certificate in the shapes that servers want. */
import type { Config, OutputPart } from "../config/config.ts";
import { remove } from "../disk/descriptor.ts";
import { syncDirectory } from "../disk/directory.ts";
import type { FileMode } from "../disk/mode.ts";
import { put } from "../disk/write.ts";
import { Failure } from "../errors.ts";
import { equal, type Files } from "./files.ts";
import { directoryOf } from "../disk/names.ts";
import { exists, read } from "../disk/read.ts";
import type { SlotName } from "./line.ts";
import { certificateMode, keyMode } from "./modes.ts";
import { pathsOf } from "./paths.ts";

/** A derived file as it should be: without bytes it should not be there. */
export interface Output {
  path: string;
  bytes?: Uint8Array<ArrayBuffer>;
  mode: FileMode;
}

/** What the derived files of a line should hold now; they depend on nothing but the pairs.
 *
 * @param config the configuration
 * @param files the pairs
 * @returns one for each combination and slot
 * @throws {Failure} `dh-params` can't be read
 */
export function outputs(config: Config, files: Files): Output[] {
  const at = pathsOf(config);
  return (["live", "staging"] as SlotName[]).flatMap((slot) => {
    const { key, crt } = files[slot];
    return config.files.outputs.map((parts) => {
      const secret = parts.includes("key");
      const path = at.output(slot, parts);
      const mode = secret ? keyMode(config) : certificateMode;
      const bytes = crt && key ? join(config, parts, decode(crt.bytes), decode(key.bytes)) : undefined;
      return { path, mode, bytes };
    });
  });
}

/** The names of all derived files of a line.
 *
 * @param config the configuration
 */
export const outputPaths = (config: Config): string[] =>
  (["live", "staging"] as const).flatMap((slot) =>
    config.files.outputs.map((parts) => pathsOf(config).output(slot, parts))
  );

/** The derived files that differ from what they should be.
 *
 * @param config the configuration
 * @param files the pairs
 * @param written what was written before: a copy of the key that is no longer configured must not stay
 */
export function staleOutputs(config: Config, files: Files, written: readonly string[] = []): Output[] {
  const wanted = outputs(config, files);
  const former = written.filter((path) =>
    mayBeOutput(path, config) && wanted.every((each) => each.path !== path)
  )
    .map((path) => ({ path, mode: certificateMode }));
  return [...wanted, ...former as Output[]].filter(({ path, bytes }) =>
    bytes ? !holds(path, bytes) : exists(path)
  );
}

/** What can't be read is stale: whoever writes it finds out why, and no certificate waits for that. */
function holds(path: string, bytes: Uint8Array): boolean {
  try {
    return equal(bytes, read(path));
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    return false;
  }
}

/** Whether a path that is remembered can have been written here: never a pair, nor anything elsewhere. */
function mayBeOutput(path: string, config: Config): boolean {
  const { live, staging } = pathsOf(config);
  const isPair = [live, staging].some(({ key, crt }) => path === key || path === crt);
  return !isPair &&
    [config.dirs.keys, config.dirs.certs].some((directory) =>
      [config.files.live, config.files.staging].some((name) =>
        path.startsWith(`${directory}/${name}.`) &&
        /^[a-z+]+$/.test(path.slice(directory.length + name.length + 2))
      )
    );
}

/** Writes the derived files that are missing or stale, and removes those that should not be there any more.
 *
 * @param config the configuration
 * @param files the pairs
 * @param written see {@link staleOutputs}
 */
export function writeOutputs(config: Config, files: Files, written: readonly string[] = []): void {
  for (const { path, bytes, mode } of staleOutputs(config, files, written)) {
    if (bytes) put(path, bytes, mode);
    else {
      remove(path);
      syncDirectory(directoryOf(path));
    }
  }
}

/** Whoever wrote the pair: with CRLF, or without a final newline, too. */
function join(config: Config, parts: OutputPart[], crt: string, key: string): Uint8Array<ArrayBuffer> {
  const chain = crt.replaceAll("\r\n", "\n");
  const end = "-----END CERTIFICATE-----";
  const cut = chain.indexOf(end) + end.length + 1;
  const part = (name: OutputPart): string => {
    switch (name) {
      case "crt":
        return chain;
      case "leaf":
        return chain.slice(0, cut);
      case "chain":
        return chain.slice(cut).trimStart();
      case "key":
        return key;
      case "dh": {
        const bytes = read(config.files.dhParams!);
        if (!bytes) {
          throw new Failure(
            "config.entry",
            `${config.file}: dh-params "${config.files.dhParams}" does not exist`,
          );
        }
        return decode(bytes);
      }
    }
  };
  return new TextEncoder().encode(parts.map((name) => part(name).replace(/\n?$/, "\n")).join(""));
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
