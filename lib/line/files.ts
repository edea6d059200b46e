/** What the files of a line hold: each is read once, and parsed only where its content is not known already. */
import type { Config } from "../config/config.ts";
import { Failure } from "../errors.ts";
import { list, read } from "../disk/read.ts";
import { keyIdOf, type KeyPair, type KeyType, sha256 } from "../x509/key.ts";
import type { Certificate, SlotName } from "./line.ts";
import { pathsOf } from "./paths.ts";
import type { Contents } from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A file of the line and what it holds; without `key` or `certificate` it is damaged. */
export interface KeyFile {
  bytes: Bytes;
  key?: { keyId: string; keyType: KeyType };
}
/** See {@link KeyFile}. */
export interface CertificateFile {
  bytes: Bytes;
  certificate?: Certificate;
}

/** Both files of a slot, as far as they exist. */
export interface Pair {
  key?: KeyFile;
  crt?: CertificateFile;
}

/** Both slots, and what to remember of them. */
export type Files = Record<SlotName, Pair> & { contents: Contents };

const nothing: Contents = { keys: {}, certificates: {} };

/** Reads both slots of a line.
 *
 * @param config the configuration
 * @param known what files with these contents hold: reading X.509 and importing keys costs more than all else that a
 *   run does which has nothing to do
 * @returns the files
 * @throws {Failure} a key file holds something that must not be touched, such as an encrypted key
 */
export async function readFiles(config: Config, known: Contents = nothing): Promise<Files> {
  const contents: Contents = { keys: {}, certificates: {} };
  const readPair = async (slot: SlotName): Promise<Pair> => {
    const at = pathsOf(config)[slot];
    return {
      key: await readKeyFile(at.key, known, contents),
      crt: await readCertificateFile(at.crt, known, contents),
    };
  };
  return { live: await readPair("live"), staging: await readPair("staging"), contents };
}

/** Whether key and certificate belong together. */
export function matches(key: KeyFile | undefined, crt: CertificateFile | undefined): boolean {
  return key?.key !== undefined && key.key.keyId === crt?.certificate?.keyId;
}

/** The private key that a file holds, ready to sign.
 *
 * @param file a key file that is not damaged
 */
export async function openKey({ bytes }: KeyFile): Promise<KeyPair> {
  const { importKey } = await import("../x509/import_key.ts");
  return await importKey(decode(bytes));
}

/** Every file of the backups that holds a key or a certificate, the newest first.
 *
 * @param config the line
 * @param unreadable gets the message about each that can't be read: it is no copy of anything
 */
export async function* readBackups(
  { dirs }: Config,
  unreadable: Set<string> = new Set(),
): AsyncGenerator<{ name: string } & Pair> {
  for (const name of list(dirs.backups).reverse()) {
    const path = `${dirs.backups}/${name}`;
    try {
      if (/\.key\./.test(name)) yield { name, key: await readKeyFile(path) };
      if (/\.crt\./.test(name)) yield { name, crt: await readCertificateFile(path) };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      unreadable.add(error.message);
    }
  }
}

async function readKeyFile(path: string, known = nothing, learnt?: Contents): Promise<KeyFile | undefined> {
  const bytes = read(path);
  if (!bytes) return undefined;
  const hash = await sha256(bytes);
  let key = known.keys[hash];
  if (!key) {
    const { importKey, UnsupportedKeyError } = await import("../x509/import_key.ts");
    try {
      const { publicKey, keyType } = await importKey(decode(bytes));
      key = { keyId: await keyIdOf(publicKey), ...keyType };
    } catch (error) {
      // A key for somebody is not damage to be repaired.
      if (error instanceof UnsupportedKeyError) {
        throw new Failure("files.key", `Cannot use "${path}": ${error.message}`, { path });
      }
      return { bytes };
    }
  }
  if (learnt) learnt.keys[hash] = key;
  const { keyId, ...keyType } = key;
  return { bytes, key: { keyId, keyType } };
}

async function readCertificateFile(
  path: string,
  known = nothing,
  learnt?: Contents,
): Promise<CertificateFile | undefined> {
  const bytes = read(path);
  if (!bytes) return undefined;
  const hash = await sha256(bytes);
  let facts = known.certificates[hash];
  if (!facts) {
    const { readCertificate } = await import("../x509/certificate.ts");
    try {
      const read = await readCertificate(decode(bytes));
      const { notBefore, notAfter, names, keyId, serial, authorityKeyId } = read;
      facts = {
        names,
        keyId,
        serial,
        ...authorityKeyId ? { authorityKeyId } : {},
        notBefore: notBefore.toISOString(),
        notAfter: notAfter.toISOString(),
      };
    } catch {
      return { bytes };
    }
  }
  if (learnt) learnt.certificates[hash] = facts;
  const { notBefore, notAfter, ...rest } = facts;
  return { bytes, certificate: { ...rest, notBefore: new Date(notBefore), notAfter: new Date(notAfter) } };
}

const decode = (bytes: Bytes) => new TextDecoder().decode(bytes);

/** Whether two contents are the same. */
export function equal(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
