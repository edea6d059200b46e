/** What a configuration says, once it is read. */
import type { ChallengeConfig, DnsConfig } from "./challenge.ts";
import type { Name } from "../x509/name.ts";
import type { KeyType } from "../x509/key.ts";
import type { DaneConfig } from "../dane/service.ts";

/** A part of a derived file. */
export type OutputPart = typeof outputParts[number];
/** All of them. */
export const outputParts = ["chain", "leaf", "crt", "key", "dh"] as const;

/** What a configuration file says. Durations are in milliseconds. */
export interface Config {
  /** Where it stands. */
  file: string;
  /** What the certificate is for. */
  domains: Name[];
  /** RSA or ECDSA, and its length in bits. */
  keyType: KeyType;
  /** When what is due. */
  timing: TimingConfig;
  /** Programs to run when certificates, keys have changed, or when something has failed. */
  hooks: { certchange?: string; keychange?: string; failure?: string };
  /** Whether they run without `-k` as well. */
  hooksAlways: boolean;
  /** The CA. */
  acme: AcmeConfig;
  /** How DNS is asked about challenges. */
  dns: DnsConfig;
  /** Where files lie. */
  dirs: { certs: string; keys: string; backups: string };
  /** What they are called, and what is derived from them. */
  files: { live: string; staging: string; outputs: OutputPart[][]; dhParams?: string };
  /** What must be announced before a staged key goes live, and served afterwards; absent: only time counts. */
  dane?: DaneConfig;
  /** What was put right silently in effect, but not in word. */
  notices: string[];
}

/** The section [timing]. */
export interface TimingConfig {
  /** Absent: a key stays until somebody wants another. */
  maxKeyAge?: number;
  /** How long a new key is staged before it goes live. */
  staging: number;
  /** Absent: as long before the end as its lifetime suggests. */
  renewBefore?: number;
  /** Whether the next key is made and announced as soon as the present one is live (RFC 7671 §8.1). */
  spareKey: boolean;
  /** Where that key lies until it goes live; absent: with the live one. */
  spareDir?: string;
}

/** The section [acme]. */
export interface AcmeConfig extends ChallengeConfig {
  /** URL of the CA's directory. */
  directory: string;
  /** The file of the account key. */
  accountKey: string;
  /** Further roots, for a private CA. */
  caFile?: string;
  /** What the order asks for (draft-ietf-acme-profiles); absent: the CA chooses. Strict: a CA that doesn't advertise it gets no order. */
  profile?: string;
  /** Whether the CA is asked when it wants a certificate renewed, RFC 9773. */
  renewalInfo: boolean;
  /** `mailto:` URLs for the account, RFC 8555 §7.3; empty: none are sent. */
  contact: string[];
  /** What binds a new account to one that the CA knows already, RFC 8555 §7.3.4. */
  externalAccount?: { keyId: string; keyFile: string };
  /** The common name of the issuer of the topmost certificate, where the CA offers several chains (RFC 8555 §7.4.2). */
  preferredChain?: string;
}
