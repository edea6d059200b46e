/** A fault of the network, the protocol or the certificate, and what a run that meets it is to do. */
import { type Answer, type Fault, type RequestKind, requestKinds } from "../../kit/scripted_ca.ts";

/** A fault, and how a run that meets it may end; 0: it is overcome. */
export interface Row {
  what: string;
  /** How often it strikes; default: for ever. */
  times?: number;
  strike(answer: Answer, exchange: Parameters<Fault>[0]): boolean | void;
  exits: number[];
  /** What standard error says then. */
  says?: RegExp;
  /** How many requests there may be; default: 60. */
  requests?: number;
  /** The order comes to nothing, or nobody can know of it: the next run makes another. */
  isLost?: true;
  /** What was issued is kept in the backups, though it is refused; the next run makes another order. */
  isRefused?: true;
  /** Something in front of the CA does it: the CA never sees the request. */
  isOutside?: true;
  /** The kinds of request that it can strike; default: all. */
  only?: readonly RequestKind[];
}

/** Sends this in the answer's place. */
export const json = (value: unknown) => (answer: Answer) => {
  answer.body = JSON.stringify(value);
};
/** Changes members of what is sent. */
export const change = (edit: (fields: Record<string, unknown>) => void) => (answer: Answer) => {
  const fields = JSON.parse(answer.body as string);
  edit(fields);
  answer.body = JSON.stringify(fields);
};
/** A bare status. */
export const status = (status: number) => (answer: Answer) =>
  void Object.assign(answer, { status, body: "" });
/** Changes the text that is sent. */
export const body = (edit: (text: string) => string) => (answer: Answer) =>
  void (answer.body = edit(String(answer.body)));

// The objects that are read; of the other answers the status and the headers are enough.
export const objects: RequestKind[] = ["directory", "newOrder", "authorization", "order", "finalize"];
export const except = (...kinds: RequestKind[]) => requestKinds.filter((each) => !kinds.includes(each));
export const posts = except("directory", "newNonce");
