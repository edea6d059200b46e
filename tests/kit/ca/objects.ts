/** What the scripted CA knows: the objects of RFC 8555 §7.1, each with what the tests want to know of it. */

/** The kinds of request, in the order of an issuance. */
export const requestKinds = [
  "directory",
  "newNonce",
  "newAccount",
  "newOrder",
  "authorization",
  "challenge",
  "order",
  "finalize",
  "certificate",
] as const;
/** Those that an issuance can do without. */
export const otherKinds = ["account", "keyChange", "revokeCert", "renewalInfo"] as const;
export type RequestKind = typeof requestKinds[number] | typeof otherKinds[number];

/** RFC 8555 §9.7.7, RFC 8738. */
export interface Identifier {
  type: string;
  value: string;
}

/** The members of a public key that RFC 7638 needs. */
export type Jwk = Record<string, string>;

export interface Account {
  url: string;
  jwk: Jwk;
  thumbprint: string;
  status: "valid" | "deactivated";
  contact?: string[];
  createdAt: Date;
}

export interface Order {
  url: string;
  account: string;
  status: string;
  identifiers: Identifier[];
  /** The values of the identifiers. */
  names: string[];
  profile?: string;
  replaces?: string;
  authorizations: string[];
  certificate?: string;
  error?: object;
  createdAt: Date;
}

export interface Challenge {
  type: string;
  url: string;
  status: string;
  token: string;
  error?: object;
}

export interface Authorization {
  url: string;
  account: string;
  status: string;
  identifier: Identifier;
  wildcard?: true;
  challenges: Challenge[];
  /** When a challenge was passed. */
  validatedAt?: Date;
}

/** A certificate as it was issued. */
export interface Issued {
  url: string;
  order: Order;
  /** End-entity certificate first, as it is sent. */
  chain: string;
  /** The end-entity certificate alone. */
  pem: string;
  der: Uint8Array<ArrayBuffer>;
  /** Hex, as in the DER. */
  serial: string;
  /** RFC 9773 §4.1. */
  certId: string;
  /** SHA-256 of its SubjectPublicKeyInfo, hex. */
  keyId: string;
  notBefore: Date;
  notAfter: Date;
  issuedAt: Date;
}

/** A certificate that was revoked, and who asked for it (RFC 8555 §7.6). */
export interface Revocation {
  certificate: Issued;
  reason: number;
  by: "account" | "certificate key";
  revokedAt: Date;
}
