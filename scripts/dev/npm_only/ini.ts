/** What this project uses of `@std/ini`, over npm's `ini`, which is asked for one line at a time: it passes over what it can't read. */
import * as ini from "ini";

/** What `@std/ini` lets a caller choose. */
export interface ParseOptions {
  /** Makes the value of what was read. */
  reviver?: (key: string, value: string | number | boolean | null, section?: string) => unknown;
}

/** Parses INI text: keys before the first section at the root, one object for each section.
 *
 * @throws {SyntaxError} its message ends with `at line N`, as that of `@std/ini`
 */
export function parse<T extends object>(text: string, options: ParseOptions = {}): T {
  const { reviver = (_key, value) => value } = options;
  const root: Record<string, unknown> = {};
  let holder = root;
  let section: string | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const [key, value] = Object.entries(ini.parse(line))[0] ?? [""];
    const isHeader = typeof value === "object";
    if (!key || isHeader !== line.startsWith("[") || !isHeader && !line.includes("=")) {
      throw new SyntaxError(`Unexpected token ${line[0]} in INI at line ${index + 1}`);
    }
    if (isHeader) root[section = key] = holder = {};
    else holder[key] = reviver(key, value as string, section);
  }
  return root as T;
}
