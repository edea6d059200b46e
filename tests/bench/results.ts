/** What a benchmark found out: plain data, so that it can be kept as JSON and shown again. */

/** Medians of some runs. */
export interface Figures {
  runs: number;
  /** Milliseconds. */
  wall: number;
  /** Milliseconds. */
  cpu: number;
  /** Bytes. */
  memory: number;
  /** Asked of the CA; only where there was one. */
  requests?: number;
}

/** `slow`: ended at the limit, or not begun since smaller ones say that it would be; `failed`: see the log. */
export type Outcome = Figures | "slow" | "failed";

/** A figure of one series at one size. */
export interface Cell {
  series: string;
  /** How many names, or lines. */
  size: number;
  outcome: Outcome;
}

/** Cells that were measured side by side. */
export interface Comparison {
  /** Milliseconds there and back to the CA. */
  roundTrip: number;
  cells: Cell[];
}

/** All of a benchmark. */
export interface Results {
  /** ISO 8601. */
  date: string;
  cores: number;
  /** Load average before the first run: the machine should have been idle. */
  load: number;
  deno: string;
  pebble: string;
  /** Milliseconds after which a run is ended. */
  limit: number;
  clients: { name: string; version: string; given: string }[];
  /** One certificate with so many names. */
  names: Comparison[];
  /** `cron` with nothing to do. */
  idle: Cell[];
  /** So many lines with nothing to do. */
  lines: Cell[];
  /** So many lines that renew in one run. */
  renewals: Comparison;
}

/** Whether there are figures. */
export function isMeasured(outcome: Outcome | undefined): outcome is Figures {
  return typeof outcome === "object";
}

/** The sizes that any of the cells has, in order. */
export function sizesOf(cells: readonly Cell[]): number[] {
  return [...new Set(cells.map((each) => each.size))].sort((a, b) => a - b);
}

/** The series of the cells, in order of appearance. */
export function seriesOf(cells: readonly Cell[]): string[] {
  return [...new Set(cells.map((each) => each.series))];
}

/** The outcome of one series at one size. */
export function find(cells: readonly Cell[], series: string, size: number): Outcome | undefined {
  return cells.find((each) => each.series === series && each.size === size)?.outcome;
}
