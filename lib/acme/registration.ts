/** Finding and registering accounts, RFC 8555 §7.3. */
import { Failure, printable } from "../errors.ts";
import type { KeyPair } from "../x509/key.ts";
import type { Connection } from "./connection.ts";
import { problemName } from "./failure.ts";
import { type ExternalAccountBinding, signBinding } from "./jws.ts";
import { locationOf } from "./reply.ts";

/** How an account is opened. */
export interface AccountOptions {
  /** Whether you agree to the CA's terms of service: their URL is `meta.termsOfService` of the directory. */
  termsOfServiceAgreed?: boolean;
  /** The account's URL, if an earlier run was told it, which saves a request. */
  url?: string;
  /** Whom the CA may write to, such as `mailto:admin@example.org`; some CAs insist on it. */
  contact?: string[];
  /** Credentials of CAs that know their customers otherwise. */
  externalAccountBinding?: ExternalAccountBinding;
  /** Registers nothing: the key must have an account. */
  onlyReturnExisting?: boolean;
  /** Called with the URL that the CA gave, and whether the account is new there. */
  onRegister?(url: string, isNew: boolean): void;
}

/** Finds the account of a key, or registers it.
 *
 * @param connection the CA
 * @param key the account key
 * @param options what may be done, and with what
 * @returns the account's URL
 * @throws {Failure} `ca.terms`: the terms of service have to be agreed to first; any other: the CA refuses, or can't be reached
 */
export async function register(
  connection: Connection,
  key: KeyPair,
  options: AccountOptions,
): Promise<string> {
  const { newAccount, meta: { termsOfService: terms } } = connection.directory;
  const { termsOfServiceAgreed, contact, externalAccountBinding, onRegister } = options;
  // Without consent there may still be an account.
  const onlyReturnExisting = options.onlyReturnExisting || terms !== undefined && !termsOfServiceAgreed;
  const payload = onlyReturnExisting ? { onlyReturnExisting } : {
    ...termsOfServiceAgreed ? { termsOfServiceAgreed } : {},
    ...contact ? { contact } : {},
    ...externalAccountBinding
      ? { externalAccountBinding: await signBinding(externalAccountBinding, key.jwk, newAccount) }
      : {},
  };
  try {
    const reply = await connection.post({ key, jwk: key.jwk }, newAccount, payload);
    const url = connection.own(locationOf(reply, "account"));
    onRegister?.(url, reply.status === 201); // 200: the key has an account already
    return url;
  } catch (error) {
    if (problemName(error) !== "accountDoesNotExist" || options.onlyReturnExisting) throw error;
    throw new Failure("ca.terms", `The CA wants its terms of service agreed to: ${printable(terms ?? "")}`, {
      cause: error,
    });
  }
}
