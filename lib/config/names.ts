/** Names for a certificate: those of hosts, and addresses. */
import type { ChallengeType } from "./challenge.ts";
import type { Entry } from "./entry.ts";
import { isAddress, type Name } from "../x509/name.ts";

/** Most names that Let's Encrypt puts into a certificate. */
const most = 100;

/** Reads `domains`: canonical, each once.
 *
 * @param challenge how they are validated: not each kind of name can be in each way
 */
export const domains = (challenge: ChallengeType) => (entry: Entry): Name[] => {
  const names = new Set<Name>();
  for (const name of entry.each((word) => domain(word, challenge))) {
    if (names.has(name)) entry.notice(`Domain "${name}" stands twice in domains: once is enough`);
    names.add(name);
  }
  entry.each((word) => {
    const name = word.value.toLowerCase();
    const wildcard = name.replace(/^[^.]+/, "*");
    if (name !== wildcard && names.has(wildcard)) refuse(word, `is covered by "${wildcard}": leave it out`);
  });
  if (/^[\s,]*$/.test(entry.value)) entry.mustBe("at least one name");
  if (names.size > most) {
    entry.refuse(`domains has ${names.size} names: a certificate holds at most ${most}`);
  }
  return [...names];
};

const refuse = (word: Entry, why: string): never => word.refuse(`Domain "${word.value}" ${why}`);

function domain(word: Entry, challenge: ChallengeType): Name {
  const name = word.value.toLowerCase();
  if (name.includes("/")) {
    const url = name.includes("://") ? name : `http://${name}`;
    refuse(word, `is a URL: write ${hostOf(url) ?? "just its host's name"}`);
  }
  if (/[^\x21-\x7e]/.test(name)) {
    refuse(word, `is international: write ${hostOf(`http://${name}`) ?? "its xn-- form"}`);
  }
  if (/^(\[.*\]|[^:]*):\d+$/.test(name)) refuse(word, "has a port: leave it out");
  if (isAddress(name)) {
    if (challenge === "http-01") return address(word, name);
    refuse(word, "is an IP address: DNS can't prove whose it is (RFC 8738 §7), only http-01 can");
  }
  if (name.startsWith("*.") && challenge === "http-01") {
    refuse(word, "is a wildcard: a CA gives none by http-01, set challenge to dns-01");
  }
  const host = name.replace(/^\*\./, "");
  if (host.endsWith(".")) refuse(word, "ends with a dot: leave it out");
  if (name.length > 253) refuse(word, "is longer than 253 characters");
  if (!host.includes(".")) refuse(word, "has no dot: a CA gives certificates for public names only");
  if (!isHostName(host)) refuse(word, "is no host name");
  return name;
}

/** An address as RFC 5952 §4 has it written: the only form that CAs take. */
function address(word: Entry, text: string): Name {
  if (!text.includes(":")) {
    const isCanonical = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text) &&
      text.split(".").every((each) => Number(each) < 256);
    return isCanonical ? text : refuse(word, "is no IPv4 address such as 192.0.2.1");
  }
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  const canonical = URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1);
  if (!canonical) return refuse(word, "is no IPv6 address such as 2001:db8::1");
  const [, ...mapped] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(canonical) ?? [];
  if (mapped.length > 0) {
    const [high, low] = mapped.map((each) => parseInt(each, 16));
    refuse(word, `is an IPv4 address: write "${[high >> 8, high & 255, low >> 8, low & 255].join(".")}"`);
  }
  return canonical;
}

/** The host in a URL as it stands in DNS, quoted. */
function hostOf(url: string): string | undefined {
  const hostname = URL.parse(url)?.hostname;
  return hostname && `"${hostname}"`;
}

/** Whether a name can be that of a host, RFC 1123 §2.1.
 *
 * @param name lower case
 */
export const isHostName = (name: string): boolean =>
  name.split(".").every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
