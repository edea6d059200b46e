/** One certificate: from a key, old or new, to the installed file. */
import type { Account } from "../acme/account.ts";
import { type NewOrder, toIdentifier } from "../acme/objects.ts";
import type { Obtained } from "../acme/order.ts";
import { certIdOf } from "../line/renewal_memory.ts";
import { checkWritable, makeDirectory } from "../disk/directory.ts";
import { read } from "../disk/read.ts";
import { Failure } from "../errors.ts";
import type { Step } from "../line/decide.ts";
import { equal, openKey } from "../line/files.ts";
import { keyMode } from "../line/modes.ts";
import { exportKey, generateKey, keyIdOf, type KeyPair } from "../x509/key.ts";
import { rememberAccount } from "./ca.ts";
import { installCertificate, keepCertificate, writeNewKey } from "./install.ts";
import { OrderBook } from "./order_book.ts";
import type { Session } from "./session.ts";
import { solverFor } from "./solvers.ts";

type Obtain = Step & { kind: "obtain" };

/** For one certificate, all waiting included, milliseconds. */
const obtainTimeout = 600_000;

/** Obtains a certificate for a slot and installs it; an order that an earlier run began is taken up.
 *
 * @param step which slot, and the names
 * @param session what to work with
 * @throws {Failure} the CA, the network or the disk fails; nothing has been replaced
 */
export async function obtain(step: Obtain, session: Session): Promise<void> {
  checkPlaces(step, session);
  const account = session.account();
  account.catch(() => {}); // the key is looked at meanwhile, and what is wrong with it comes first
  const key = step.newKey ? generate(step, session) : readKey(step, session);
  key.catch(() => {}); // heard of where it is needed, though the CA may fail first
  const keyId = step.newKey ? undefined : await keyIdOf((await key).publicKey);
  try {
    const book = new OrderBook(step, session, keyId);
    await book.giveUpStale(await account);
    let pem = await order(await account, key, { step, session, book });
    // An order that was there already may have been for the present certificate: a crash came before it was forgotten.
    if (isInstalled(pem, step, session)) {
      book.close("installed");
      pem = await order(await account, key, { step, session, book });
    }
    if (isInstalled(pem, step, session)) {
      throw new Failure(
        "ca.protocol",
        "The CA answers a new order with the certificate that is installed already",
      );
    }
    await installCertificate(session.config, step.slot, pem);
    book.close("installed");
    rememberOrigin(await account, book.serial!, session);
    rememberAccount(session, await account);
  } finally {
    await key; // a later run goes on with it, whatever became of the order
  }
}

/** Before the CA is asked for anything: what will be written can be. */
function checkPlaces({ newKey }: Obtain, { config }: Session): void {
  const { dirs, acme } = config;
  makeDirectory(dirs.backups, 0o700); // whoever tidied it away did no harm yet
  for (const directory of Object.values(dirs)) checkWritable(directory);
  // A server that can't read its new key would be found out when that goes live.
  if (newKey) checkWritable(dirs.keys, keyMode(config));
  if (acme.challengeDir) checkWritable(acme.challengeDir);
}

interface Work {
  step: Obtain;
  session: Session;
  book: OrderBook;
}

/** Places an order or takes up the one under way, and checks what comes of it. */
async function order(
  account: Account,
  key: Promise<KeyPair>,
  { step, session, book }: Work,
): Promise<string> {
  const { config, world } = session;
  const csr = async () => {
    const pair = await key;
    await book.isFor(await keyIdOf(pair.publicKey)); // before the CA hears of this key
    const { createCsr } = await import("../x509/csr.ts"); // like this key: loaded while the CA validates
    return await createCsr(pair, step.names);
  };
  const solver = await solverFor(session, book);
  const obtained = await book.watch(() =>
    account.obtain({
      order: newOrder(step, account, session),
      csr: csr(),
      solvers: [solver],
      signal: AbortSignal.timeout(obtainTimeout),
      resume: book.resumable?.url,
      onOrder: (url) => book.begin(url),
    })
  );
  const { checkChain } = await import("../x509/chain.ts");
  try {
    const expected = { keyId: await keyIdOf((await key).publicKey), names: step.names, now: world.now() };
    const chain = await preferred(account, obtained, session) ?? obtained.chain;
    const { pem, certificate, warnings } = await checkChain(chain, expected);
    for (const warning of warnings) world.warn(`warning: ${warning}`);
    book.issued(certificate.serial);
    return pem;
  } catch (error) {
    if (!(error instanceof Failure) || error.area !== "ca") throw error;
    // It was issued all the same: it counts for the CA's limits, and may have to be revoked.
    await keepCertificate(config, step.slot, obtained.chain);
    book.close("refused");
    throw error;
  }
}

/** The order; it replaces the certificate of the same slot, of the same CA and account, as RFC 9773 §5 wants it. The first one
 * of a staged key stands beside the live one, and replaces nothing. */
function newOrder(
  { names, slot, newKey }: Obtain,
  account: Account,
  { config, files, memory }: Session,
): NewOrder {
  const { directory, profile, renewalInfo } = config.acme;
  const before = files[slot].crt?.certificate;
  const origin = before && memory.value.origins?.[before.serial];
  const isSameSource = origin?.directory === directory && origin.account === account.url;
  const replaces = renewalInfo && !newKey && isSameSource ? certIdOf(before!) : undefined;
  return {
    identifiers: names.map(toIdentifier),
    ...profile ? { profile } : {},
    ...replaces ? { replaces } : {},
  };
}

/** The chain that is configured, where the CA has it; else its default. */
async function preferred(
  account: Account,
  obtained: Obtained,
  { config, world }: Session,
): Promise<string | undefined> {
  const { preferredChain } = config.acme;
  if (!preferredChain) return undefined;
  const { chainOf } = await import("../acme/order.ts");
  try {
    const chain = await chainOf(account, obtained, preferredChain);
    if (chain) return chain;
    world.warn(`warning: the CA has no chain to "${preferredChain}": its default one is used`);
  } catch (failure) {
    // The certificate is there: it must not be lost, nor ordered again, for want of another chain.
    if (!(failure instanceof Failure) || failure.area !== "ca") throw failure;
    world.warn(`warning: no chain to "${preferredChain}", the default one is used: ${failure.message}`);
  }
}

/** Where the certificates of both slots came from, and this one. */
function rememberOrigin({ url }: Account, serial: string, { config, files, memory }: Session): void {
  const { directory, profile } = config.acme;
  const known = memory.value.origins ?? {};
  const present = [files.live, files.staging].flatMap(({ crt }) => crt?.certificate?.serial ?? []);
  const kept = present.flatMap((each) => known[each] ? [[each, known[each]]] : []);
  const origin = { directory, account: url, ...profile ? { profile } : {} };
  memory.update({ origins: { ...Object.fromEntries(kept), [serial]: origin } });
}

/** Makes a key and writes it; one that is there is never replaced. */
async function generate({ slot, newKey }: Obtain, { config, memory, world, at }: Session): Promise<KeyPair> {
  const { type, length } = config.keyType;
  world.progress(`Generating a key: ${type} ${length}`);
  const pair = await generateKey(config.keyType);
  const [keyId, pem] = [await keyIdOf(pair.publicKey), await exportKey(pair)];
  // The creation time first: a key that the memory doesn't know would count from its file's time.
  memory.update({ keys: { ...memory.value.keys, [keyId]: world.now().toISOString() } });
  writeNewKey(at[slot].key, pem);
  world.log(`Generated ${slot} key: ${newKey}`);
  return pair;
}

async function readKey({ slot }: Obtain, { files, at }: Session): Promise<KeyPair> {
  const { key } = files[slot];
  if (!key?.key) {
    throw new Failure("files.key", `There is no key in "${at[slot].key}"`, { path: at[slot].key });
  }
  return await openKey(key);
}

const isInstalled = (pem: string, { slot }: Obtain, { at }: Session): boolean =>
  equal(new TextEncoder().encode(pem), read(at[slot].crt));
