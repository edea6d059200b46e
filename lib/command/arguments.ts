/** Reads the command line. */
import { parseArgs } from "@std/cli/parse-args";
import { suggest } from "../config/suggestion.ts";
import { formats } from "../dane/records.ts";
import { Failure } from "../errors.ts";
import {
  type ActionName,
  actionNames,
  defaultConfig,
  type Option,
  type OptionName,
  options,
  optionsOf,
} from "./actions.ts";
import type { TaskOptions } from "./tasks.ts";

/** The command line, read. */
export interface Arguments extends Omit<TaskOptions, "isAlone"> {
  /** The longest time to wait at first, milliseconds. */
  jitter: number;
  action: ActionName;
}

/** Something else than an action. */
export type Asked = { print: "version" } | { print: "help"; of?: ActionName };

const names = Object.keys(options) as OptionName[];
const option = (name: OptionName): Option => options[name];

/** Reads the command line by the tables of options and actions.
 *
 * @param args without the program's name
 * @throws {Failure} something in it is wrong
 */
export function parseArguments(args: readonly string[]): Arguments | Asked {
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: names.filter((name) => option(name).value),
    boolean: names.filter((name) => !option(name).value),
    alias: Object.fromEntries(
      names.flatMap((name) => option(name).short ? [[option(name).short, name]] : []),
    ),
    collect: ["config"],
    unknown: (arg: string) => {
      if (arg.startsWith("-")) unknown.push(arg);
      return true;
    },
  }) as Record<string, unknown> & { _: unknown[] };
  const words = parsed._.map(String);
  if (parsed.version) return { print: "version" };
  if (parsed.help || words[0] === "help") {
    const [word] = words.filter((each) => each !== "help");
    return { print: "help", of: word === undefined ? undefined : known(word) };
  }
  if (unknown.length > 0) {
    throw wrong(`Unknown option "${unknown[0]}"${meant(unknown[0], names.map((name) => `--${name}`))}`);
  }
  const given = parsed.config as string[];
  if (given.includes("")) throw wrong("A configuration file is needed: -c CONFIG");
  const action = readAction(words);
  for (const name of names) checkOption(name, parsed[name], action);
  return {
    configs: given.length > 0 ? given : [defaultConfig],
    hooks: Boolean(parsed.hooks),
    force: Boolean(parsed.force),
    json: Boolean(parsed.json),
    metrics: Boolean(parsed.metrics),
    format: formats.find((each) => each === parsed.format) ?? formats[0],
    jitter: number(parsed.jitter, { name: "jitter", of: "minutes", most: 1440 }) * 60_000,
    days: parsed.days === undefined ? 90 : number(parsed.days, { name: "days", of: "days", most: 3660 }),
    action,
  };
}

function readAction([word, ...rest]: string[]): ActionName {
  if (!word) throw wrong("An action is needed");
  const action = known(word);
  if (rest.length > 0) throw wrong(`One action at a time: "${rest[0]}" is too much`);
  return action;
}

function known(word: string): ActionName {
  const action = actionNames.find((each) => each === word);
  if (!action) throw wrong(`Unknown action "${word}"${suggest(word, actionNames)}`);
  return action;
}

/** An option goes with its actions only, and takes its words only. */
function checkOption(name: OptionName, value: unknown, action: ActionName): void {
  const { isGeneral, words } = option(name);
  if (!value && value !== "" || isGeneral) return;
  if (!optionsOf(action).includes(name)) {
    const its = actionNames.filter((each) => optionsOf(each).includes(name));
    throw wrong(`--${name} is for ${its.join(" and ")} only`);
  }
  if (words && !words.includes(String(value))) {
    throw wrong(`--${name} must be ${words.join(", ")}: current value is "${value}"`);
  }
}

function number(given: unknown, { name, of, most }: { name: string; of: string; most: number }): number {
  if (given === undefined) return 0;
  const value = /^\d+(\.\d+)?$/.test(String(given)) ? Number(given) : NaN;
  if (value <= most) return value;
  throw wrong(`--${name} must be a number of ${of} from 0 to ${most}: current value is "${given}"`);
}

/** One letter is near to every other: only words are worth a guess. */
const meant = (word: string, candidates: string[]) => word.startsWith("--") ? suggest(word, candidates) : "";
const wrong = (message: string) => new Failure("usage.arguments", message);
