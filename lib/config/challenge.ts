/** How a line proves that its names are its own: by files, by a listener, or by DNS. */
import type { Entry } from "./entry.ts";
import type { Section } from "./section.ts";
import { minute } from "../time.ts";
import { type Endpoint, readEndpoint } from "../dane/service.ts";
import { number, oneOf, onOff, path, program } from "./values.ts";

/** The types of challenges that can be responded to, RFC 8555 §8 and draft-ietf-acme-dns-persist. */
export type ChallengeType = "http-01" | "dns-01" | "dns-persist-01";

/** What the section [acme] says about it. */
export interface ChallengeConfig {
  /** How control of names is proved. */
  challenge: ChallengeType;
  /** http-01: what the web server shows as `/.well-known/acme-challenge/` … */
  challengeDir?: string;
  /** … or where we listen ourselves while an order has something to show; one of the two. */
  challengeListen?: Endpoint[];
  /** dns-01: the program that publishes and removes TXT records. */
  dnsHook?: string;
}

/** The section [dns]: our own look at the zone before the CA is told to look. */
export interface DnsConfig {
  /** Where name servers are found, for split DNS; absent: the system's resolver. */
  resolver?: Endpoint;
  /** Whether every authoritative server is asked; not so for hidden primaries. */
  check: boolean;
  /** How long records may take to be everywhere. */
  deadline: number;
}

/** Reads how challenges are responded to. */
export function readChallenge(acme: Section): ChallengeConfig {
  const challenge = acme.read("challenge", oneOf("http-01", "dns-01", "dns-persist-01")) ?? "http-01";
  const challengeDir = acme.read("challenge-dir", path);
  const challengeListen = acme.read("challenge-listen", readListen);
  const dnsHook = acme.read("dns-hook", program);
  const isHttp = challenge === "http-01";
  if (isHttp && acme.has("challenge-listen") && acme.has("challenge-dir")) {
    acme.refuse("challenge-listen", "challenge-listen and challenge-dir can't be both: leave one out");
  } else if (isHttp && !acme.has("challenge-listen")) acme.require("challenge-dir");
  if (challenge === "dns-01") acme.require("dns-hook");
  for (
    const key of [
      ...isHttp ? [] : ["challenge-dir", "challenge-listen"],
      ...challenge === "dns-01" ? [] : ["dns-hook"],
    ]
  ) {
    if (acme.has(key)) acme.refuse(key, `${key} must be left out where challenge is ${challenge}`);
  }
  return { challenge, challengeDir, challengeListen, dnsHook };
}

/** Addresses with ports. */
function readListen(entry: Entry): Endpoint[] {
  const found = entry.each((part) =>
    readEndpoint(part.value, 80) ?? part.mustBe("addresses to listen at, such as 0.0.0.0:80 or [::]:80")
  );
  if (entry.value === "") entry.mustBe("addresses to listen at, such as 0.0.0.0:80 or [::]:80");
  return found;
}

/** Reads the section [dns]. */
export const readDns = (dns: Section): DnsConfig => ({
  resolver: dns.read("resolver", resolver),
  check: dns.read("check", onOff) ?? true,
  deadline: dns.read("deadline-minutes", number(1, 1440, minute)) ?? 5 * minute,
});

/** A name server: an address, with or without a port. */
export function resolver(entry: Entry): Endpoint {
  return readEndpoint(entry.value) ?? entry.mustBe("an IP address, or one with a port");
}
