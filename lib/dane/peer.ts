/** Conversations over TCP: with name servers (RFC 7766), and with services up to where TLS begins. */
import { connect, type Socket } from "node:net";
import type { Endpoint } from "./service.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const dnsTimeout = 5_000;
const longestMessage = 2 + 65_535;

/** Sends one DNS message and reads one, each with its length in front (RFC 1035 §4.2.2).
 *
 * @param server where
 * @param message the question
 * @returns the answer; at most 64 KiB by its very form
 * @throws {Error} there is no whole answer within five seconds
 */
export async function exchangeDns(server: Endpoint, message: Bytes): Promise<Bytes> {
  await using peer = await open(server, { timeout: dnsTimeout, limit: longestMessage });
  peer.send(message);
  const end = (bytes: Bytes) => bytes.length < 2 ? 2 : 2 + (bytes[0] << 8 | bytes[1]);
  const answer = await peer.receive((bytes) => bytes.length >= 2 && bytes.length >= end(bytes));
  return answer.slice(0, end(answer));
}

/** A conversation that is under way. */
export interface Peer extends AsyncDisposable {
  socket: Socket;
  send(data: string | Bytes): void;
  /** Waits until what has come is whole. */
  receive(isWhole: (bytes: Bytes) => boolean): Promise<Bytes>;
  /** Leaves what comes from now on to somebody else. */
  release(): void;
  /** What broke the connection, if anything did. */
  trouble(): Error | undefined;
}

/** Connects.
 *
 * @param server where
 * @param bounds `timeout`: of the whole conversation, milliseconds; `limit`: bytes that are kept of what comes
 * @throws {Error} nobody is there
 */
export async function open(
  { address, port }: Endpoint,
  { timeout, limit }: { timeout: number; limit: number },
): Promise<Peer> {
  const socket = connect({ host: address, port });
  let trouble: Error | undefined;
  const inbox = new Inbox(limit, () => trouble);
  const stop = (error: Error) => {
    trouble ??= error;
    socket.destroy();
    inbox.wake();
  };
  const signal = AbortSignal.timeout(timeout);
  signal.addEventListener("abort", () => stop(signal.reason));
  socket.on("error", stop);
  socket.once("close", () => stop(new Error("the connection was closed")));
  socket.on("data", (chunk: Uint8Array) => {
    if (!inbox.take(chunk)) stop(new Error(`more than ${limit} bytes were sent`));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("close", () => reject(trouble));
  });
  return {
    socket,
    send: (data) => void socket.write(data),
    receive: (isWhole) => inbox.receive(isWhole),
    release: () => void socket.removeAllListeners("data"),
    trouble: () => trouble,
    [Symbol.asyncDispose]() {
      socket.destroy();
      return Promise.resolve();
    },
  };
}

/** What has come and has not been read, up to a limit. */
class Inbox {
  readonly #buffer: Bytes;
  readonly #trouble: () => Error | undefined;
  #size = 0;
  wake = () => {};

  constructor(limit: number, trouble: () => Error | undefined) {
    this.#buffer = new Uint8Array(limit);
    this.#trouble = trouble;
  }

  /** Returns whether there was room. */
  take(chunk: Uint8Array): boolean {
    if (this.#size + chunk.length > this.#buffer.length) return false;
    this.#buffer.set(chunk, this.#size);
    this.#size += chunk.length;
    this.wake();
    return true;
  }

  /** Waits until what has come is whole; throws what broke the connection. */
  async receive(isWhole: (bytes: Bytes) => boolean): Promise<Bytes> {
    while (!isWhole(this.#buffer.subarray(0, this.#size))) {
      const trouble = this.#trouble();
      if (trouble) throw trouble;
      await new Promise<void>((resolve) => this.wake = resolve);
    }
    const whole = this.#buffer.slice(0, this.#size);
    this.#size = 0;
    return whole;
  }
}
