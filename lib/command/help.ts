/** What is printed about options and actions, all of it from their tables. */
import {
  type Action,
  type ActionName,
  actionNames,
  actions,
  type Option,
  options,
  optionsOf,
} from "./actions.ts";

const width = 80;
const entries = Object.entries(options) as [string, Option][];

/** The usage, line by line. */
export function usage(): string[] {
  return [
    "Usage: letsencrypt-tiny -c CONFIG [-k] ACTION",
    "",
    ...entries.filter(([, { isGeneral }]) => isGeneral).flatMap(([name, option]) =>
      entry(flag(name, option), option.help)
    ),
    "",
    "ACTION",
    ...actionNames.flatMap((name) => [
      ...entry(name, actions[name].help),
      ...optionsOf(name).flatMap((each) => entry(`  ${flag(each, options[each])}`, options[each].help)),
    ]),
  ];
}

/** The README's table of actions. */
export function actionsTable(): string[] {
  return [
    "| action | does |",
    "| --- | --- |",
    ...actionNames.map((name) => `| \`${name}\` | ${cell(name)} |`),
  ];
}

function cell(name: ActionName): string {
  const { help, details }: Action = actions[name];
  const flags = optionsOf(name).map((each) => {
    const { value, words, help }: Option = options[each];
    return words
      ? `\`--${each}\` ${words.map((word) => `\`${word}\``).join(", ")}`
      : `\`--${each}${value ? ` ${value}` : ""}\`: ${help}`;
  });
  return [help, ...details ? [details.replace(/\.$/, "")] : [], ...flags].join(". ");
}

function flag(name: string, { short, value }: Option): string {
  return `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
}

const column = 22;

/** A word, and beside it what it means. */
function entry(word: string, meaning: string): string[] {
  const lines = wrap(meaning, width - column);
  const beside = word.length + 4 <= column ? [] : [`  ${word}`];
  const first = beside.length > 0 ? "" : `  ${word}`;
  return [...beside, ...lines.map((line, i) => (i === 0 ? first : "").padEnd(column) + line)];
}

/** Breaks a text into lines at its spaces.
 *
 * @param text words
 * @param width the longest line, in characters; a longer word has a line of its own
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
