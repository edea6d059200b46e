/** The nouns: what a certificate line is, as a decision sees it. */
import type { KeyType } from "../x509/key.ts";
import type { Name } from "../x509/name.ts";

/** One of the two pairs of files. */
export type SlotName = "live" | "staging";

/** What is known of a private key. */
export interface KeyFacts {
  /** SHA-256 of the public key (SubjectPublicKeyInfo), hex. */
  keyId: string;
  /** RSA or ECDSA, and its length in bits. */
  keyType: KeyType;
  /** When it was made. */
  created: Date;
}

/** What is known of a certificate. */
export interface Certificate {
  /** From when it is valid. */
  notBefore: Date;
  /** Until when it is valid. */
  notAfter: Date;
  /** DNS names and IP addresses, sorted. */
  names: Name[];
  /** SHA-256 of its public key, hex. */
  keyId: string;
  /** Hex as in the DER. */
  serial: string;
  /** Which key signed it, hex. */
  authorityKeyId?: string;
}

/** What the CA says of when a certificate is to be renewed, RFC 9773. */
export interface RenewalWindow {
  /** When it is to be renewed; absent: the CA has not said. */
  at?: Date;
  /** Whether the last answer, if there was one, is no longer good. */
  isToAsk: boolean;
  /** A page of the CA about it. */
  explanationURL?: string;
  /** Why there is no answer. */
  failure?: string;
}

/** Where a certificate came from, as far as that is remembered. */
export interface Origin {
  /** URL of the CA's directory. */
  directory: string;
  /** URL of the account there. */
  account: string;
  /** What the CA issued it as. */
  profile?: string;
}

/** A pair of files, as recovery leaves it: a certificate never stands without its key. */
export type Slot =
  | { kind: "empty" }
  | { kind: "key"; key: KeyFacts }
  | { kind: "certified"; key: KeyFacts; certificate: Certificate };

/** The hooks, in the order in which they run: the second only once the first has succeeded. */
export const hookNames = ["certchange", "keychange"] as const;
/** See {@link hookNames}. */
export type HookName = typeof hookNames[number];

/** One certificate, or every certificate for a key; the reason is one of RFC 5280 §5.3.1. */
export type Revocation = { reason: number } & ({ serial: string } | { keyId: string });

/** Everything that a decision depends on, as it is on disk and in memory. */
export interface Line {
  /** The pair that services have. */
  live: Slot;
  /** The pair that waits to take its place. */
  staging: Slot;
  /** Since when the staging key is announced; undefined: not yet. */
  announced?: Date;
  /** What DNS said of the staging key: from when on it may go live, or why not yet; absent: it was not asked. */
  observed?: { at?: Date; problems: readonly string[] };
  /** Whether DNS has ever been asked for the services' records, and so how long caches keep them. */
  isDnsKnown: boolean;
  /** Whether the live key is the one that services were last found to serve, or nobody has to look. */
  isServed: boolean;
  /** Files that are there, but hold nothing that can be used. */
  damaged: readonly string[];
  /** Whether the next run will first finish an interrupted one. */
  isInterrupted: boolean;
  /** Hooks whose files differ from what they were when the hook last succeeded. */
  due: Readonly<Record<HookName, boolean>>;
  /** Whether the key hook has ever succeeded: then a run without hooks must not take time alone for an announcement. */
  hasAnnounced: boolean;
  /** Whether a derived file is missing or stale. */
  outputsStale: boolean;
  /** What is to be revoked once it is not live any more. */
  revocations: readonly Revocation[];
  /** What the CA says of the certificates in both slots; absent: it says nothing, or is not to be asked. */
  renewalInfo?: Partial<Record<SlotName, RenewalWindow>>;
  /** Where the certificates in both slots came from. */
  origins?: Partial<Record<SlotName, Origin>>;
  /** Until when a failed run or the CA asks to leave the CA alone. */
  retryAfter?: Date;
  /** Until when the ledger holds back another order for the configured names; by itself, and where it is asked for by hand. */
  heldBack?: { cron?: Date; byHand?: Date; stolenKey?: Date };
}

/** Whether somebody else may have the live key. */
export const isCompromised = ({ live, revocations }: Line): boolean =>
  live.kind !== "empty" && revocations.some((each) => "keyId" in each && each.keyId === live.key.keyId);

/** Whether the live certificate, by itself, is to be revoked. */
export const isCondemned = ({ live, revocations }: Line): boolean =>
  live.kind === "certified" &&
  revocations.some((each) => "serial" in each && each.serial === live.certificate.serial);

/** Whether what is to be revoked is still in use.
 *
 * @param revocation what is to be revoked
 * @param live the live pair
 */
export function isLive(revocation: Revocation, live: Slot): boolean {
  if (live.kind === "empty") return false;
  if ("keyId" in revocation) return revocation.keyId === live.key.keyId;
  return live.kind === "certified" && revocation.serial === live.certificate.serial;
}
