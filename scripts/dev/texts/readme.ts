/** The tables of the README that come from the program. */
import {
  type Action,
  type ActionName,
  actionNames,
  actions,
  type Option,
  options,
  optionsOf,
} from "../../../lib/command/actions.ts";
import { exitStatuses } from "./exit_statuses.ts";

/** The README with its tables of actions and exit statuses as they are now.
 *
 * @param text the README
 */
export function updateReadme(text: string): string {
  return [actionsTable(), statusTable()].reduce((result, table) => {
    const [head] = table;
    const lines = result.split("\n");
    const begin = lines.indexOf(head);
    if (begin < 0) throw new Error(`README.md has no table "${head}"`);
    const end = lines.findIndex((line, i) => i > begin && !line.startsWith("|"));
    return [...lines.slice(0, begin), ...table, ...lines.slice(end)].join("\n");
  }, text);
}

function actionsTable(): string[] {
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

const statusTable = () => [
  "| status | meaning |",
  "| --- | --- |",
  ...exitStatuses.map(([status, meaning]) => `| ${status} | ${meaning} |`),
];
