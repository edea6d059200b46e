/** The account key on disk, and the account that it opens at the configured CA. */
import { Account } from "../acme/account.ts";
import type { Config } from "../config/config.ts";
import { remove } from "../disk/descriptor.ts";
import { makeDirectory } from "../disk/directory.ts";
import { directoryOf } from "../disk/names.ts";
import { exists, read } from "../disk/read.ts";
import { put } from "../disk/write.ts";
import { accountKeyTemporary } from "./needs.ts";
import { ConfigError, LineError, printable } from "../errors.ts";
import { thumbprint } from "../acme/jws.ts";
import { readFiles } from "../line/files.ts";
import { exportKey, generateKey, keyIdOf, type KeyPair } from "../x509/key.ts";
import { Connection } from "../acme/connection.ts";
import type { Contact, Session, World } from "./session.ts";

/** Makes what opens conversations: lines with the same CA and account key share directory, account and connection.
 *
 * @returns the way to the CA of a line; it throws {@link LineError} where the account key is missing or damaged,
 *   {@link AcmeError} where the CA refuses the account, {@link TransportError} where it can't be reached
 */
export function makeContact(): Contact {
  const connections = new Map<string, Promise<Connection>>();
  const accounts = new Map<string, Promise<Account>>();
  return async ({ config, memory, world }) => {
    const { directory, caFile = "" } = config.acme;
    const ca = `${directory} ${caFile}`;
    let connection = connections.get(ca);
    if (!connection) connections.set(ca, connection = Connection.open(directory, world));
    connection.catch(() => {}); // the key is looked at meanwhile, and what is wrong with it comes first
    const key = await readAccountKey(config);
    const id = await thumbprint(key.jwk);
    const known = memory.value.account;
    let account = accounts.get(`${ca} ${id}`);
    if (!account) {
      account = connection.then((opened) =>
        Account.open(opened, key, {
          termsOfServiceAgreed: true,
          url: known?.directory === directory && known.thumbprint === id ? known.url : undefined,
          onRegister(url, isNew) {
            if (!isNew) return;
            const terms = opened.directory.meta.termsOfService;
            const accepted = terms ? `; this accepts the CA's terms: ${printable(terms)}` : "";
            world.log(`Registered account ${printable(url)}${accepted}`);
          },
        })
      );
      accounts.set(`${ca} ${id}`, account);
    }
    rememberAccount({ config, memory }, await account);
    return await account;
  };
}

/** Remembers the URL of an account, which saves a request next time; the CA may have given it a new one meanwhile.
 *
 * @param session names the CA, and remembers
 * @param account the account
 */
export function rememberAccount(
  { config, memory }: Pick<Session, "config" | "memory">,
  { url, thumbprint }: Account,
): void {
  memory.update({ account: { directory: config.acme.directory, thumbprint, url } });
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
  const { importKey } = await import("../x509/import_key.ts");
  const pair = await importKey(new TextDecoder().decode(bytes)).catch((error) => {
    throw new LineError(`Cannot use the account key "${accountKey}": ${error.message}`);
  });
  const keyId = await keyIdOf(pair.publicKey);
  const files = await readFiles(config);
  for (const slot of ["live", "staging"] as const) {
    if (files[slot].key?.key?.keyId === keyId) {
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
export async function createAccountKey(config: Config, system: Pick<World, "log">): Promise<void> {
  const { accountKey } = config.acme;
  const temporary = await accountKeyTemporary(config);
  remove(temporary);
  if (exists(accountKey)) return;
  makeDirectory(directoryOf(accountKey), 0o700);
  const pem = await exportKey(await generateKey({ type: "ecdsa", length: 256 }));
  if (exists(accountKey)) return;
  put(accountKey, new TextEncoder().encode(pem), { mode: 0o600, new: true, temporary });
  system.log(`Generated account key "${accountKey}"`);
}
