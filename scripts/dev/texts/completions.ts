/** What shells complete: options, actions and their values. */
import {
  type Action,
  actionNames,
  actions,
  type Option,
  type OptionName,
  options,
  optionsOf,
} from "../../../lib/command/actions.ts";

const made = "made by deno task texts from the tables of the program";
const all = Object.entries(options as Record<string, Option>) as [OptionName, Option][];
const general = all.filter(([, { isGeneral }]) => isGeneral);
const withOptions = actionNames.filter((name) => optionsOf(name).length > 0);
const help = (name: typeof actionNames[number]) => (actions[name] as Action).help;
const spellings = ([name, { short }]: [string, Option]) => [...short ? [`-${short}`] : [], `--${name}`];

/** For bash. */
export function bash(): string {
  const values = all.filter(([, { value }]) => value).map((each) => {
    const { value, words } = each[1];
    const what = value === "FILE"
      ? 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")'
      : words
      ? `mapfile -t COMPREPLY < <(compgen -W "${words.join(" ")}" -- "$current")`
      : ":";
    return `    ${spellings(each).join(" | ")})\n      ${what}\n      return\n      ;;`;
  });
  const rows = withOptions.map((name) =>
    `    ${name}) words+=" ${optionsOf(name).map((each) => `--${each}`).join(" ")}" ;;`
  );
  return `# shellcheck shell=bash
# Completion for bash, ${made}.
_letsencrypt_tiny() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} action="" word
  case $previous in
${values.join("\n")}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      ${actionNames.join(" | ")}) action=$word ;;
    esac
  done
  local words="${general.flatMap(spellings).join(" ")}"
  case $action in
    "") words+=" ${[...actionNames, "help"].join(" ")}" ;;
${rows.join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _letsencrypt_tiny letsencrypt-tiny
`;
}

/** For zsh. */
export function zsh(): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const describe = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");
  const spec = ([name, { short, value, words, help }]: [OptionName, Option]) => {
    const exclusive = name === "config" ? "*" : short ? `(-${short} --${name})` : "";
    const argument = value === "FILE"
      ? ":file:_files"
      : words
      ? `:${name}:(${words.join(" ")})`
      : value
      ? `:${name}:`
      : "";
    return [...short ? [`-${short}`] : [], `--${name}`].map((each) =>
      quote(`${exclusive}${each}[${describe(help)}]${argument}`)
    );
  };
  const its = (name: typeof actionNames[number]) =>
    optionsOf(name).flatMap((each) => spec([each, options[each]])).join(" ");
  return `#compdef letsencrypt-tiny
# Completion for zsh, ${made}.
_letsencrypt_tiny() {
  local -a arguments actions
  local word
  arguments=(
${general.flatMap(spec).map((each) => `    ${each}`).join("\n")}
    '1:action:->action'
  )
  actions=(
${actionNames.map((name) => `    ${quote(`${name}:${describe(help(name))}`)}`).join("\n")}
    'help:say what there is to say of an action'
  )
  for word in $words; do
    case $word in
${withOptions.map((name) => `      ${name}) arguments+=(${its(name)}) ;;`).join("\n")}
    esac
  done
  local state
  _arguments -S $arguments && return
  [[ $state == action ]] && _describe action actions
}
_letsencrypt_tiny "$@"
`;
}

/** For fish. */
export function fish(): string {
  const quote = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const line = (...parts: string[]) =>
    `complete -c letsencrypt-tiny ${parts.filter((each) => each).join(" ")}`;
  const option = ([name, { short, value, words, help }]: [OptionName, Option], ...condition: string[]) =>
    line(
      ...condition,
      short ? `-s ${short}` : "",
      `-l ${name}`,
      value === "FILE" ? "-r -F" : words ? `-x -a ${quote(words.join(" "))}` : value ? "-x" : "",
      `-d ${quote(help)}`,
    );
  const none = `-n ${quote(`not __fish_seen_subcommand_from ${actionNames.join(" ")}`)}`;
  return [
    `# Completion for fish, ${made}.`,
    line("-f"),
    ...general.map((each) => option(each)),
    ...actionNames.map((name) => line(none, `-a ${name}`, `-d ${quote(help(name))}`)),
    line(none, "-a help", `-d ${quote("say what there is to say of an action")}`),
    ...withOptions.flatMap((name) =>
      optionsOf(name).map((each) =>
        option([each, options[each]], `-n ${quote(`__fish_seen_subcommand_from ${name}`)}`)
      )
    ),
    "",
  ].join("\n");
}
