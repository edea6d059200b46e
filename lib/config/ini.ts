/** The dialect of INI that a configuration is written in, Python's configparser, with line numbers for messages. */
import { parse } from "@std/ini";

/** One `key = value` of a file. */
export interface Entry {
  /** Lower case; empty for keys before the first section. */
  section: string;
  key: string;
  value: string;
  /** Where the key stands, counted from 1. */
  line: number;
}

const mark = "_";

/** Reads the sections and entries of a configuration text.
 *
 * `@std/ini` knows neither continuation lines nor `:` nor configparser's case rules, and guesses types. So lines are
 * folded here first, and every value is handed over quoted, percent-encoded and behind a mark: no parser can take it
 * for a number, a boolean or anything else.
 *
 * @param text INI; `\r\n`, a byte-order mark and a missing final newline make no difference
 * @param fail called with a line number and a message for whatever is wrong
 * @returns the sections with their lines, and the entries in the order of the file
 */
export function readIni(
  text: string,
  fail: (line: number, message: string) => never,
): { sections: Map<string, number>; entries: Entry[] } {
  const sections = new Map<string, number>([["", 0]]);
  const entries = fold(text, sections, fail);
  const canonical = entries.map((entry, i) =>
    `${entries[i - 1]?.section === entry.section || !entry.section ? "" : `[${entry.section}]\n`}` +
    `${entry.key} = "${mark}${encodeURIComponent(entry.value)}"\n`
  ).join("");
  const parsed = parse<Record<string, unknown>>(canonical);
  for (const entry of entries) {
    const holder = (entry.section ? parsed[entry.section] : parsed) as Record<string, string>;
    entry.value = decodeURIComponent(holder[entry.key].slice(mark.length));
  }
  return { sections, entries };
}

function fold(text: string, sections: Map<string, number>, fail: (line: number, message: string) => never) {
  const entries: Entry[] = [];
  const seen = new Map<string, number>();
  let section = "";
  let open: { entry: Entry; indent: number } | undefined;
  text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/).forEach((raw, index) => {
    const number = index + 1;
    const line = raw.trim(); // also the non-breaking space that editors and web pages leave
    if (line === "" || /^[#;]/.test(line)) return;
    const indent = raw.length - raw.trimStart().length;
    if (open && indent > open.indent) {
      open.entry.value += `\n${line}`;
      return;
    }
    if (line.startsWith("[")) {
      const name = /^\[\s*([^\]]*?)\s*\]$/.exec(line)?.[1].toLowerCase();
      if (!name) fail(number, `Section header is not closed or empty: "${line}"`);
      if (!/^[a-z0-9_-]+$/.test(name!)) fail(number, `Section name is not usable: "${name}"`);
      if (sections.has(name!)) {
        fail(number, `Section [${name}] stands in lines ${sections.get(name!)} and ${number}`);
      }
      section = name!;
      sections.set(section, number);
      open = undefined;
      return;
    }
    const pair = /^([^=:]*?)\s*[=:]\s*(.*)$/.exec(line);
    if (!pair) return fail(number, `Expected "key = value" or "[section]": "${line}"`);
    const key = pair[1].toLowerCase();
    if (!/^[a-z0-9_-]+$/.test(key)) fail(number, `Key is not usable: "${pair[1]}"`);
    const id = `${section}.${key}`;
    if (seen.has(id)) fail(number, `Key "${key}" stands in lines ${seen.get(id)} and ${number}`);
    seen.set(id, number);
    open = { entry: { section, key, value: pair[2], line: number }, indent };
    entries.push(open.entry);
  });
  for (const entry of entries) {
    entry.value = entry.value.trim();
    // configparser's interpolation: the original would have replaced %(name)s and taken %% for %.
    if (/%(?!%)/.test(entry.value.replaceAll("%%", ""))) {
      fail(entry.line, `A percent sign must be written %%: current value is "${entry.value}"`);
    }
    entry.value = entry.value.replaceAll("%%", "%");
  }
  return entries;
}
