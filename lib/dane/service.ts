/** Services that clients find by TLSA records, and what is asked about them. */

/** How a service begins to speak TLS: at once, or after STARTTLS. */
export type Protocol = typeof protocols[number];
/** All of them. */
export const protocols = ["tls", "smtp", "imap", "pop3", "xmpp"] as const;

/** What the questions to DNS and to services need of the outside world. */
export interface Network {
  /** Sends a DNS message to a server and returns its answer, both with the length in front (RFC 1035 §4.2.2, RFC 7766). */
  exchangeDns(server: Endpoint, message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** The end-entity certificate that a service presents for a host name, DER. */
  peerCertificate(server: Endpoint, name: string, protocol: Protocol): Promise<Uint8Array<ArrayBuffer>>;
  /** Waits so many milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Milliseconds since the machine was booted. */
  uptime(): number;
}

/** A service that clients find by a TLSA record. */
export interface Service {
  /** The TLSA base domain with port and transport, RFC 6698 §3, such as `_25._tcp.mail.example.org`. */
  name: string;
  /** The host that speaks for it. */
  host: string;
  /** Its TCP port. */
  port: number;
  /** How it begins to speak TLS. */
  protocol: Protocol;
}

/** An address with its port. */
export interface Endpoint {
  /** IPv4 or IPv6. */
  address: string;
  /** TCP or UDP. */
  port: number;
}

/** Certificate usage, selector and matching type, RFC 7218. */
export type Parameters = [usage: number, selector: number, matchingType: number];

/** The section [tlsa]. */
export interface DaneConfig {
  /** What clients find by TLSA records. */
  services: Service[];
  /** A validating resolver; absent: the system's. */
  resolver?: Endpoint;
  /** Whether it is believed that it has validated, though it is not on this machine. */
  isResolverTrusted?: boolean;
  /** Which records the zone is to have. */
  parameters: Parameters[];
  /** Whether a staged key has to be in DNS everywhere before it goes live. */
  announced: boolean;
  /** Whether each service has to serve a new key before the record of the old one goes. */
  served: boolean;
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
