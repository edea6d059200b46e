/** Where texts leave the program: what others said in them is made harmless here, and nowhere else. */
import { printable } from "../errors.ts";
import type { World } from "../steps/session.ts";

/** Room for each of a hundred names with the CA's word about it. */
const longest = 20_000;

/** What a text looks like where it can. */
export type Colour = keyof typeof codes;
const codes = { red: 31, green: 32, yellow: 33, dim: 2 };
/** A piece of a line. */
export type Part = string | { text: string; colour: Colour };

/** The outside world, with lines that may have colours. */
export interface Terminal extends World {
  /** Whether a person sees standard output as it comes. */
  readonly isTerminal: boolean;
  /** A line of standard output in pieces. */
  paint(parts: readonly Part[]): void;
}

/** Lets nothing but printable lines reach the terminal, the mail or the journal.
 *
 * @param world what says them
 * @param options of standard output: `isTerminal`, and `hasColours` where it shows them
 */
export function harmless(world: World, { isTerminal = false, hasColours = false } = {}): Terminal {
  const piece = (part: Part) => {
    if (typeof part === "string") return printable(part, Infinity);
    const text = printable(part.text, Infinity);
    return hasColours ? `\x1b[${codes[part.colour]}m${text}\x1b[0m` : text;
  };
  return {
    ...world,
    isTerminal,
    log: (line) => world.log(printable(line, Infinity)),
    warn: (line) => world.warn(bounded(line)),
    progress: (line) => world.progress(bounded(line)),
    paint: (parts) => world.log(parts.map(piece).join("")),
  };
}

/** A printable line that ends somewhere: between words, so that no link leads elsewhere. */
function bounded(text: string): string {
  const line = printable(text, Infinity);
  if (line.length <= longest) return line;
  const end = line.lastIndexOf(" ", longest);
  return `${line.slice(0, end > 0 ? end : longest)} …`;
}

/** JSON that is plain text for terminals too.
 *
 * @param value what is to be told
 */
export function jsonLines(value: unknown): string[] {
  const text = JSON.stringify(value, null, 2);
  // Only texts within it can hold such characters; \u0000 and the like are JSON.
  const plain = text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu, escape);
  return plain.split("\n");
}

/** A character as JSON's own escapes: two of them, where UTF-16 has two. */
const escape = (character: string) =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
  )
    .join("");
