/** One section of a file: its entries, and which keys it could have. */
import type { Entry, Mistakes } from "./entry.ts";

/** What is asked for is what may be there: a key that nobody asked for is unknown. */
export class Section {
  readonly #entries = new Map<string, Entry>();
  readonly #known = new Set<string>();
  readonly #needed = new Set<string>();

  /**
   * @param name lower case; empty for what stands before the first section
   * @param line where it begins; undefined: it isn't there
   * @param mistakes takes what is wrong
   */
  constructor(
    readonly name: string,
    readonly line: number | undefined,
    private readonly mistakes: Mistakes,
  ) {}

  add(entry: Entry): void {
    const first = this.#entries.get(entry.key);
    if (first) {
      this.mistakes.add(entry.line, `Key "${entry.key}" stands in lines ${first.line} and ${entry.line}`);
    } else this.#entries.set(entry.key, entry);
  }

  /** Reads an entry.
   *
   * @param read makes the value of it, or says what it must be
   * @returns undefined: it isn't there, or wrong
   */
  read<T>(key: string, read: (entry: Entry) => T): T | undefined {
    this.#known.add(key);
    const entry = this.#entries.get(key);
    return entry && this.mistakes.attempt(() => read(entry.unescaped()));
  }

  /** Reads an entry that must be there. Where it isn't, or is wrong, the result is undefined against its type: it goes nowhere, since
   * {@link Ini.finish} throws then. */
  need<T>(key: string, read: (entry: Entry) => T): T {
    this.require(key);
    return this.read(key, read) as T;
  }

  /** Notes that an entry must be there. */
  require(key: string): void {
    this.#needed.add(key);
  }

  /** Notes that keys mean something side by side only.
   *
   * @returns whether any is there; then all must be
   */
  together(...keys: string[]): boolean {
    const isAny = keys.some((key) => this.has(key));
    if (isAny) keys.forEach((key) => this.require(key));
    return isAny;
  }

  /** Says that a value, though right in itself, doesn't fit others.
   *
   * @param key whose; where it isn't in the file, the section is named
   * @param message why
   */
  refuse(key: string, message: string): void {
    this.mistakes.add(this.#entries.get(key)?.line ?? this.line ?? 0, message);
  }

  /** Whether the file gives a key. */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Whether a key was asked for. */
  knows(key: string): boolean {
    return this.#known.has(key);
  }

  /** All keys that were asked for. */
  known(): string[] {
    return [...this.#known];
  }

  /** Says what isn't there but must be.
   *
   * @param meant keys that only look missing, since something else is wrong with them
   */
  refuseMissing(meant: ReadonlySet<string>): void {
    const where = this.name ? `in section [${this.name}]` : "before the first section";
    for (const key of this.#needed) {
      if (this.#entries.has(key) || meant.has(key)) continue;
      this.mistakes.add(this.line ?? 0, `Key "${key}" is missing ${where}`);
    }
  }

  /** What nobody asked for. */
  unread(): Entry[] {
    return [...this.#entries.values()].filter((entry) => !this.#known.has(entry.key));
  }
}
