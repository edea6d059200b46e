/** One `key = value` of a file, and the list of what is wrong with any of them. */
import { Failure } from "../errors.ts";

/** Ends the reading of one value. */
class Mistake extends Error {
  constructor(readonly line: number, message: string) {
    super(message);
  }
}

/** More than a person reads at once. */
const most = 20;

/** What is wrong in a file, and what is only worth a notice. */
export class Mistakes {
  readonly #found: { line: number; message: string }[] = [];
  readonly #notices: string[] = [];

  /** @param file its path, for messages */
  constructor(private readonly file: string) {}

  add(line: number, message: string): void {
    this.#found.push({ line, message });
    if (this.#found.length > most) this.finish();
  }

  notice(text: string): void {
    this.#notices.push(text);
  }

  /** Reads a value, or notes what is wrong with it.
   *
   * @returns undefined: something is
   */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.add(error.line, error.message);
      return undefined;
    }
  }

  /** @returns the notices, where nothing is wrong
   * @throws {Failure} `config.entry`, with one message `file:line: …` for each mistake
   */
  finish(): string[] {
    if (this.#found.length === 0) return this.#notices;
    const all = this.#found.sort((a, b) => a.line - b.line)
      .map(({ line, message }) => `${this.file}${line ? `:${line}` : ""}: ${message}`);
    const mistakes = all.length > most
      ? [...all.slice(0, most), `${this.file}: There is more that is wrong`]
      : all;
    throw new Failure("config.entry", mistakes.join("\n"), { mistakes });
  }
}

/** One `key = value`, or one word of a value that has several. */
export class Entry {
  /** Lower case. */
  readonly key: string;
  /** Without white space around it. */
  readonly value: string;
  /** Where the key stands, counted from 1. */
  readonly line: number;
  readonly #raw: string;
  readonly #mistakes: Mistakes;

  /**
   * @param content `raw`: the value with all of its white space, so that the line of each word can be counted
   * @param mistakes takes what is wrong
   */
  constructor({ key, raw, line }: { key: string; raw: string; line: number }, mistakes: Mistakes) {
    this.key = key;
    this.value = raw.trim();
    this.line = line;
    this.#raw = raw;
    this.#mistakes = mistakes;
  }

  /** Ends its reading: the value is not what it must be.
   *
   * @param rule completes "KEY must be …"
   */
  mustBe(rule: string): never {
    this.refuse(`${this.key} must be ${rule}: current value is "${this.value.replace(/\s+/g, " ")}"`);
  }

  /** Ends its reading. */
  refuse(message: string): never {
    throw new Mistake(this.line, message);
  }

  /** Says what is allowed, but seldom meant. */
  notice(text: string): void {
    this.#mistakes.notice(text);
  }

  /** Reads each part of a value that has several; a bad one doesn't hide the next.
   *
   * @param read makes something of one part, which knows its own line
   * @param pattern what a part is; words between white space and commas, unless given
   * @returns what was made of the good ones
   */
  each<T>(read: (part: Entry) => T, pattern: RegExp = /[^\s,]+/g): T[] {
    return this.#raw.split("\n").flatMap((text, offset) =>
      [...text.matchAll(pattern)].flatMap(([raw]) => {
        const part = new Entry({ key: this.key, raw, line: this.line + offset }, this.#mistakes);
        return this.#mistakes.attempt(() => [read(part)]) ?? [];
      })
    );
  }

  /** What is meant: configparser, with its interpolation, wants a percent sign doubled. */
  unescaped(): Entry {
    if (/%/.test(this.#raw.replaceAll("%%", ""))) {
      this.mustBe("written with %% for each percent sign");
    }
    const { key, line } = this;
    return new Entry({ key, raw: this.#raw.replaceAll("%%", "%"), line }, this.#mistakes);
  }
}
