/** What `check` finds. */
import type { Line } from "../line/line.ts";
import type { Files } from "../line/files.ts";
import type { Memory } from "../line/memory.ts";

/** Something that needs a hand, with its cure. */
export interface Finding {
  text: string;
  /** Whether users notice it already, or will before long. */
  isCritical: boolean;
}

/** A line, with what it is made of. */
export interface Seen {
  line: Line;
  files: Files;
  memory: Memory;
}

/** Makes findings of texts. */
export const warnings = (texts: readonly string[]): Finding[] =>
  texts.map((text) => ({ text, isCritical: false }));
/** See {@link warnings}. */
export const criticals = (texts: readonly string[]): Finding[] =>
  texts.map((text) => ({ text, isCritical: true }));
