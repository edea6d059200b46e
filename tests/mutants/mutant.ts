/** Small changes that break the program, one line each in `*.txt`; each is to be noticed by the tests that it names.
 *
 *     folder/file.ts «what stands there» → «what stands there instead» : tests/that/must_notice_test.ts …
 *     folder/file.ts «…» → «…» : tests/… = why nothing that a user sees changes
 *
 * The text occurs exactly once in the file; `⏎` is a line's end. What begins with `#` is a comment; `lib/`, `tests/` and `_test.ts` go without
 * saying.
 */

/** One of them. */
export interface Mutant {
  file: string;
  from: string;
  to: string;
  tests: string[];
  /** Why no test can notice it. */
  equivalent?: string;
  /** Where it is written down. */
  at: string;
}

const form = /^(\S+) «(.+?)» → «(.*?)» : ([^=]+?)(?: = (.+))?$/;
export const folder = new URL(".", import.meta.url).pathname;
export const root = new URL("../..", import.meta.url).pathname;

/** Reads a list.
 *
 * @param text its lines
 * @param name for messages
 * @throws {Error} a line is something else
 */
export const parseMutants = (text: string, name: string): Mutant[] =>
  text.split("\n").flatMap((line, i): Mutant[] => {
    if (line === "" || line.startsWith("#")) return [];
    const found = form.exec(line);
    if (!found) throw new Error(`${name}:${i + 1}: not a mutant: ${line}`);
    const [, file, from, to, tests, equivalent] = found;
    return [{
      file: `lib/${file}`,
      from: from.replaceAll("⏎", "\n"),
      to: to.replaceAll("⏎", "\n"),
      tests: tests.split(" ").map((each) => `tests/${each}_test.ts`),
      equivalent,
      at: `${name}:${i + 1}`,
    }];
  });

/** All of them, in the order of the files' names. */
export function readMutants(): Mutant[] {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".txt"));
  return names.sort().flatMap((name) => parseMutants(Deno.readTextFileSync(`${folder}${name}`), name));
}

/** Changes a text.
 *
 * @param text of the file
 * @param mutant what changes
 * @throws {Error} it is not there exactly once
 */
export function mutate(text: string, { from, to, at, file }: Mutant): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${at}: «${from}» stands ${parts.length - 1} times in ${file}`);
  return parts.join(to);
}
