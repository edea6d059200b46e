/** The account key on disk, and the account that it opens at the configured CA. */
import { Account } from "../acme/account.ts";
import type { Config } from "../config/config.ts";
import { remove } from "../disk/descriptor.ts";
import { makeDirectory } from "../disk/directory.ts";
import { directoryOf } from "../disk/names.ts";
import { exists, read } from "../disk/read.ts";
import { put } from "../disk/write.ts";
import { accountKeyTemporary } from "./needs.ts";
import { Failure, printable } from "../errors.ts";
import { type ExternalAccountBinding, thumbprint } from "../acme/jws.ts";
import { readFiles } from "../line/files.ts";
import { exportKey, generateKey, keyIdOf, type KeyPair } from "../x509/key.ts";
import { Connection } from "../acme/connection.ts";
import type { Memory } from "../line/memory.ts";
import { day } from "../time.ts";
import type { Contact, Session, World } from "./session.ts";

/** Makes what opens conversations: lines with the same CA and account key share directory, account and connection.
 *
 * @returns the way to the CA of a line; it throws a {@link Failure} where the account key is missing or damaged, or the CA
 *   refuses the account or can't be reached
 */
export function makeContact(): Contact {
  const connections = new Map<string, Promise<Connection>>();
  const accounts = new Map<string, Promise<Account>>();
  const bare = new Map<string, Connection>();
  const once = <T>(map: Map<string, T>, name: string, make: () => T): T =>
    map.get(name) ?? map.set(name, make()).get(name)!;
  const nameOf = ({ acme: { directory, caFile = "" } }: Config) => `${directory} ${caFile}`;
  const connect: Contact["connection"] = ({ config, world }) =>
    once(connections, nameOf(config), () => Connection.open(config.acme.directory, world));
  return {
    async account(session) {
      const { config } = session;
      const connection = connect(session);
      connection.catch(() => {}); // the key is looked at meanwhile, and what is wrong with it comes first
      const key = await readAccountKey(config);
      const id = `${nameOf(config)} ${await thumbprint(key.jwk)}`;
      const account = await once(accounts, id, () => open(connection, key, session));
      rememberAccount(session, account);
      return account;
    },
    connection: connect,
    bareConnection: ({ config, world }) =>
      once(bare, nameOf(config), () => Connection.to(config.acme.directory, world)),
  };
}

/** Opens the account of a key, which accepts the CA's terms. */
async function open(
  connection: Promise<Connection>,
  key: KeyPair,
  { config, memory, world }: Pick<Session, "config" | "memory" | "world">,
): Promise<Account> {
  const opened = await connection;
  const { account: known } = memory.value;
  const isKnown = known?.directory === config.acme.directory &&
    known.thumbprint === await thumbprint(key.jwk);
  const { contact } = config.acme;
  const binding = isKnown ? undefined : readBinding(config);
  return await Account.open(opened, key, {
    termsOfServiceAgreed: true,
    ...isKnown ? { url: known.url } : {},
    ...contact.length > 0 ? { contact } : {},
    ...binding ? { externalAccountBinding: binding } : {},
    onRegister(url, isNew) {
      if (!isNew) return;
      const terms = opened.directory.meta.termsOfService;
      const accepted = terms ? `; this accepts the CA's terms: ${printable(terms)}` : "";
      world.log(`Registered account ${printable(url)}${accepted}`);
    },
  });
}

/** The credentials of an account elsewhere, which the CA gave; needed once, when the account is registered. */
function readBinding({ acme: { externalAccount } }: Config): ExternalAccountBinding | undefined {
  if (!externalAccount) return undefined;
  const { keyId, keyFile } = externalAccount;
  const bytes = read(keyFile);
  if (!bytes) {
    throw new Failure("files.key", `There is no key of an external account in "${keyFile}"`, {
      path: keyFile,
    });
  }
  return { kid: keyId, key: new TextDecoder().decode(bytes).trim() };
}

/** Remembers the URL of an account, which saves a request next time; the CA may have given it a new one meanwhile.
 *
 * @param session names the CA, and remembers
 * @param account the account
 */
export function rememberAccount(
  { config, memory, world }: Pick<Session, "config" | "memory" | "world">,
  { url, thumbprint, connection }: Account,
): void {
  const { directory } = config.acme;
  const { renewalInfo: where } = connection.directory;
  const known = memory.value.renewalInfo;
  const isKnown = known?.directory === directory && known.url === where &&
    Date.parse(known.readAt) + day / 2 > +world.now();
  memory.update({
    account: { directory, thumbprint, url },
    renewalInfo: isKnown ? known : renewalInfoAt(directory, where, { memory, world }),
  });
}

/** Where the CA says when to renew, as its directory has it now.
 *
 * @param directory the CA's
 * @param url absent: it says nothing
 * @param session remembers
 */
export function renewalInfoAt(
  directory: string,
  url: string | undefined,
  { memory, world }: Pick<Session, "memory" | "world">,
): Memory["renewalInfo"] {
  const known = memory.value.renewalInfo;
  const windows = known?.directory === directory ? known.windows : {};
  return { directory, readAt: world.now().toISOString(), windows, ...url ? { url } : {} };
}

/** Reads the account key; it must not be a certificate key (RFC 8555 §11.1).
 *
 * @param config the configuration
 * @throws {Failure} it is missing or damaged
 */
async function readAccountKey(config: Config): Promise<KeyPair> {
  const { accountKey } = config.acme;
  const bytes = read(accountKey);
  if (!bytes) {
    throw new Failure("files.key", `There is no account key "${accountKey}"`, {
      path: accountKey,
      cure: "run init to create one",
    });
  }
  const { importKey } = await import("../x509/import_key.ts");
  const pair = await importKey(new TextDecoder().decode(bytes)).catch((error) => {
    throw new Failure("files.key", `Cannot use the account key "${accountKey}": ${error.message}`, {
      path: accountKey,
    });
  });
  const keyId = await keyIdOf(pair.publicKey);
  const files = await readFiles(config);
  for (const slot of ["live", "staging"] as const) {
    if (files[slot].key?.key?.keyId === keyId) {
      throw new Failure(
        "config.account-key",
        `${config.file}: the account key "${accountKey}" is the ${slot} key too`,
        { path: accountKey },
      );
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
