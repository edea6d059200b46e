/** The dialect of INI that a configuration is written in, Python's configparser; every entry knows its line. */
import { parse } from "@std/ini";
import { Entry, Mistakes } from "./entry.ts";
import { Section } from "./section.ts";
import { didYouMean, nearest } from "./suggestion.ts";

/** A file that is being read: gathers what is wrong in it, so that all of it is told at once. */
export class Ini {
  readonly #mistakes: Mistakes;
  readonly #sections = new Map<string, Section>();
  readonly #asked = new Set<Section>();
  /** Keys that stand in a wrong place or are mistyped: these aren't missing. */
  readonly #meant = new Set<string>();

  /**
   * @param text INI; `\r\n`, a byte-order mark and a missing final newline make no difference
   * @param file its path, for messages
   * @param notYet keys, as `section.key`, that nothing acts upon
   */
  constructor(text: string, file: string, private readonly notYet: ReadonlySet<string> = new Set()) {
    this.#mistakes = new Mistakes(file);
    const root = new Section("", 0, this.#mistakes);
    this.#sections.set("", root);
    for (const [name, content] of Object.entries(this.#parse(fold(text)))) {
      if (typeof content === "string") this.#addEntry(root, name, content);
      else if (name.startsWith(lost)) this.#setAside(content);
      else this.#addSection(reveal(name), content);
    }
  }

  /** A section; one that isn't there has no entries. Without a name: what stands before the first section. */
  section(name: string): Section {
    const section = this.#sections.get(name) ?? new Section(name, undefined, this.#mistakes);
    this.#sections.set(name, section);
    this.#asked.add(section);
    return section;
  }

  /** Ends the reading: what nobody asked for is a mistake, and any mistake ends it by a failure that has all of them.
   *
   * @returns what is right, but seldom meant
   * @throws {Failure} `config.entry`
   */
  finish(): string[] {
    for (const section of this.#sections.values()) {
      if (!this.#asked.has(section)) this.#refuseSection(section);
      else for (const entry of section.unread()) this.#refuseKey(entry, section);
    }
    for (const section of this.#asked) section.refuseMissing(this.#meant);
    return this.#mistakes.finish();
  }

  /** Has the library read the lines. It ends at the first that it can't read: that one is left out then. */
  #parse(lines: Line[]): Record<string, string | Record<string, string>> {
    const canonical = lines.map(write);
    for (;;) {
      try {
        return parse(canonical.join("\n"), { reviver: (_key, value) => String(value) });
      } catch (error) {
        const number = Number(/at line (\d+)$/.exec((error as Error).message)?.[1]);
        if (!(error instanceof SyntaxError) || !(number >= 1)) throw error;
        canonical[number - 1] = this.#refuseLine(lines[number - 1]);
      }
    }
  }

  /** Returns what is read in its place. */
  #refuseLine({ line, text }: Line): string {
    const [start] = text.split("\n");
    if (text.startsWith("[")) {
      this.#mistakes.add(line, `Section header is not closed or empty: "${start}"`);
      return `[${lost}${line}]`;
    }
    this.#mistakes.add(line, `Expected "key = value" or "[section]": "${start}"`);
    this.#meant.add(start.split(/\s/)[0].toLowerCase());
    return "";
  }

  #addSection({ line, text }: Line, content: Record<string, string>): void {
    const name = text.toLowerCase();
    const first = this.#sections.get(name);
    if (first) {
      this.#mistakes.add(line, `Section [${name}] stands in lines ${first.line} and ${line}`);
      return this.#setAside(content);
    }
    const section = new Section(name, line, this.#mistakes);
    this.#sections.set(name, section);
    for (const [key, value] of Object.entries(content)) this.#addEntry(section, key, value);
  }

  /** Entries of which nobody knows where they belong. */
  #setAside(content: Record<string, string>): void {
    for (const key of Object.keys(content)) this.#meant.add(reveal(key).text.toLowerCase());
  }

  #addEntry(section: Section, marked: string, value: string): void {
    const { line, text } = reveal(marked);
    const key = text.toLowerCase();
    if (this.notYet.has(`${section.name}.${key}`)) {
      return this.#mistakes.add(line, `Key "${key}" can't be used yet: this version does nothing with it`);
    }
    section.add(new Entry({ key, raw: reveal(value).text, line }, this.#mistakes));
  }

  #refuseSection(section: Section): void {
    const { name, line } = section;
    for (const { key } of section.unread()) this.#meant.add(key);
    const meant = nearest(name, [...this.#asked].map((each) => each.name));
    this.#mistakes.add(
      line!,
      name === "default"
        ? 'Write the keys of [DEFAULT] before the first section, without "[DEFAULT]"'
        : `Unknown section [${name}]${didYouMean(meant)}`,
    );
  }

  #refuseKey({ key, line }: Entry, section: Section): void {
    const home = [...this.#asked].find((each) => each.knows(key));
    const meant = home ? key : nearest(key, section.known());
    if (meant) this.#meant.add(meant);
    const where = home === undefined
      ? didYouMean(meant)
      : home.name
      ? `: it belongs to section [${home.name}]`
      : ": it belongs before the first section";
    this.#mistakes.add(line, `Unknown key "${key}"${where}`);
  }
}

/** A line with those that continue it. */
interface Line {
  /** Where it begins, counted from 1. */
  line: number;
  text: string;
}

/** Joins lines that are further indented than the one that they continue. Those between them that say nothing stay
 * empty, so that each word's line can be counted. */
function fold(text: string): Line[] {
  const lines: Line[] = [];
  let indent = Infinity;
  text.toWellFormed().replace(/^\uFEFF/, "").split(/\r\n|\n|\r/).forEach((raw, index) => {
    const line = raw.trim(); // also the non-breaking space that editors and web pages leave
    const own = raw.length - raw.trimStart().length;
    const isSilent = line === "" || /^[#;]/.test(line);
    if (lines.length > 0 && (isSilent || own > indent)) lines.at(-1)!.text += `\n${isSilent ? "" : line}`;
    else if (!isSilent) {
      lines.push({ line: index + 1, text: line });
      indent = line.startsWith("[") ? Infinity : own;
    }
  });
  return lines.map(({ line, text }) => ({ line, text: text.trimEnd() }));
}

/** What a section with a broken header is called: what stands in it can't be judged. */
const lost = "lost";

/** The line as `@std/ini` wants it, with each word behind a mark. Configparser's delimiter is also the colon. */
function write({ line, text }: Line): string {
  if (text.startsWith("[")) {
    const name = text.slice(1, -1).trim();
    return text.indexOf("]") === text.length - 1 && name ? `[${hide(line, name)}]` : "[";
  }
  const delimiter = text.split("\n")[0].search(/[=:]/);
  const key = text.slice(0, delimiter).trim();
  return delimiter > 0 ? `${hide(line, key)} = ${hide(line, text.slice(delimiter + 1))}` : hide(line, text);
}

/** Puts the number of its line in front of a word, and encodes what means anything in INI. So no parser takes it for a number, a boolean or
 * something quoted, none can be a name that JavaScript's objects have, and what is given twice stays twice. */
const hide = (line: number, text: string) => `${line}_${encodeURIComponent(text).replaceAll(".", "%2E")}`;

function reveal(word: string): Line {
  const [, line, text] = /^(\d+)_(.*)$/.exec(word)!;
  return { line: Number(line), text: decodeURIComponent(text) };
}
