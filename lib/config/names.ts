/** Names for a certificate: what can be asked for by http-01. */
import type { Entry } from "./entry.ts";

/** Most names that Let's Encrypt puts into a certificate. */
const most = 100;

/** Reads `domains`: lower case, each once. */
export function domains(entry: Entry): string[] {
  const names = entry.each(domain);
  const each = new Set<string>();
  for (const name of names) {
    if (each.has(name)) entry.notice(`Domain "${name}" stands twice in domains: once is enough`);
    each.add(name);
  }
  if (/^[\s,]*$/.test(entry.value)) entry.mustBe("at least one name");
  if (each.size > most) entry.refuse(`domains has ${each.size} names: a certificate holds at most ${most}`);
  return [...each];
}

function domain(word: Entry): string {
  const refuse = (why: string) => word.refuse(`Domain "${word.value}" ${why}`);
  const name = word.value.toLowerCase();
  if (name.includes("/")) {
    refuse(
      `is a URL: write ${ascii(name.includes("://") ? name : `http://${name}`) ?? "just its host's name"}`,
    );
  }
  if (/[^\x21-\x7e]/.test(name)) {
    refuse(`is international: write ${ascii(`http://${name}`) ?? "its xn-- form"}`);
  }
  if (name.startsWith("*")) {
    refuse("is a wildcard: a CA gives none by http-01, which is all that this tool does");
  }
  if (/:\d+$/.test(name) && name.split(":").length === 2) refuse("has a port: leave it out");
  if (/^[\d.]+$/.test(name) || name.includes(":")) refuse("is an IP address: only names are possible");
  if (name.endsWith(".")) refuse("ends with a dot: leave it out");
  if (name.length > 253) refuse("is longer than 253 characters");
  if (!name.includes(".")) refuse("has no dot: a CA gives certificates for public names only");
  if (!isHostName(name)) refuse("is no host name");
  return name;
}

/** The name in a URL as it stands in DNS, quoted. */
function ascii(url: string): string | undefined {
  const hostname = URL.parse(url)?.hostname;
  return hostname && `"${hostname}"`;
}

/** Whether a name can be that of a host, RFC 1123 §2.1.
 *
 * @param name lower case
 */
export const isHostName = (name: string): boolean =>
  name.split(".").every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
