/** What is waited for, in words. */
import { formatSerial } from "../x509/serial.ts";
import type { Config } from "../config/config.ts";
import { readable } from "../errors.ts";
import { isLive, type Line, type Revocation, type Slot } from "../line/line.ts";

/** What a note depends on beside the line. */
export interface Circumstances {
  /** What is wanted. */
  config: Config;
  /** Whether hooks run. */
  hooks: boolean;
  /** The time. */
  now: Date;
}

/** All that a line waits for.
 *
 * @param line what is on disk
 * @param unstageAfter when the staging key goes live, where that is known
 * @param circumstances see {@link Circumstances}
 */
export function notes(line: Line, unstageAfter: Date | undefined, circumstances: Circumstances): string[] {
  const hooks = Object.entries(line.due).filter(([, isDue]) => isDue).map(([name]) => `post-${name}`);
  return [
    ...hooks.map((name) => `${name} has not succeeded yet with these files`),
    ...namesNotes(line, circumstances),
    ...stagingNotes(line, unstageAfter, circumstances),
    ...lineNotes(line, circumstances),
  ];
}

/** How the names that are configured differ from those of the live certificate. */
function namesNotes({ live }: Line, { config }: Circumstances): string[] {
  if (live.kind !== "certified") return [];
  const { names } = live.certificate;
  const added = config.domains.filter((each) => !names.includes(each));
  const gone = names.filter((each) => !config.domains.includes(each));
  return [
    ...added.length > 0 ? [`the certificate is not yet for ${added.join(" ")}`] : [],
    ...gone.length > 0 ? [`the certificate is still for ${gone.join(" ")}`] : [],
  ];
}

function stagingNotes(
  { staging, due, observed }: Line,
  unstageAfter: Date | undefined,
  { config, hooks }: Circumstances,
): string[] {
  if (staging.kind === "empty") return [];
  if (staging.kind === "key") return ["staging key has no certificate yet"];
  const isGated = config.dane?.announced === true;
  if (unstageAfter) return [`staging key goes live after ${later(unstageAfter)}`];
  if (!isGated || hooks && (due.certchange || due.keychange)) return ["staging key waits for its hook"];
  if (!observed) return ["staging key waits: DNS has not been asked yet"];
  return observed.problems.map((problem) => `staging key waits: ${problem}`);
}

function lineNotes(line: Line, { now }: Circumstances): string[] {
  const { live, retryAfter } = line;
  return [
    ...retryAfter && retryAfter > now
      ? [`an earlier run failed: the CA is left alone until ${readable(retryAfter)}`]
      : [],
    ...line.isInterrupted ? ["a run was interrupted: the next one finishes it, and so does recover"] : [],
    ...line.revocations.map((each) => revocationNote(each, live)),
  ];
}

function revocationNote(revocation: Revocation, live: Slot): string {
  const { reason, ...what } = revocation;
  const which = "serial" in what
    ? `certificate ${formatSerial(what.serial)}`
    : `every certificate for key ${what.keyId.slice(0, 16)}…`;
  const why = reason === 1 ? "compromised" : "superseded";
  return `${which} is to be revoked (${why})${
    isLive(revocation, live) ? " as soon as it is not live any more" : ""
  }`;
}

const later = (date: Date) => +date === 0 ? "the next run" : readable(date);
