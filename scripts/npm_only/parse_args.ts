/** What this project uses of `@std/cli/parse-args`, over npm's `minimist`, whose options it shares. */
import minimist from "minimist";

/** The options that this project passes; both libraries give them the same meaning. */
export interface ParseOptions {
  string?: string[];
  boolean?: string[];
  collect?: string[];
  alias?: Record<string, string>;
  unknown?: (arg: string) => boolean;
}

/** Parses a command line: named options become properties, the others stand in `_`. */
export function parseArgs(
  args: readonly string[],
  options: ParseOptions,
): { _: (string | number)[]; [name: string]: unknown } {
  const { collect = [], string = [], ...shared } = options;
  // minimist turns number-like words into numbers unless "_" is declared a string.
  const parsed = minimist([...args], { ...shared, string: [...string, "_"] });
  for (const name of collect) {
    if (parsed[name] === undefined) parsed[name] = [];
    else if (!Array.isArray(parsed[name])) parsed[name] = [parsed[name]];
  }
  return parsed;
}
