/** The expected failures: what happened, to which file or host, whether it passes by itself, and its kind. */

/** What a failure is about; the part before the point is its area, by which the command chooses its exit status. */
export type Kind =
  | "usage.arguments"
  | "config.file" // it can't be read
  | "config.entry" // something in it is wrong
  | "config.challenge-dir"
  | "config.hook"
  | "config.ca-file"
  | "config.account-key" // it is a certificate key
  | "config.binding" // what binds the account to another can't be used
  | "config.profile" // the CA has no such profile
  | "config.claimed" // another line has these files
  | "files.storage" // the system refuses; `code` says why
  | "files.permission" // Deno refuses
  | "files.untrusted" // somebody else may change what is relied on
  | "files.not-begun" // there is no line yet
  | "files.key" // a key is missing, damaged or of no use
  | "files.memory" // what is remembered can't be read
  | "files.taken" // a name that is to be new is there already
  | "ca.unreachable" // network
  | "ca.untrusted" // TLS: who made its certificate
  | "ca.wrong-host" // TLS: another host's certificate
  | "ca.clock" // TLS, or a certificate of the CA: dates
  | "ca.protocol" // what it sent is no ACME
  | "ca.not-found" // nothing is where it should be
  | "ca.terms" // its terms of service have to be agreed to
  | "ca.refused" // an error object, RFC 8555 §6.7
  | "ca.challenge" // a name could not be validated
  | "ca.slow" // it needs longer than is waited for
  | "ca.certificate" // what it issued is not what was asked for
  | "hook.start" // it can't be run
  | "hook.failed"
  | "hook.dns" // records of a challenge are not everywhere
  | "hook.unserved" // a server still has another key
  | "run.locked"
  | "run.clock"
  | "run.limited" // held back, since the CA's limits are near
  | "run.waiting"; // begun, but something has to happen first

/** The part of a kind by which exit statuses are chosen. */
export type Area = "usage" | "config" | "files" | "ca" | "hook" | "run";

/** What is known of a failure beside its message. */
export interface About {
  /** The file or directory that it happened to. */
  path?: string;
  /** The host that it happened at. */
  host?: string;
  /** The system's error code, such as `ENOSPC`. */
  code?: string;
  /** Whether it may pass by itself, so that a later run succeeds. */
  isTemporary?: boolean;
  /** Until when the CA wants to be left alone (Retry-After, RFC 8555 §6.6). */
  retryAfter?: Date;
  /** What the CA said. */
  problem?: Problem;
  /** The names that an order failed for, with what the CA said of each. */
  failed?: FailedName[];
  /** What to do, where only the place of the failure knows: most hints come from the command's table, by kind. */
  cure?: string;
  /** Where several things are wrong at once: one message for each. */
  mistakes?: readonly string[];
  /** What was thrown before it. */
  cause?: unknown;
}

/** A failure that has a cause outside the program; everything else that is thrown is a bug. */
export class Failure extends Error {
  /** See {@link Kind}. */
  readonly kind: Kind;
  /** See {@link About}. */
  readonly about: Readonly<About>;

  /** Makes one.
   *
   * @param kind what it is about
   * @param message one sentence without final period, in the administrator's words
   * @param about what else is known
   */
  constructor(kind: Kind, message: string, about: About = {}) {
    super(message, { cause: about.cause });
    this.name = "Failure";
    this.kind = kind;
    this.about = about;
  }

  /** See {@link Area}. */
  get area(): Area {
    return this.kind.split(".")[0] as Area;
  }

  /** Whether it may pass by itself. */
  get isTemporary(): boolean {
    return this.about.isTemporary ?? (this.area === "run" || this.kind === "ca.slow");
  }
}

/** Where a text came from the CA, it goes through here before anyone sees it: no control, bidirectional or
 * zero-width character survives, and no more than `limit` characters do.
 *
 * @param text what the CA sent
 * @param limit the longest result, in characters
 * @returns one printable line
 */
export function printable(text: string, limit = 500): string {
  const escaped = text.slice(0, limit).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu,
    (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
  return escaped.length > limit || text.length > limit ? escaped.slice(0, limit) + "…" : escaped;
}

/** An instant for a person's eye.
 *
 * @param date the instant
 * @returns to the second, UTC, such as `2027-02-01 12:30:00 UTC`
 */
export function readable(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** An error object of the CA, RFC 8555 §6.7 and RFC 7807. */
export interface Problem {
  /** A URN, or `about:blank`. */
  type: string;
  /** For people. */
  detail: string;
  /** The status of HTTP. */
  status?: number;
  /** A page about it. */
  instance?: string;
  /** The name that it is about. */
  identifier?: string;
  /** One for each name, where it is about several. */
  subproblems: Problem[];
}

/** A name that the CA could not validate. */
export interface FailedName {
  /** As it stands in the order. */
  name: string;
  /** Why. */
  problem: Problem;
}
