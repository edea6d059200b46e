/** The account at a CA, RFC 8555 §7.3. */
import { AcmeError } from "../errors.ts";
import { problemName } from "./failure.ts";
import { thumbprint } from "./jws.ts";
import type { KeyPair } from "../x509/key.ts";
import { httpsUrl } from "./objects.ts";
import type { Reply } from "./reply.ts";
import type { Transport } from "./connection.ts";

/** An account at a CA. */
export interface Account {
  /** Its URL, the `kid` of every request; CAA records may pin it (RFC 8657). */
  readonly url: string;
  readonly transport: Transport;
  /** The part of each key authorization that belongs to the account key, RFC 8555 §8.1. */
  readonly thumbprint: string;
  /** Sends a request signed by the account key; without payload it is a read. */
  post(url: string, payload?: object, signal?: AbortSignal): Promise<Reply>;
}

/** The same account, for as long as a signal lets it. */
export const within = (account: Account, signal: AbortSignal): Account => ({
  ...account,
  get url() {
    return account.url; // which may change
  },
  post: (url, payload) => account.post(url, payload, signal),
});

/** Finds the account of a key, and registers it where the CA doesn't know it (RFC 8555 §7.3).
 *
 * Registering agrees to the CA's terms of service.
 *
 * @param transport the CA
 * @param key the account key
 * @param options `url`: the account's URL, if an earlier run was told it, which saves a request; `onRegister`: called
 *   with the URL that the CA gave, and whether the account is new there
 * @returns the account
 * @throws {AcmeError} the CA refuses the account
 * @throws {TransportError} the CA can't be reached
 */
export async function openAccount(
  transport: Transport,
  key: KeyPair,
  options: { url?: string; onRegister?(url: string, isNew: boolean): void } = {},
): Promise<Account> {
  const known = options.url;
  const register = async () => {
    const reply = await transport.post(
      { key, jwk: key.jwk },
      transport.directory.newAccount,
      { termsOfServiceAgreed: true },
    );
    const url = httpsUrl(reply.headers.get("location"), "account");
    options.onRegister?.(url, reply.status === 201); // 200: the key has an account already
    return url;
  };
  let again: Promise<string> | undefined;
  const account = {
    url: known ?? await register(),
    transport,
    thumbprint: await thumbprint(key.jwk),
    async post(target: string, payload?: object, signal?: AbortSignal): Promise<Reply> {
      const kid = account.url;
      try {
        return await transport.post({ key, kid }, target, payload, signal);
      } catch (error) {
        // RFC 8555 §7.3.1: the CA has lost the account; the same key gets a new one, once for all requests under way.
        const isLost = error instanceof AcmeError && problemName(error) === "accountDoesNotExist";
        if (!isLost || kid !== known) throw error;
        account.url = await (again ??= register());
        return await transport.post({ key, kid: account.url }, target, payload, signal);
      }
    },
  };
  return account;
}
