/** Where texts leave the program: what others said in them is made harmless here, and nowhere else. */
import { printable } from "../errors.ts";
import type { World } from "../steps/world.ts";

/** Room for each of a hundred names with the CA's word about it. */
const longest = 20_000;

/** Lets nothing but printable lines reach the terminal, the mail or the journal.
 *
 * @param world what says them
 */
export function harmless(world: World): World {
  return {
    ...world,
    log: (line) => world.log(printable(line, Infinity)),
    warn: (line) => world.warn(bounded(line)),
    progress: (line) => world.progress(bounded(line)),
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
  const plain = text.replace(
    /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu,
    (char) =>
      [...Array(char.length).keys()].map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`)
        .join(""),
  );
  return plain.split("\n");
}
