/** What is on disk and what `cron` would do when, for people and for programs. */
import type { Config } from "../config/config.ts";
import { readable } from "../errors.ts";
import { type Line, plan, unstageTime } from "../line/decide.ts";
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
}

/** Puts together what there is to know.
 *
 * @param line what is on disk
 * @param options configuration, whether hooks run, and the time
 */
export function status(line: Line, options: { config: Config; hooks: boolean; now: Date }): Status {
  const { config } = options;
  const unstageAfter = unstageTime(line, options);
  const hooksDue = Object.entries(line.due).filter(([, due]) => due).map(([name]) => `post-${name}`);
  const notes = hooksDue.map((name) => `${name} has not succeeded yet with these files`);
  if (line.staging.kind === "certified") {
    const isHookDue = line.due.certchange || line.due.keychange;
    const isGated = config.dane?.announced === true;
    if (unstageAfter) notes.push(`staging key goes live after ${later(unstageAfter)}`);
    else if (!isGated || options.hooks && isHookDue) notes.push("staging key waits for its hook");
    else if (!line.observed) notes.push("staging key waits: DNS has not been asked yet");
    else notes.push(...line.observed.problems.map((problem) => `staging key waits: ${problem}`));
  }
  if (line.staging.kind === "key") notes.push("staging key has no certificate yet");
  if (line.notBefore && line.notBefore > options.now) {
    notes.push(`an earlier run failed: the CA is left alone until ${readable(line.notBefore)}`);
  }
  if (line.isInterrupted) notes.push("a run was interrupted: the next one finishes it, and so does recover");
  for (const { reason, ...what } of line.revocations) {
    const which = "serial" in what
      ? `certificate ${what.serial}`
      : `every certificate for key ${what.spki.slice(0, 16)}…`;
    const isLive = line.live.kind !== "empty" &&
      ("serial" in what
        ? line.live.kind === "certified" && what.serial === line.live.certificate.serial
        : what.spki === line.live.key.spki);
    const why = reason === 1 ? "compromised" : "superseded";
    notes.push(`${which} is to be revoked (${why})${isLive ? " as soon as it is not live any more" : ""}`);
  }
  notes.push(
    ...line.damaged.map((path) => `"${path}" is damaged or not for its key: recover looks for a copy`),
  );
  if (line.live.kind === "empty" && line.damaged.length === 0) notes.push("there is no live key: run init");
  return {
    config: config.file,
    live: slotStatus(line.live, "live", options),
    staging: slotStatus(line.staging, "staging", options),
    hooksDue,
    unstageAfter: unstageAfter?.toISOString(),
    notBefore: line.notBefore?.toISOString(),
    due: line.isInterrupted
      ? ["recover"]
      : line.live.kind === "empty"
      ? []
      : plan(line, { ...options, command: "cron" }).map((action) =>
        [action.kind, "slot" in action ? `${action.slot}: ${action.reason}` : ""].join(" ").trim()
      ),
    notes,
  };
}

/** The status for people.
 *
 * @param status what there is to know
 * @param now the time
 * @returns lines
 */
export function formatStatus(status: Status, now: Date): string[] {
  return [
    ...(["live", "staging"] as SlotName[]).flatMap((name) => formatSlot(name, status[name], now)),
    ...status.due.length > 0 ? status.due.map((each) => `due now   ${each}`) : ["due now   nothing"],
    ...status.notes.map((each) => `note      ${each}`),
  ];
}

function slotStatus(
  slot: Slot,
  name: SlotName,
  options: { config: Config; now: Date },
): SlotStatus {
  if (slot.kind === "empty") return {};
  const { keyType, created, spki } = slot.key;
  const { maxKeyAge } = options.config.timing;
  const key = {
    ...keyType,
    created: created.toISOString(),
    spkiSha256: spki,
    ...name === "live" && maxKeyAge !== undefined
      ? { newKeyAfter: new Date(+created + maxKeyAge).toISOString() }
      : {},
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

function formatSlot(name: SlotName, { key, certificate }: SlotStatus, now: Date): string[] {
  if (!key) return name === "live" ? ["live      nothing"] : [];
  const label = (text: string) => `${text.padEnd(10)}`;
  const lines = [
    `${label(name)}${key.type} ${key.length}, made ${time(key.created)}${
      key.newKeyAfter ? `, new key after ${time(key.newKeyAfter)}` : ""
    }`,
  ];
  if (!certificate) return [...lines, `${label("")}no certificate`];
  return [
    ...lines,
    `${label("")}${certificate.domains.join(" ")}`,
    `${label("")}${bar(certificate, now)} valid until ${time(certificate.notAfter)}`,
    `${label("")}renewed after ${time(certificate.renewAfter)}`,
    `${label("")}TLSA 3 1 1 ${key.spkiSha256}`,
  ];
}

/** How much of a certificate's life is over, in twenty characters; `|` is where it is renewed. */
function bar(certificate: NonNullable<SlotStatus["certificate"]>, now: Date): string {
  const start = Date.parse(certificate.notBefore);
  const cells = 20;
  const cell = (instant: number) =>
    Math.min(
      Math.max(Math.floor((instant - start) / (Date.parse(certificate.notAfter) - start) * cells), 0),
      cells,
    );
  const used = cell(+now);
  const renew = cell(Date.parse(certificate.renewAfter));
  return `[${Array.from({ length: cells }, (_, i) => i < used ? "#" : i === renew ? "|" : ".").join("")}]`;
}

const time = (instant: string) => readable(new Date(instant));
const later = (date: Date) => +date === 0 ? "the next run" : readable(date);
