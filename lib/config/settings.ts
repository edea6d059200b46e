/** What a configuration says, once it is read. */
import type { Name } from "./names.ts";
import type { KeyType } from "../x509/key.ts";
import type { DaneConfig } from "../dane/service.ts";

/** A part of a derived file. */
export type OutputPart = typeof outputParts[number];
/** All of them. */
export const outputParts = ["chain", "leaf", "crt", "key", "dh"] as const;

/** What a configuration file says. Durations are in milliseconds. */
export interface Config {
  file: string;
  domains: Name[];
  keyType: KeyType;
  timing: { maxKeyAge: number; staging: number; renewBefore: number };
  hooks: { certchange?: string; keychange?: string };
  acme: { directory: string; accountKey: string; challengeDir: string; caFile?: string };
  dirs: { certs: string; keys: string; backups: string };
  files: { live: string; staging: string; outputs: OutputPart[][]; dhParams?: string };
  /** What must be announced before a staged key goes live, and served afterwards; absent: only time counts. */
  dane?: DaneConfig;
  /** What was put right silently in effect, but not in word. */
  notices: string[];
}
