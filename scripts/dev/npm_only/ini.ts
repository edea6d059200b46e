/** What this project uses of `@std/ini`, over npm's `ini`. */
import * as ini from "ini";

/** Parses INI text: keys before the first section at the root, one object for each section. */
export function parse<T extends object>(text: string): T {
  return ini.parse(text) as T;
}
