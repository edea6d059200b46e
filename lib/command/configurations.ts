/** The configuration files that the command line names, and what is in them. */
import { type Config, parseConfig } from "../config/config.ts";
import { fileName } from "../disk/names.ts";
import { inspect, list, read } from "../disk/read.ts";
import { Failure } from "../errors.ts";
import { refuseUntrusted } from "../steps/safety.ts";

/** The files that are meant; a directory stands for each `*.conf` in it, links to such included.
 *
 * @param named files and directories
 * @throws {Failure} a directory holds none
 */
export function configFiles(named: readonly string[]): string[] {
  const files = named.flatMap((path) => {
    if (!isDirectory(path)) return [path];
    refuseUntrusted(path);
    const inside = list(path, { links: true }).filter((each) =>
      each.endsWith(".conf") && !each.startsWith(".")
    );
    if (inside.length === 0) {
      throw new Failure("config.file", `${path}: There is no *.conf in this directory`, { path });
    }
    return inside.map((each) => `${path.replace(/\/+$/, "")}/${each}`);
  });
  return [...new Set(files)];
}

/** What can't be looked at is taken for a file: reading it says why, and stops no other line. */
function isDirectory(path: string): boolean {
  try {
    return inspect(path)?.isDirectory ?? false;
  } catch (error) {
    if (!isStorage(error)) throw error;
    return false;
  }
}

/** What lines are called where there are several: the file without directory and ending, as far as that is enough.
 *
 * @param files the configuration files
 */
export function lineNames(files: readonly string[]): Map<string, string> {
  const short = (path: string) => fileName(path).replace(/\.conf$/, "");
  const seen = Map.groupBy(files, short);
  return new Map(files.map((file) => [file, seen.get(short(file))!.length === 1 ? short(file) : file]));
}

/** Reads a configuration file.
 *
 * @param file its path
 * @throws {Failure} it can't be read, somebody else may change it, or something in it is wrong
 */
export function loadConfig(file: string): Config {
  refuseUntrusted(file);
  let bytes;
  try {
    bytes = read(file);
  } catch (error) {
    if (!isStorage(error)) throw error;
    throw new Failure("config.file", `${file}: ${error.message}`, {
      ...error.about,
      path: file,
      cause: error,
    });
  }
  if (!bytes) {
    throw new Failure("config.file", `${file}: The configuration file does not exist`, { path: file });
  }
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Failure("config.file", `${file}: The configuration file is not UTF-8 text`, {
      path: file,
      cause,
    });
  }
  return parseConfig(text, file);
}

const isStorage = (error: unknown): error is Failure =>
  error instanceof Failure && error.kind === "files.storage";
