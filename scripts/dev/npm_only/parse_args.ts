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
  // minimist takes "--no-x" for the opposite of "--x"; parseArgs does so only where it is asked to.
  const isNegation = (arg: string) => arg.startsWith("--no-");
  for (const arg of args.filter(isNegation)) options.unknown?.(arg);
  // minimist turns number-like words into numbers unless "_" is declared a string.
  const parsed = minimist(args.filter((arg) => !isNegation(arg)), { ...shared, string: [...string, "_"] });
  for (const name of collect) {
    if (parsed[name] === undefined) parsed[name] = [];
    else if (!Array.isArray(parsed[name])) parsed[name] = [parsed[name]];
  }
  return parsed;
}
