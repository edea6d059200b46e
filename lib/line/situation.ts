/** Everything that a decision depends on. */
import type { Config } from "../config/config.ts";
import type { Line } from "./line.ts";

/** The actions of the command line that change something. */
export type Command = "init" | "renew" | "cron" | "revoke" | "compromise";

/** See above. */
export interface Situation {
  /** What is on disk and in memory. */
  line: Line;
  /** What was asked for. */
  command: Command;
  /** What is wanted. */
  config: Config;
  /** Whether hooks run (`-k`). */
  hooks: boolean;
  /** Whether the ledger's limits are set aside (`--force`). */
  force?: boolean;
  /** The time. */
  now: Date;
  /** What this run has done so far. */
  progress: Progress;
}

/** What a run has begun so far, and what of it failed; by the names of steps. */
export interface Progress {
  /** Steps that are not begun again. */
  begun: readonly string[];
  /** Steps that keep back what builds on them. */
  failed: readonly string[];
}
