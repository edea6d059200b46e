/** Revoking what is not in use any more, RFC 8555 §7.6. */
import type { Account } from "../acme/account.ts";
import type { Config } from "../config/config.ts";
import { ExpectedError } from "../errors.ts";
import { type CertificateFile, readBackups, readFiles } from "../line/files.ts";
import { firstBlock } from "../x509/certificate.ts";
import type { Revocation } from "../line/decide.ts";
import type { StateFile } from "../line/memory.ts";
import type { World } from "./world.ts";

/** Revokes all that is remembered for it and no longer live; what the CA refuses for good is not asked again.
 *
 * @param config the line, whose backups hold the certificates
 * @param state remembers what is to be revoked
 * @param account who obtained the certificates
 * @param system tells what was done, and the time: an expired certificate needs no revocation
 * @throws {AcmeError} the CA refuses
 * @throws {TransportError} the CA can't be reached, or can't revoke
 */
export async function revokePending(
  config: Config,
  state: StateFile,
  account: Account,
  system: World,
): Promise<void> {
  const { live } = await readFiles(config, state.value.contents);
  for (const revocation of state.value.revocations ?? []) {
    if (isFor(revocation, live.crt)) continue;
    const failures: ExpectedError[] = [];
    let copies = 0;
    for await (const { crt } of readBackups(config)) {
      if (!crt?.certificate || !isFor(revocation, crt)) continue;
      copies++;
      if (crt.certificate.notAfter <= system.now()) continue;
      try {
        const { serial, names, notAfter } = crt.certificate;
        const der = firstBlock(new TextDecoder().decode(crt.bytes));
        const isNew = await account.revoke(der, { reason: revocation.reason });
        state.update({
          revoked: { ...alive(state.value.revoked, system.now()), [serial]: notAfter.toISOString() },
        });
        if (isNew) system.log(`Revoked certificate ${serial} for ${names.join(" ")}`);
      } catch (error) {
        if (!(error instanceof ExpectedError)) throw error;
        failures.push(error); // one that the CA doesn't know must not save the others
      }
    }
    if (copies === 0) {
      const what = "serial" in revocation
        ? `certificate ${revocation.serial}`
        : `the certificates for key ${revocation.keyId}`;
      system.warn(
        `warning: no copy of ${what} in "${config.dirs.backups}": not revoked; ask the CA to do it`,
      );
    }
    const isToRepeat = failures.some((each) => each.isTemporary);
    if (!isToRepeat) {
      state.update({ revocations: state.value.revocations?.filter((each) => each !== revocation) });
    }
    if (failures.length > 0) throw failures[0];
  }
}

const isFor = (revocation: Revocation, crt: CertificateFile | undefined): boolean =>
  "serial" in revocation
    ? crt?.certificate?.serial === revocation.serial
    : crt?.certificate?.keyId === revocation.keyId;

/** Those that somebody could still take for good. */
const alive = (revoked: Record<string, string> = {}, now: Date): Record<string, string> =>
  Object.fromEntries(Object.entries(revoked).filter(([, end]) => Date.parse(end) > +now));
