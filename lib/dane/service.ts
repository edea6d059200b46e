/** The section [tlsa]: which services are looked at, where DNS is asked, and what the records say. */
import { isHostName } from "../config/names.ts";
import type { Entry } from "../config/ini.ts";

/** How a service begins to speak TLS: at once, or after STARTTLS. */
export type Protocol = typeof protocols[number];
const protocols = ["tls", "smtp", "imap", "pop3", "xmpp"] as const;

/** What the questions to DNS and to services need of the outside world. */
export interface Network {
  /** Sends a DNS message to a server and returns its answer, both with the length in front (RFC 1035 §4.2.2, RFC 7766). */
  exchangeDns(server: Endpoint, message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** The end-entity certificate that a service presents for a host name, DER. */
  peerCertificate(server: Endpoint, name: string, protocol: Protocol): Promise<Uint8Array<ArrayBuffer>>;
  sleep(ms: number): Promise<void>;
  /** Milliseconds since the machine was booted. */
  uptime(): number;
}

/** A service that clients find by a TLSA record. */
export interface Service {
  /** The TLSA base domain with port and transport, RFC 6698 §3, such as `_25._tcp.mail.example.org`. */
  name: string;
  host: string;
  port: number;
  protocol: Protocol;
}

/** An address with its port. */
export interface Endpoint {
  address: string;
  port: number;
}

/** Certificate usage, selector and matching type, RFC 7218. */
export type Parameters = [usage: number, selector: number, matchingType: number];

/** The section [tlsa]. */
export interface DaneConfig {
  services: Service[];
  /** A validating resolver; absent: the system's. */
  resolver?: Endpoint;
  /** Whether it is believed that it has validated, though it is not on this machine. */
  isResolverTrusted?: boolean;
  parameters: Parameters[];
  /** Whether a staged key has to be in DNS everywhere before it goes live. */
  announced: boolean;
  /** Whether each service has to serve a new key before the record of the old one goes. */
  served: boolean;
}

const usual: Record<number, Protocol> = { 25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 5222: "xmpp" };

/** Reads the section.
 *
 * @param services its entry `services`
 * @param find its other entries
 * @param notices takes what is allowed, but seldom meant
 * @param fail called with a line number and what is wrong
 */
export function readDane(
  services: Entry,
  find: (key: string) => Entry | undefined,
  notices: string[],
  fail: (line: number, message: string) => never,
): DaneConfig {
  const refuse = (entry: Entry, rule: string): never =>
    fail(entry.line, `${entry.key} must be ${rule}: current value is "${entry.value}"`);
  const resolver = find("resolver");
  const parameters = find("parameters");
  const check = find("check");
  const checks = (check?.value ?? "announced, served").split(/[\s,]+/);
  if (!/^(announced|served|announced,served|served,announced|off)$/.test(checks.join())) {
    refuse(check!, '"announced, served", one of them, or off');
  }
  return {
    services: readServices(services, fail),
    resolver: resolver &&
      (readEndpoint(resolver.value) ?? refuse(resolver, "an IP address, or one with a port")),
    parameters: parameters ? readParameters(parameters, notices, fail) : [[3, 1, 1]],
    announced: checks.includes("announced"),
    served: checks.includes("served"),
  };
}

function readServices(entry: Entry, fail: (line: number, message: string) => never): Service[] {
  const services: Service[] = [];
  for (const word of entry.value.toLowerCase().split(/[\s,]+/).filter((each) => each)) {
    const refuse = (why: string) => fail(entry.line, `Service "${word}" ${why}`);
    const protocol = protocols.find((each) => each === word);
    if (protocol) {
      const last = services.at(-1) ?? refuse("stands before any name: write the name first");
      last.protocol = protocol;
      continue;
    }
    const [, port, host] = /^_(\d{1,5})\._tcp\.(.+?)\.?$/.exec(word) ?? [];
    if (!port || Number(port) < 1 || Number(port) > 65535) {
      refuse(`is no TLSA name such as _443._tcp.www.example.org, nor one of ${protocols.join(", ")}`);
    }
    if (!isHostName(host) || host.length > 240) refuse("is not for a host name");
    const name = `_${Number(port)}._tcp.${host}`;
    if (services.some((each) => each.name === name)) refuse("stands twice in services");
    services.push({ name, host, port: Number(port), protocol: usual[Number(port)] ?? "tls" });
  }
  if (services.length === 0) {
    fail(entry.line, "services must be at least one name such as _443._tcp.www.example.org");
  }
  return services;
}

/** Reads `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
 *
 * @param text IPv4 or IPv6
 * @param port where none is given
 * @returns undefined: it is no address
 */
export function readEndpoint(text: string, port = 53): Endpoint | undefined {
  const [, bracketed, plain, given] =
    /^(?:\[([0-9a-f:.]+)\]|(\d+(?:\.\d+){3}))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const address = bracketed ?? plain ?? (text.includes(":") ? text : undefined);
  const isAddress = address !== undefined &&
    URL.canParse(`http://${address.includes(":") ? `[${address}]` : address}/`);
  if (!isAddress || given !== undefined && (Number(given) < 1 || Number(given) > 65535)) return undefined;
  return { address, port: given ? Number(given) : port };
}

function readParameters(
  entry: Entry,
  notices: string[],
  fail: (line: number, message: string) => never,
): Parameters[] {
  const found = entry.value.split(/[\n,]/).map((text) => {
    const refuse = (why: string) => fail(entry.line, `parameters "${text.trim()}" ${why}`);
    const numbers = /^\s*(\d)\s+(\d)\s+(\d)\s*$/.exec(text)?.slice(1).map(Number);
    if (!numbers) return refuse("is not three numbers such as 3 1 1");
    const [usage, selector, matchingType] = numbers;
    if (usage > 3 || selector > 1 || matchingType > 2) refuse("does not exist: RFC 7218 has 0-3, 0-1, 0-2");
    if (usage < 2) {
      refuse("asks clients to trust a CA as well: mail servers ignore it (RFC 7672 §3.1.3); write 3 1 1");
    }
    if (usage === 2) refuse("names an issuer, which the CA changes at random: write 3 1 1");
    if (selector === 0) refuse("names the certificate, which changes with each renewal: write 3 1 1");
    if (matchingType === 0) refuse("puts the whole key into DNS (RFC 7671 §10.1.2): write 3 1 1");
    return [usage, selector, matchingType] as Parameters;
  });
  if (!found.some((each) => each.join() === "3,1,1")) {
    notices.push("parameters lacks 3 1 1, the only ones that every client has to know (RFC 7671 §9)");
  }
  return found;
}
