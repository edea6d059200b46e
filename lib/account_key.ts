/** The account key on disk, and the account that it opens at the configured CA. */
import { type Account, openAccount } from "./account.ts";
import type { Config } from "./config.ts";
import { makeDirectory, put, remove, temporaryName } from "./disk.ts";
import { directoryOf, exists, read } from "./inspect.ts";
import { ConfigError, LineError, printable } from "./errors.ts";
import { thumbprint } from "./jws.ts";
import { exportKey, generateKey, importKey, type KeyPair, sha256, spkiHash } from "./keys.ts";
import type { StateFile } from "./state.ts";
import { paths, readPair } from "./store.ts";
import { openTransport, type System } from "./transport.ts";

/** Opens the conversation with the configured CA, under the account that the account key has there.
 *
 * @param config the configuration
 * @param state remembers the account's URL
 * @param system network and clock
 * @returns the account
 * @throws {LineError} the account key is missing or damaged
 * @throws {AcmeError} the CA refuses the account
 * @throws {TransportError} the CA can't be reached
 */
export async function contactCa(config: Config, state: StateFile, system: System): Promise<Account> {
  const key = await readAccountKey(config);
  const { directory } = config.acme;
  const id = await thumbprint(key.jwk);
  const known = state.value.account;
  const transport = await openTransport(system, directory);
  return await openAccount(transport, key, {
    url: known?.directory === directory && known.thumbprint === id ? known.url : undefined,
    onRegister(url, isNew) {
      state.update({ account: { directory, thumbprint: id, url } });
      if (!isNew) return;
      const terms = transport.directory.termsOfService;
      const accepted = terms ? `; this accepts the CA's terms: ${printable(terms)}` : "";
      system.log(`Registered account ${printable(url)}${accepted}`);
    },
  });
}

/** Reads the account key; it must not be a certificate key (RFC 8555 §11.1).
 *
 * @param config the configuration
 * @throws {LineError} it is missing or damaged
 */
async function readAccountKey(config: Config): Promise<KeyPair> {
  const { accountKey } = config.acme;
  const bytes = read(accountKey);
  if (!bytes) {
    throw new LineError(`There is no account key "${accountKey}"`, { hint: "run init to create one" });
  }
  const pair = await importKey(new TextDecoder().decode(bytes)).catch((error) => {
    throw new LineError(`Cannot use the account key "${accountKey}": ${error.message}`);
  });
  const spki = await spkiHash(pair.spki);
  for (const slot of ["live", "staging"] as const) {
    if ((await readPair(config, slot)).key?.key?.spki === spki) {
      throw new ConfigError(`${config.file}: the account key "${accountKey}" is the ${slot} key too`, {
        hint: "name another file: init creates it",
      });
    }
  }
  return pair;
}

/** Creates the account key where it is missing: ECDSA on P-256, since signing with it costs least.
 *
 * @param config the configuration
 * @param system is told what was made
 */
export async function createAccountKey(config: Config, system: Pick<System, "log">): Promise<void> {
  const { accountKey } = config.acme;
  // Several lines may share an account key, and begin at the same time: each has a temporary name of its own.
  const line = new TextEncoder().encode(paths(config).state);
  const temporary = temporaryName(`${accountKey}.${(await sha256(line)).slice(0, 8)}`);
  remove(temporary);
  if (exists(accountKey)) return;
  makeDirectory(directoryOf(accountKey), 0o700);
  const pem = await exportKey(await generateKey({ type: "ecdsa", length: 256 }));
  put(accountKey, new TextEncoder().encode(pem), { mode: 0o600, new: true, temporary });
  system.log(`Generated account key "${accountKey}"`);
}
