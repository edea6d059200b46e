/** One certificate: from a key, old or new, to the installed file. */
import { type Contact, rememberAccount } from "./ca.ts";
import { toIdentifier } from "../acme/objects.ts";
import type { Config } from "../config/config.ts";
import { checkWritable, makeDirectory } from "../disk/write.ts";
import { ExpectedError, LineError } from "../errors.ts";
import { openKey, readFiles } from "../line/files.ts";
import { startClock } from "./hooks.ts";
import { webRootSolver } from "./web_root.ts";
import { read } from "../disk/read.ts";
import { exportKey, generateKey, keyIdOf, type KeyPair } from "../x509/key.ts";
import { type Action, describe } from "../line/decide.ts";
import type { SlotName } from "../line/renewal.ts";
import type { StateFile } from "../line/memory.ts";
import { equal, installCertificate, paths, writeNewKey } from "./install.ts";
import type { World } from "./world.ts";

/** What a run works with. */
export interface Run {
  config: Config;
  state: StateFile;
  system: World;
  /** The way to the CA. */
  contact: Contact;
  /** Whether hooks run (`-k`). */
  hooks: boolean;
}

/** For one certificate, all waiting included, milliseconds. */
const obtainTimeout = 600_000;

/** Makes a key and writes it; one that is there is never replaced.
 *
 * @param action which slot, and why
 * @param run what to work with
 * @returns the pair, once it is durable
 * @throws {StorageError} it can't be written
 */
export async function generate(action: Action & { kind: "generate" }, run: Run): Promise<KeyPair> {
  const { config, state, system } = run;
  const { type, length } = config.keyType;
  system.progress(`Generating a key: ${type} ${length}`);
  const pair = await generateKey(config.keyType);
  const [keyId, pem] = [await keyIdOf(pair.publicKey), await exportKey(pair)];
  // The creation time first: a key that the state doesn't know would count from its file's time.
  state.update({ keys: { ...state.value.keys, [keyId]: system.now().toISOString() } });
  writeNewKey(paths(config)[action.slot].key, pem);
  system.log(describe(action)!);
  return pair;
}

/** Obtains a certificate for a slot and installs it; an order that an earlier run began is taken up.
 *
 * @param action which slot, and the names
 * @param run what to work with
 * @param generated the slot's key, where it is being made; the CA is asked meanwhile
 * @throws {ExpectedError} the CA, the network or the disk fails; nothing has been replaced
 */
export async function obtain(
  { slot, domains }: Action & { kind: "obtain" },
  run: Run,
  generated?: Promise<KeyPair>,
): Promise<void> {
  const { config, state, system } = run;
  makeDirectory(config.dirs.backups, 0o700); // whoever tidied it away did no harm yet
  for (const directory of Object.values(config.dirs)) checkWritable(directory);
  checkWritable(config.acme.challengeDir!);
  const contact = run.contact(config, state, system);
  const key = generated ?? readKey(slot, run);
  key.catch(() => {}); // heard of where it is needed, though the CA may fail first
  const account = await contact;
  const signal = AbortSignal.timeout(obtainTimeout);

  // Until there is a key, the order can be for any.
  let keyId = generated ? undefined : await keyIdOf((await key).publicKey);
  const stored = state.value.orders[slot];
  const { directory } = config.acme;
  const fits = stored?.directory === directory && stored.domains.join() === domains.join() &&
    (stored.keyId === keyId || stored.keyId === undefined);
  const orders = (order?: typeof stored) => ({ orders: { ...state.value.orders, [slot]: order } });
  let [url, tokens]: [string, string[]] = ["", []];
  const remember = () => state.update(orders({ url, directory, keyId, domains, tokens }));
  const request = async () => {
    const pair = await key;
    keyId = await keyIdOf(pair.publicKey);
    if (url) remember(); // before the CA hears of this key
    const { createCsr } = await import("../x509/csr.ts"); // like this key: loaded while the CA validates
    return await createCsr(pair, domains);
  };
  const solver = webRootSolver(config.acme.challengeDir!, (present) => {
    tokens = present;
    remember();
  });
  const order = async (resume?: string) => {
    url = "";
    const { chain } = await account.obtain({
      order: { identifiers: domains.map(toIdentifier) },
      csr: request(),
      solvers: [solver],
      signal,
      resume,
      onOrder(orderUrl) {
        url = orderUrl ?? "";
        if (url) remember();
        else state.update(orders());
      },
    });
    const { checkChain } = await import("../x509/chain.ts");
    return (await checkChain(chain, { keyId: keyId!, names: domains, now: system.now() })).pem;
  };
  let pem;
  try {
    pem = await order(fits ? stored.url : undefined);
  } catch (error) {
    // An order stays for the next run, so that nothing is ordered twice; one that then fails again gives way to a new one.
    if (!fits || !(error instanceof ExpectedError) || error.isTemporary) throw error;
    state.update(orders());
    pem = await order();
  }
  // A crash may have come between installing it and forgetting its order.
  if (fits && isInstalled(config, slot, pem)) pem = await order();
  await installCertificate(config, slot, pem);
  state.update(orders());
  rememberAccount(config, state, account);
  if (slot === "staging") await startClock(config, state, { hooks: run.hooks, now: system.now() });
}

const isInstalled = (config: Config, slot: SlotName, pem: string): boolean =>
  equal(new TextEncoder().encode(pem), read(paths(config)[slot].crt));

async function readKey(slot: SlotName, { config, state }: Run): Promise<KeyPair> {
  const { key } = (await readFiles(config, state.value.contents))[slot];
  if (!key?.key) throw new LineError(`There is no key in "${paths(config)[slot].key}"`);
  return await openKey(key);
}
