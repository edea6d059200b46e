/** Text in lines that fit a terminal. */

/** Characters in a line. */
export const width = 80;

/** Breaks a text into lines at its spaces.
 *
 * @param text words
 * @param room the longest line, in characters; a longer word has a line of its own
 */
export function wrap(text: string, room = width): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A label, and beside it a text in as many lines as it needs.
 *
 * @param label has a line of its own where it is too long
 * @param text words
 * @param column where they begin
 */
export function beside(label: string, text: string, column: number): string[] {
  const isLong = label.length + 2 > column;
  const lines = wrap(text, width - column).map((line, i) =>
    (i === 0 && !isLong ? label : "").padEnd(column) + line
  );
  return isLong ? [label, ...lines] : lines;
}
