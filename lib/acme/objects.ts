/** The objects of RFC 8555 as they come over the wire; `schemas.ts` has the checks. */
import type { Problem } from "../errors.ts";
import { isAddress, type Name } from "../x509/name.ts";

/** RFC 8555 §7.1.1, RFC 9773 §4.1: where everything is. */
export interface Directory {
  /** RFC 8555 §7.2. */
  newNonce: string;
  /** RFC 8555 §7.3. */
  newAccount: string;
  /** RFC 8555 §7.4. */
  newOrder: string;
  /** RFC 8555 §7.6. */
  revokeCert?: string;
  /** RFC 8555 §7.3.5. */
  keyChange?: string;
  /** RFC 9773 §4.1. */
  renewalInfo?: string;
  /** What the CA says of itself. */
  meta: DirectoryMeta;
}

/** What a CA says of itself, RFC 8555 §9.7.6. */
export interface DirectoryMeta {
  /** URL of the terms that an account agrees to. */
  termsOfService?: string;
  /** For people. */
  website?: string;
  /** The names by which CAA records allow this CA, RFC 8659 §4. */
  caaIdentities: string[];
  /** Whether accounts must be bound to external ones, RFC 8555 §7.3.4. */
  externalAccountRequired: boolean;
  /** Names of profiles with what the CA says of them. */
  profiles: Record<string, string>;
  /** dns-persist-01: the names that its records may give. */
  issuerDomainNames: string[];
  /** dns-persist-01: what stands before the hash of an account. */
  accountHashPrefix?: string;
}

/** RFC 8555 §9.7.7: `dns`, or `ip` (RFC 8738). */
export interface Identifier {
  /** `dns` or `ip`. */
  type: string;
  /** The name or address itself. */
  value: string;
}

/** RFC 8555 §7.4 with RFC 9773 §5 and profiles: the wire object itself. What is asked for is what is remembered and compared. */
export interface NewOrder {
  /** What the certificate is to be for. */
  identifiers: Identifier[];
  /** One of the directory's profiles. */
  profile?: string;
  /** The certificate that the new one takes the place of, RFC 9773 §5. */
  replaces?: string;
}

/** RFC 8555 §7.1.3: only a valid order has a certificate. */
export type Order =
  & NewOrder
  & { authorizations: string[]; finalize: string; error?: Problem }
  & ({ status: "pending" | "ready" | "processing" | "invalid" } | { status: "valid"; certificate: string });

/** RFC 8555 §7.1.4. */
export interface Authorization {
  /** What is to be validated. */
  identifier: Identifier;
  /** RFC 8555 §7.1.6. */
  status: "pending" | "valid" | "invalid" | "deactivated" | "expired" | "revoked";
  /** Whether it is for all names below the identifier. */
  wildcard?: boolean;
  /** Those that can be read: types that are not known here may look otherwise. */
  challenges: Challenge[];
}

/** RFC 8555 §8; the token is checked before it becomes a file name (§8.3, §11.3). */
export interface Challenge {
  /** Such as `http-01`. */
  type: string;
  /** Where it is answered. */
  url: string;
  /** RFC 8555 §7.1.6. */
  status: string;
  /** Random text of the CA. */
  token?: string;
  /** Why it failed. */
  error?: Problem;
  /** dns-persist-01, as the newest draft writes it. */
  issuerDomainNames?: string[];
  /** dns-persist-01, as earlier drafts wrote it. */
  "issuer-domain-names"?: string[];
  /** dns-persist-01, earlier drafts: whose record it has to be. */
  accounturi?: string;
}

/** RFC 8555 §7.1.2. */
export interface AccountObject {
  /** `valid`, `deactivated` or `revoked`. */
  status: string;
  /** Whom the CA may write to. */
  contact?: string[];
  /** Whether the terms of service were agreed to. */
  termsOfServiceAgreed?: boolean;
}

/** RFC 9773 §4.2. */
export interface SuggestedWindow {
  /** From then on, */
  start: Date;
  /** and before then. */
  end: Date;
  /** A page of the CA that says why. */
  explanationURL?: string;
}

/** What a name is called in an order, RFC 8555 §9.7.7 and RFC 8738 §3.
 *
 * @param name a DNS name, or an IP address as RFC 5952 writes it
 */
export const toIdentifier = (name: Name): Identifier => ({
  type: isAddress(name) ? "ip" : "dns",
  value: name,
});
