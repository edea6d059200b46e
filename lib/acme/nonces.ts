/** Nonces, RFC 8555 §6.5: each answer brings one, each signed request needs one. */
import { Failure } from "../errors.ts";
import type { Reply } from "./reply.ts";

const tries = 3;

/** Those that have come and were not used yet; the newest is the first to go. */
export class Nonces {
  readonly #stack: string[] = [];

  /** How many there are. */
  get count(): number {
    return this.#stack.length;
  }

  /** Keeps what came with an answer. */
  keep(headers: Headers): void {
    const nonce = usable(headers);
    if (nonce) this.#stack.push(nonce);
  }

  /** Takes one.
   *
   * @param ask asks the CA for one; its answer is kept as any other
   * @throws {Failure} the CA gives none
   */
  async take(ask: () => Promise<Reply>): Promise<string> {
    // A nonce that comes may be taken by a request that runs beside this one: then the next is fetched.
    for (let failed = 0; this.#stack.length === 0;) {
      if (!usable((await ask()).headers) && ++failed === tries) {
        throw new Failure("ca.protocol", "The CA gives no usable nonces");
      }
    }
    return this.#stack.pop()!;
  }
}

/** RFC 8555 §6.5.1: "The client MUST ignore invalid Replay-Nonce values." */
function usable(headers: Headers): string | undefined {
  const nonce = headers.get("replay-nonce");
  return nonce && /^[A-Za-z0-9_-]{1,256}$/.test(nonce) ? nonce : undefined;
}
