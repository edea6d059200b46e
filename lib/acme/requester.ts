/** What the flow of an order needs of an account. */
import type { Connection } from "./connection.ts";
import type { Reply } from "./reply.ts";

/** Sends requests in the name of an account. */
export interface Requester {
  /** The way to the CA. */
  readonly connection: Connection;
  /** Of the account key, RFC 8555 §8.1. */
  readonly thumbprint: string;
  /** Sends a signed request; without payload it is a read. */
  post(url: string, payload?: object, signal?: AbortSignal): Promise<Reply>;
}
