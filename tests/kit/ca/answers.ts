/** What the scripted CA sends. */
import type { ServerResponse } from "node:http";
import type { Account, Jwk, RequestKind } from "./objects.ts";

/** An answer that is about to be sent. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/** A request whose signature has been checked. */
export interface Call {
  kind: RequestKind;
  url: string;
  /** Whose key signed it; absent where the key itself stands in the request. */
  account?: Account;
  /** The key that signed it. */
  jwk?: Jwk;
  /** Absent where the payload is empty: POST-as-GET, and what is not signed at all. */
  // deno-lint-ignore no-explicit-any
  payload?: any;
}

/** A request as a fault sees it. */
export interface Exchange {
  kind: RequestKind;
  /** How many requests of this kind there have been, this one included. */
  nth: number;
  answer: Answer;
  /** For what HTTP libraries won't do: the connection itself; in one process there is none. */
  response: ServerResponse;
}

/** Changes the answer; or has dealt with the connection itself, and returns true. */
export type Fault = (exchange: Exchange) => boolean | void | Promise<boolean | void>;

/** A refusal, from wherever it is found. */
export class Refusal extends Error {
  constructor(readonly answer: Answer) {
    super(String(answer.body));
  }
}

/** An object as JSON. */
export const json = (body: object, status = 200, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

/** RFC 8555 §6.7. */
export const problemType = (kind: string) => `urn:ietf:params:acme:error:${kind}`;

/** A problem document, RFC 7807.
 *
 * @param status of HTTP
 * @param kind without the URN before it
 * @param detail what happened
 * @param headers such as Retry-After
 */
export function problem(
  status: number,
  kind: string,
  detail: string,
  headers: Record<string, string> = {},
): Answer {
  const body = JSON.stringify({ type: problemType(kind), detail, status });
  return { status, headers: { "content-type": "application/problem+json", ...headers }, body };
}

/** A problem document to be thrown. */
export const refusal = (...args: Parameters<typeof problem>) => new Refusal(problem(...args));

/** For faults: refuses in an answer's place. */
export const refuse =
  (status: number, kind: string, headers: Record<string, string> = {}) => (answer: Answer): void => {
    const { body, ...refused } = problem(status, kind, `because of ${kind}`);
    Object.assign(answer, { status, body, headers: { ...answer.headers, ...refused.headers, ...headers } });
  };
