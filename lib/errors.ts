/** The expected failures: each is one line for the administrator and an exit status. */

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

/** A failure that has a cause outside the program; everything else that is thrown is a bug. */
export abstract class ExpectedError extends Error {
  /** The exit status of the command. */
  abstract readonly exit: number;
  /** What to do about it, in one line. */
  readonly hint?: string;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = this.constructor.name;
    this.hint = options.hint;
  }
}

/** The command line is wrong. */
export class UsageError extends ExpectedError {
  readonly exit = 2;
}

/** The configuration file is wrong; the message begins with `file:line:`. */
export class ConfigError extends ExpectedError {
  readonly exit = 2;
}

/** An error object of the CA, RFC 8555 §6.7 and RFC 7807. */
export interface Problem {
  type: string;
  detail: string;
  status?: number;
  instance?: string;
  identifier?: string;
  subproblems: Problem[];
}

/** One line for a problem: the CA's own words, then one part for each subproblem (RFC 8555 §6.7.1).
 *
 * @param problem the CA's error object
 * @returns printable text without line breaks
 */
export function describeProblem(problem: Problem): string {
  const kind = problem.type.replace("urn:ietf:params:acme:error:", "");
  const own = [problem.identifier, kind, problem.detail].filter((part) => part).map((part) =>
    printable(part!)
  ).join(": ");
  return [own, ...problem.subproblems.map(describeProblem)].join("; ");
}

/** The CA said no, RFC 8555 §6.7. */
export class AcmeError extends ExpectedError {
  readonly exit: number;
  readonly problem: Problem;
  /** Until when the CA wants to be left alone (Retry-After, RFC 8555 §6.6). */
  readonly notBefore?: Date;

  constructor(
    message: string,
    problem: Problem,
    options: { hint?: string; notBefore?: Date; temporary?: boolean } = {},
  ) {
    super(message, options);
    this.problem = problem;
    this.notBefore = options.notBefore;
    this.exit = options.temporary ? 75 : 1;
  }

  /** The last part of the error's URN, such as `badNonce`. */
  get kind(): string {
    return this.problem.type.replace("urn:ietf:params:acme:error:", "");
  }
}

/** The CA gave no answer that the protocol knows: the network, TLS, a captive portal, a malformed object. */
export class TransportError extends ExpectedError {
  readonly exit: number;
  readonly notBefore?: Date;

  constructor(
    message: string,
    options: { temporary?: boolean; hint?: string; notBefore?: Date; cause?: unknown } = {},
  ) {
    super(message, options);
    this.exit = options.temporary ? 75 : 1;
    this.notBefore = options.notBefore;
  }
}

/** The CA keeps us waiting; the order is remembered and taken up by the next run. */
export class PollTimeoutError extends ExpectedError {
  readonly exit = 75;
}

/** The clock of this machine must be wrong. */
export class ClockError extends ExpectedError {
  readonly exit = 75;
}

/** What was asked for has begun, and can't be finished yet. */
export class WaitError extends ExpectedError {
  readonly exit = 75;
}

/** Another run holds the lock of this certificate line. */
export class LockedError extends ExpectedError {
  readonly exit = 75;
}

/** The files of the line are in a state that the command can't work from. */
export class LineError extends ExpectedError {
  readonly exit = 4;
}

/** A file could not be read or written. */
export class StorageError extends ExpectedError {
  readonly exit = 4;
}

/** Deno's flags keep this run from what it has to do. */
export class PermissionError extends ExpectedError {
  readonly exit = 4;

  /**
   * @param doing what is not allowed, such as "access FILE"
   * @param cause Deno's error
   */
  constructor(doing: string, cause: Error) {
    super(`Deno may not ${doing}: ${cause.message}`, {
      hint: "the action permissions prints the flags that are needed",
      cause,
    });
  }
}

/** The certificate is in place, a hook failed and stays due. */
export class HookError extends ExpectedError {
  readonly exit = 3;
}

/** A certificate that must not replace anything: it is not the one asked for. */
export class CertificateError extends ExpectedError {
  readonly exit = 1;
}
