/** The section [tlsa]: which services are looked at, where DNS is asked, and what the records say. */
import type { Entry } from "./entry.ts";
import type { Section } from "./section.ts";
import { resolver } from "./challenge.ts";
import { yesNo } from "./values.ts";
import { isHostName } from "./names.ts";
import { type DaneConfig, type Parameters, type Protocol, protocols, type Service } from "../dane/service.ts";

const usualProtocols: Record<number, Protocol> = {
  25: "smtp",
  587: "smtp",
  143: "imap",
  110: "pop3",
  5222: "xmpp",
};

/** Reads the section.
 *
 * @returns undefined: it isn't there
 */
export function readTlsa(section: Section): DaneConfig | undefined {
  const isThere = section.line !== undefined;
  const checks = section.read("check", readChecks) ?? ["announced", "served"];
  const dane = {
    services: isThere ? section.need("services", readServices) : [],
    resolver: section.read("resolver", resolver),
    isResolverTrusted: section.read("trust-resolver", yesNo) ?? false,
    parameters: section.read("parameters", readParameters) ?? [[3, 1, 1] as Parameters],
    announced: checks.includes("announced"),
    served: checks.includes("served"),
  };
  return isThere ? dane : undefined;
}

function readChecks(entry: Entry): string[] {
  const checks = entry.value.split(/[\s,]+/);
  if (!/^(announced|served|announced,served|served,announced|off)$/.test(checks.join())) {
    entry.mustBe('"announced, served", one of them, or off');
  }
  return checks;
}

function readServices(entry: Entry): Service[] {
  const services = new Map<string, Service>();
  let last: Service | undefined;
  entry.each((part) => {
    const word = part.value.toLowerCase();
    const protocol = protocols.find((each) => each === word);
    if (!protocol) {
      last = readService(part);
      if (services.has(last.name)) refuse(part, "stands twice in services");
      services.set(last.name, last);
    } else if (last) last.protocol = protocol;
    else refuse(part, "stands before any name: write the name first");
  });
  if (/^[\s,]*$/.test(entry.value)) {
    entry.refuse("services must be at least one name such as _443._tcp.www.example.org");
  }
  return [...services.values()];
}

function readService(part: Entry): Service {
  const [, digits, host] = /^_(\d{1,5})\._tcp\.(.+?)\.?$/.exec(part.value.toLowerCase()) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65535)) {
    refuse(part, `is no TLSA name such as _443._tcp.www.example.org, nor one of ${protocols.join(", ")}`);
  }
  if (!isHostName(host) || host.length > 240) refuse(part, "is not for a host name");
  return { name: `_${port}._tcp.${host}`, host, port, protocol: usualProtocols[port] ?? "tls" };
}

const refuse = (part: Entry, why: string): never =>
  part.refuse(`Service "${part.value.toLowerCase()}" ${why}`);

function readParameters(entry: Entry): Parameters[] {
  const found = entry.each(readParameter, /[^,\s][^,]*/g);
  if (entry.value === "") entry.mustBe("three numbers such as 3 1 1");
  if (found.length > 0 && !found.some((each) => each.join() === "3,1,1")) {
    entry.notice("parameters lacks 3 1 1, the only ones that every client has to know (RFC 7671 §9)");
  }
  return found;
}

function readParameter(part: Entry): Parameters {
  const refuse = (why: string) => part.refuse(`parameters "${part.value}" ${why}`);
  const numbers = /^(\d)\s+(\d)\s+(\d)$/.exec(part.value)?.slice(1).map(Number);
  if (!numbers) return refuse("is not three numbers such as 3 1 1");
  const [usage, selector, matchingType] = numbers;
  if (usage > 3 || selector > 1 || matchingType > 2) refuse("does not exist: RFC 7218 has 0-3, 0-1, 0-2");
  if (usage < 2) {
    refuse("asks clients to trust a CA as well: mail servers ignore it (RFC 7672 §3.1.3); write 3 1 1");
  }
  if (usage === 2) refuse("names an issuer, which the CA changes at random: write 3 1 1");
  if (selector === 0) refuse("names the certificate, which changes with each renewal: write 3 1 1");
  if (matchingType === 0) refuse("puts the whole key into DNS (RFC 7671 §10.1.2): write 3 1 1");
  return [usage, selector, matchingType];
}
