/** Derived files: the same key and certificate in the shapes that servers want. */
import type { Config, OutputPart } from "../config/config.ts";
import { remove } from "../disk/descriptor.ts";
import { syncDirectory } from "../disk/directory.ts";
import type { FileMode } from "../disk/mode.ts";
import { put } from "../disk/write.ts";
import { ConfigError } from "../errors.ts";
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
 * @throws {ConfigError} `dh-params` can't be read
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

/** The derived files that differ from what they should be. */
export function staleOutputs(config: Config, files: Files): Output[] {
  return outputs(config, files).filter(({ path, bytes }) => bytes ? !equal(bytes, read(path)) : exists(path));
}

/** Writes the derived files that are missing or stale, and removes those of a slot that is empty now. */
export function writeOutputs(config: Config, files: Files): void {
  for (const { path, bytes, mode } of staleOutputs(config, files)) {
    if (bytes) put(path, bytes, mode);
    else {
      remove(path);
      syncDirectory(directoryOf(path));
    }
  }
}

function join(config: Config, parts: OutputPart[], chain: string, key: string): Uint8Array<ArrayBuffer> {
  const cut = /-----END CERTIFICATE-----\s*/.exec(chain)!;
  const endOfLeaf = cut.index + cut[0].length;
  const part = (name: OutputPart): string => {
    switch (name) {
      case "crt":
        return chain;
      case "leaf":
        return chain.slice(0, endOfLeaf);
      case "chain":
        return chain.slice(endOfLeaf);
      case "key":
        return key;
      case "dh": {
        const bytes = read(config.files.dhParams!);
        if (!bytes) {
          throw new ConfigError(`${config.file}: dh-params "${config.files.dhParams}" does not exist`);
        }
        return decode(bytes);
      }
    }
  };
  return new TextEncoder().encode(parts.map((name) => part(name).replace(/\n?$/, "\n")).join(""));
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
