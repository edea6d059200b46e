/** What is on disk and what `cron` would do when, as data. */
import { Failure, readable } from "../errors.ts";
import { fresh, unstageTime } from "../line/decide.ts";
import type { Line, Slot, SlotName } from "../line/line.ts";
import { plan } from "../line/paper.ts";
import { pathsOf } from "../line/paths.ts";
import { certificateDue, isUsable, margin } from "../line/renewal.ts";
import { day } from "../time.ts";
import { type Circumstances, notes } from "./status_notes.ts";
import { worded } from "./step_words.ts";
import { problems, type Verdict } from "./verdict.ts";

/** The status of one slot, as `--json` prints it; instants are RFC 3339, UTC, without fractions. */
export interface SlotStatus {
  /** Absent: there is none. */
  key?: {
    path: string;
    type: string;
    length: number;
    created: string;
    spkiSha256: string;
    newKeyAfter?: string;
  };
  /** Absent: there is none, or it does not belong to the key. */
  certificate?: {
    path: string;
    domains: string[];
    issuer?: string;
    notBefore: string;
    notAfter: string;
    /** Whole days; negative: it has expired. */
    daysLeft: number;
    serial: string;
    renewAfter: string;
  };
}

/** The status of a line, as `--json` prints it. */
export interface Status {
  /** The configuration file. */
  config: string;
  /** How the line does, in a word. */
  verdict: Verdict;
  /** What needs a hand, the gravest first; without it, what is waited for. */
  reasons: string[];
  /** The pair that services have. */
  live: SlotStatus;
  /** The pair that waits to take its place. */
  staging: SlotStatus;
  /** Hooks that the next run will run. */
  hooksDue: string[];
  /** When the staging key goes live; absent: nothing staged, or its hook has not succeeded yet. */
  unstageAfter?: string;
  /** Until when `cron` leaves the CA alone after a failure. */
  notBefore?: string;
  /** The failure that no later success has made up for: when it was, and what it said. */
  lastFailure?: { at: string; text: string };
  /** What `cron` would do now. */
  due: string[];
  /** What it will do next, if nothing else happens. */
  next?: { after: string; due: string[] };
  /** What is waited for, and what needs a hand. */
  notes: string[];
  /** Why there is no more to say: the line can't be read, or nothing can be decided. */
  error?: string;
}

/** What a status depends on beside the line. */
export interface Options extends Circumstances {
  /** Who issued the certificates, where that has been read. */
  issuers?: Partial<Record<SlotName, string>>;
  /** What is remembered of the last run that failed at the CA. */
  failure?: { at: Date; text?: string };
}

/** Puts together what there is to know.
 *
 * @param line what is on disk
 * @param options configuration, whether hooks run, and the time
 * @param fail told of what keeps anything from being decided
 */
export function status(line: Line, options: Options, fail: (failure: Failure) => void = () => {}): Status {
  const unstageAfter = unstageTime(line, options);
  const hooksDue = Object.entries(line.due).filter(([, due]) => due).map(([name]) => `post-${name}`);
  const due = dueAt(line, options);
  const error = due instanceof Failure ? due.message : undefined;
  if (due instanceof Failure) fail(due);
  const waits = [...heldBackNote(line, due, options), ...notes(line, unstageAfter, options)];
  const grave = [...error ? [error] : [], ...problems(line, options)];
  const now = due instanceof Failure ? [] : due;
  return {
    config: options.config.file,
    verdict: grave.length > 0 ? "needs a hand" : waits.length + now.length > 0 ? "waiting" : "ok",
    reasons: grave.length > 0 ? grave : waits.length > 0 ? waits : now,
    live: slotStatus(line.live, "live", options),
    staging: slotStatus(line.staging, "staging", options),
    hooksDue,
    unstageAfter: unstageAfter && instant(unstageAfter),
    notBefore: line.retryAfter && instant(line.retryAfter),
    lastFailure: options.failure && {
      at: instant(options.failure.at),
      text: options.failure.text ?? "",
    },
    due: now,
    next: error ? undefined : nextAfter(line, now, options),
    notes: [...grave.filter((each) => each !== error), ...waits],
    error,
  };
}

/** The status of a line that can't be read.
 *
 * @param config its configuration file
 * @param error why
 */
export const unreadable = (config: string, error: string): Status => ({
  ...{ config, verdict: "needs a hand", reasons: [error], live: {}, staging: {} },
  ...{ hooksDue: [], due: [], notes: [], error },
});

/** What `cron` would do at a time, or why it can't say. */
function dueAt(line: Line, options: Options & { force?: boolean }): string[] | Failure {
  if (line.isInterrupted) return ["recover"];
  if (line.live.kind === "empty") return [];
  try {
    const steps = plan(line, { ...options, command: "cron" });
    return [...new Set(steps.flatMap((step) => worded(step, line)))];
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** What would be due, were it not for the ledger. */
function heldBackNote(line: Line, due: string[] | Failure, options: Options): string[] {
  const until = line.heldBack?.cron;
  if (!until || due instanceof Failure) return [];
  const all = dueAt(line, { ...options, force: true });
  if (all instanceof Failure || all.every((each) => due.includes(each))) return [];
  return [`no order is placed before ${readable(until)}: it would go beyond what the CA allows`];
}

/** The first time to come at which something is due that is not due now. */
function nextAfter(line: Line, already: string[], options: Options): Status["next"] {
  const { config, now } = options;
  const { live, retryAfter } = line;
  const situation = { ...options, line, command: "cron" as const, progress: fresh };
  const times = [
    unstageTime(line, options),
    retryAfter,
    line.heldBack?.cron,
    live.kind === "empty" || config.timing.maxKeyAge === undefined
      ? undefined
      : new Date(+live.key.created + config.timing.maxKeyAge),
    ...(["live", "staging"] as const).map((slot) => certificateDue(slot, situation)?.at),
  ].filter((each) => each !== undefined && each > now) as Date[];
  for (const at of times.sort((a, b) => +a - +b)) {
    const { heldBack } = line;
    const then = { ...line, heldBack: heldBack?.cron && heldBack.cron > at ? heldBack : undefined };
    const due = dueAt(then, { ...options, now: at });
    const more = due instanceof Failure ? [] : due.filter((each) => !already.includes(each));
    if (more.length > 0) return { after: instant(at), due: more };
  }
}

function slotStatus(slot: Slot, name: SlotName, options: Options): SlotStatus {
  if (slot.kind === "empty") return {};
  const { config, now } = options;
  const path = pathsOf(config)[name];
  const { keyType, created, keyId } = slot.key;
  const { maxKeyAge } = config.timing;
  const key = {
    path: path.key,
    ...keyType,
    created: instant(created),
    spkiSha256: keyId,
    ...name === "live" && maxKeyAge !== undefined
      ? { newKeyAfter: instant(new Date(+created + maxKeyAge)) }
      : {},
  };
  if (slot.kind === "key") return { key };
  const { names: domains, notBefore, notAfter, serial } = slot.certificate;
  const renewAfter = new Date(+notAfter - margin(slot.certificate, config.timing.renewBefore));
  return {
    key,
    certificate: {
      path: path.crt,
      domains,
      issuer: options.issuers?.[name],
      notBefore: instant(notBefore),
      notAfter: instant(notAfter),
      daysLeft: Math.floor((+notAfter - +now) / day),
      serial,
      renewAfter: instant(isUsable(slot, options) ? renewAfter : now),
    },
  };
}

/** RFC 3339 without fractions, which `fromdate` of jq can read. */
const instant = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;
