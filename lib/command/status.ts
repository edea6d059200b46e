/** What is on disk and what `cron` would do when, as data. */
import type { Config } from "../config/config.ts";
import { Failure, readable } from "../errors.ts";
import { type Line, plan, type Revocation, unstageTime } from "../line/decide.ts";
import { margin, renewal, type Slot, type SlotName } from "../line/renewal.ts";

/** The status of one slot, as `--json` prints it; instants are ISO 8601, UTC. */
export interface SlotStatus {
  key?: { type: string; length: number; created: string; spkiSha256: string; newKeyAfter?: string };
  certificate?: {
    domains: string[];
    notBefore: string;
    notAfter: string;
    serial: string;
    renewAfter: string;
  };
}

/** The status of a line, as `--json` prints it. */
export interface Status {
  config: string;
  live: SlotStatus;
  staging: SlotStatus;
  hooksDue: string[];
  /** When the staging key goes live; absent: nothing staged, or its hook has not succeeded yet. */
  unstageAfter?: string;
  /** Until when `cron` leaves the CA alone after a failure. */
  notBefore?: string;
  /** What `cron` would do now. */
  due: string[];
  /** What is waited for, and what needs a hand. */
  notes: string[];
  /** Why there is no more to say: the line can't be read, or nothing can be decided. */
  error?: string;
}

/** What a status depends on beside the line. */
interface Options {
  config: Config;
  /** Whether hooks run. */
  hooks: boolean;
  now: Date;
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
  const due = dueNow(line, options);
  if (due instanceof Failure) fail(due);
  return {
    config: options.config.file,
    live: slotStatus(line.live, "live", options),
    staging: slotStatus(line.staging, "staging", options),
    hooksDue,
    unstageAfter: unstageAfter?.toISOString(),
    notBefore: line.notBefore?.toISOString(),
    due: due instanceof Failure ? [] : due,
    notes: [
      ...hooksDue.map((name) => `${name} has not succeeded yet with these files`),
      ...stagingNotes(line, unstageAfter, options),
      ...lineNotes(line, options),
    ],
    ...due instanceof Failure ? { error: due.message } : {},
  };
}

/** What `cron` would do now, or why it can't say. */
function dueNow(line: Line, options: Options): string[] | Failure {
  if (line.isInterrupted) return ["recover"];
  if (line.live.kind === "empty") return [];
  try {
    return plan(line, { ...options, command: "cron" }).map((action) =>
      [action.kind, "slot" in action ? `${action.slot}: ${action.reason}` : ""].join(" ").trim()
    );
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

function stagingNotes(
  { staging, due, observed }: Line,
  unstageAfter: Date | undefined,
  { config, hooks }: Options,
): string[] {
  if (staging.kind === "empty") return [];
  if (staging.kind === "key") return ["staging key has no certificate yet"];
  const isGated = config.dane?.announced === true;
  if (unstageAfter) return [`staging key goes live after ${later(unstageAfter)}`];
  if (!isGated || hooks && (due.certchange || due.keychange)) return ["staging key waits for its hook"];
  if (!observed) return ["staging key waits: DNS has not been asked yet"];
  return observed.problems.map((problem) => `staging key waits: ${problem}`);
}

function lineNotes(line: Line, { now }: Options): string[] {
  const { live, notBefore, damaged } = line;
  return [
    ...notBefore && notBefore > now
      ? [`an earlier run failed: the CA is left alone until ${readable(notBefore)}`]
      : [],
    ...line.isInterrupted ? ["a run was interrupted: the next one finishes it, and so does recover"] : [],
    ...line.revocations.map((each) => revocationNote(each, live)),
    ...damaged.map((path) => `"${path}" is damaged or not for its key: recover looks for a copy`),
    ...live.kind === "empty" && damaged.length === 0 ? ["there is no live key: run init"] : [],
  ];
}

function revocationNote({ reason, ...what }: Revocation, live: Slot): string {
  const which = "serial" in what
    ? `certificate ${what.serial}`
    : `every certificate for key ${what.spki.slice(0, 16)}…`;
  const isLive = live.kind !== "empty" &&
    ("serial" in what
      ? live.kind === "certified" && what.serial === live.certificate.serial
      : what.spki === live.key.spki);
  const why = reason === 1 ? "compromised" : "superseded";
  return `${which} is to be revoked (${why})${isLive ? " as soon as it is not live any more" : ""}`;
}

const later = (date: Date) => +date === 0 ? "the next run" : readable(date);

function slotStatus(
  slot: Slot,
  name: SlotName,
  options: { config: Config; now: Date },
): SlotStatus {
  if (slot.kind === "empty") return {};
  const { keyType, created, spki } = slot.key;
  const end = new Date(+created + options.config.timing.maxKeyAge).toISOString();
  const key = {
    ...keyType,
    created: created.toISOString(),
    spkiSha256: spki,
    ...name === "live" ? { newKeyAfter: end } : {},
  };
  if (slot.kind === "key") return { key };
  const { domains, notBefore, notAfter, serial } = slot.certificate;
  const due = renewal(slot, options);
  const renewAfter = new Date(+notAfter - margin(slot.certificate, options.config.timing.renewBefore));
  return {
    key,
    certificate: {
      domains,
      notBefore: notBefore.toISOString(),
      notAfter: notAfter.toISOString(),
      serial,
      renewAfter: (due.usable ? renewAfter : options.now).toISOString(),
    },
  };
}
