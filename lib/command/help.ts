/** What is printed about options and actions, all of it from their tables. */
import {
  type Action,
  type ActionName,
  actionNames,
  actions,
  type Option,
  type OptionName,
  options,
  optionsOf,
} from "./actions.ts";
import { beside, width, wrap } from "./columns.ts";

const column = 22;
/** A word, and beside it what it means. */
const entry = (word: string, meaning: string) => beside(`  ${word}`, meaning, column);

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

/** What there is to say of one action.
 *
 * @param name the action
 */
export function helpOn(name: ActionName): string[] {
  const { help, details }: Action = actions[name];
  const general = entries.filter(([, { isGeneral }]) => isGeneral).map(([each]) => each as OptionName);
  const text = [help.replace(/^./, (letter) => letter.toUpperCase()), ...details ? [details] : []].join(". ")
    .replace(/[^.]$/, "$&.");
  return [
    `Usage: letsencrypt-tiny -c CONFIG [-k] ${name}`,
    "",
    ...wrap(text, width),
    "",
    ...[...optionsOf(name), ...general].flatMap((each) =>
      entry(flag(each, options[each]), options[each].help)
    ),
  ];
}

/** An option as it is written.
 *
 * @param name its long name
 * @param option its row
 */
export function flag(name: string, { short, value }: Option): string {
  return `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
}
