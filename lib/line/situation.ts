/** Everything that a decision depends on. */
import type { Config } from "../config/config.ts";
import type { Line } from "./line.ts";

/** The actions of the command line that change something. */
export type Command = "init" | "renew" | "cron" | "revoke" | "compromise";

/** See above. */
export interface Situation {
  line: Line;
  command: Command;
  config: Config;
  /** Whether hooks run (`-k`). */
  hooks: boolean;
  /** Whether the ledger's limits are set aside (`--force`). */
  force?: boolean;
  now: Date;
  progress: Progress;
}

/** What a run has begun so far, and what of it failed; by the names of steps. */
export interface Progress {
  begun: readonly string[];
  failed: readonly string[];
}
