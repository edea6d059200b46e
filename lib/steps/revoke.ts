/** Revoking what is not in use any more, RFC 8555 §7.6. */
import type { Account } from "../acme/account.ts";
import type { Config } from "../config/config.ts";
import { problemName } from "../acme/failure.ts";
import { AcmeError, ExpectedError, TransportError } from "../errors.ts";
import { type CertificateFile, readBackups, readFiles } from "../line/files.ts";
import { base64url } from "../acme/jws.ts";
import { readPem } from "../x509/pem.ts";
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
        const { serial, domains, notAfter } = crt.certificate;
        const isNew = await revoke(account, crt, revocation.reason);
        state.update({
          revoked: { ...alive(state.value.revoked, system.now()), [serial]: notAfter.toISOString() },
        });
        if (isNew) system.log(`Revoked certificate ${serial} for ${domains.join(" ")}`);
      } catch (error) {
        if (!(error instanceof ExpectedError)) throw error;
        failures.push(error); // one that the CA doesn't know must not save the others
      }
    }
    if (copies === 0) {
      const what = "serial" in revocation
        ? `certificate ${revocation.serial}`
        : `the certificates for key ${revocation.spki}`;
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
    : crt?.certificate?.spki === revocation.spki;

/** Those that somebody could still take for good. */
const alive = (revoked: Record<string, string> = {}, now: Date): Record<string, string> =>
  Object.fromEntries(Object.entries(revoked).filter(([, end]) => Date.parse(end) > +now));

/** Returns whether it had not been revoked before. */
async function revoke(account: Account, { bytes }: CertificateFile, reason: number): Promise<boolean> {
  const { revokeCert } = account.transport.directory;
  if (!revokeCert) throw new TransportError("The CA's directory has no way to revoke certificates");
  const [{ der }] = readPem(new TextDecoder().decode(bytes)).blocks;
  try {
    await account.post(revokeCert, { certificate: base64url(der), reason });
    return true;
  } catch (error) {
    if (!(error instanceof AcmeError) || problemName(error) !== "alreadyRevoked") throw error;
    return false;
  }
}
