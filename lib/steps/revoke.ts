/** Revoking what is not in use any more, RFC 8555 §7.6. */
import { Failure } from "../errors.ts";
import { type CertificateFile, openKey, readBackups } from "../line/files.ts";
import { isLive, type Line, type Revocation } from "../line/line.ts";
import { firstBlock } from "../x509/certificate.ts";
import type { KeyPair } from "../x509/key.ts";
import { giveUp } from "./order_book.ts";
import type { Session } from "./session.ts";
import { formatSerial } from "../x509/serial.ts";

const keyCompromise = 1; // RFC 5280 §5.3.1
const superseded = 4;

/** Remembers what is to be revoked: the live certificate, which is superseded, or all for the live key, which others have.
 *
 * @param command what was asked for
 * @param line whose live pair is meant
 * @param session remembers
 * @throws {Failure} `run.waiting`: the compromise of an earlier key is still under way
 */
export function askForRevocation(
  command: "revoke" | "compromise",
  { live }: Line,
  { memory }: Session,
): void {
  const known = memory.value.revocations;
  if (live.kind === "empty") return;
  if (command === "compromise") {
    if (known.some((each) => "keyId" in each && each.keyId !== live.key.keyId)) {
      throw new Failure(
        "run.waiting",
        "The compromise of an earlier key is still under way: the live key is another one",
      );
    }
    // No other certificate is obtained for this key, and what a revoke has begun is part of it.
    const others = known.filter((each) => !("serial" in each && isLive(each, live)));
    memory.update({
      revocations: [...others.filter((each) => !isLive(each, live)), {
        keyId: live.key.keyId,
        reason: keyCompromise,
      }],
    });
    return;
  }
  // A second `revoke` before the first is done must not revoke the replacement.
  if (live.kind !== "certified" || known.some(({ reason }) => reason === superseded)) return;
  memory.update({ revocations: [...known, { serial: live.certificate.serial, reason: superseded }] });
}

/** Revokes all that is remembered for it and no longer live; what the CA refuses for good is not asked again.
 *
 * @param session whose backups hold the certificates
 * @throws {Failure} the CA refuses, or can't be reached
 */
export async function revokePending(session: Session): Promise<void> {
  const { config, memory, world, files: { live } } = session;
  const failures: Failure[] = [];
  for (const revocation of memory.value.revocations) {
    if (isFor(revocation, live.crt)) continue;
    const { failed, copies } = await revokeAll(revocation, session);
    failures.push(...failed);
    if (copies === 0) {
      const what = "serial" in revocation
        ? `certificate ${formatSerial(revocation.serial)}`
        : `the certificates for key ${revocation.keyId}`;
      world.warn(`warning: no copy of ${what} in "${config.dirs.backups}": not revoked; ask the CA to do it`);
    }
    if (failed.some((each) => each.isTemporary)) continue;
    memory.update({ revocations: memory.value.revocations.filter((each) => each !== revocation) });
  }
  const [first, ...others] = failures;
  for (const { message } of others) if (message !== first.message) world.warn(`warning: ${message}`);
  if (first) throw first;
}

/** Every copy of what a revocation is for; one that the CA doesn't know must not save the others. */
async function revokeAll(
  revocation: Revocation,
  session: Session,
): Promise<{ failed: Failure[]; copies: number }> {
  const { config, memory, world } = session;
  const failed: Failure[] = [];
  let copies = 0;
  if ("keyId" in revocation) failed.push(...await settleOrders(revocation.keyId, session));
  const key = "keyId" in revocation ? await findKey(revocation.keyId, session) : undefined;
  for await (const { crt } of readBackups(config)) {
    if (!crt?.certificate || !isFor(revocation, crt)) continue;
    copies++;
    const { serial, names, notAfter } = crt.certificate;
    if (notAfter <= world.now() || serial in memory.value.revoked) continue;
    try {
      const isNew = await revoke(crt, { reason: revocation.reason, key }, session);
      memory.update({
        revoked: { ...alive(memory.value.revoked, world.now()), [serial]: notAfter.toISOString() },
      });
      if (isNew) world.log(`Revoked certificate ${formatSerial(serial)} for ${names.join(" ")}`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failed.push(describeRefusal(error, serial));
    }
  }
  return { failed, copies };
}

/** What the CA has issued for a compromised key, though it never came here, is to be revoked too. */
async function settleOrders(keyId: string, session: Session): Promise<Failure[]> {
  const failed: Failure[] = [];
  for (const each of session.memory.value.orders) {
    if (each.outcome !== "open" || each.keyId !== keyId) continue;
    try {
      await giveUp(each, session, await session.account());
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failed.push(error);
    }
  }
  return failed;
}

/** By a compromised key itself, so that the CA learns that others have it and blocks it (RFC 8555 §7.6); by the account where
 * its copy is not at hand. */
async function revoke(
  { bytes }: CertificateFile,
  { reason, key }: { reason: number; key?: KeyPair },
  session: Session,
): Promise<boolean> {
  const account = await session.account();
  return await account.revoke(firstBlock(new TextDecoder().decode(bytes)), { reason, key });
}

async function findKey(keyId: string, { config }: Session): Promise<KeyPair | undefined> {
  for await (const { key } of readBackups(config)) {
    if (key?.key?.keyId === keyId) return await openKey(key);
  }
}

function describeRefusal(error: Failure, serial: string): Failure {
  if (error.isTemporary) return error;
  const message = `Certificate ${
    formatSerial(serial)
  } is not revoked, though no longer in use: ${error.message}`;
  return new Failure(error.kind, message, error.about);
}

const isFor = (revocation: Revocation, crt: CertificateFile | undefined): boolean =>
  "serial" in revocation
    ? crt?.certificate?.serial === revocation.serial
    : crt?.certificate?.keyId === revocation.keyId;

/** Those that somebody could still take for good. */
const alive = (revoked: Record<string, string>, now: Date): Record<string, string> =>
  Object.fromEntries(Object.entries(revoked).filter(([, end]) => Date.parse(end) > +now));
