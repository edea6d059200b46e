/** Names for a certificate: what can be asked for by http-01. */
import type { Entry } from "./ini.ts";

/** Reads `domains`: lower case, each once.
 *
 * @param entry the entry
 * @param notices takes what was put right
 * @param fail called with a line number and what is wrong
 * @returns the names
 */
export function readDomains(
  entry: Entry,
  notices: string[],
  fail: (line: number, message: string) => never,
): string[] {
  const domains: string[] = [];
  for (const word of entry.value.split(/[\s,]+/).filter((each) => each)) {
    const refuse = (why: string) => fail(entry.line, `Domain "${word}" ${why}`);
    const name = word.toLowerCase();
    // deno-fmt-ignore
    if (/[^\x21-\x7e]/.test(name)) refuse(`is international: write "${URL.parse(`http://${name}`)?.hostname ?? "its xn-- form"}"`);
    if (name.startsWith("*")) {
      refuse("is a wildcard: a CA gives none by http-01, which is all that this tool does");
    }
    if (/^[\d.]+$/.test(name) || name.includes(":")) refuse("is an IP address: only names are possible");
    if (name.endsWith(".")) refuse("ends with a dot: leave it out");
    if (name.length > 253) refuse("is longer than 253 characters");
    if (!name.includes(".")) refuse("has no dot: a CA gives certificates for public names only");
    if (!isHostName(name)) refuse("is no host name");
    if (domains.includes(name)) {
      notices.push(`Domain "${name}" stands twice in domains: once is enough`);
    } else domains.push(name);
  }
  if (domains.length === 0) {
    fail(entry.line, `domains must be at least one name: current value is "${entry.value}"`);
  }
  if (domains.length > 100) {
    fail(entry.line, `domains has ${domains.length} names: a certificate holds at most 100`);
  }
  return domains;
}

/** Whether a name can be that of a host, RFC 1123 §2.1.
 *
 * @param name lower case
 */
export const isHostName = (name: string): boolean =>
  name.split(".").every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
