/** Revoking certificates, RFC 8555 §7.6. */
import { Failure } from "../errors.ts";
import type { KeyPair } from "../x509/key.ts";
import { Connection } from "./connection.ts";
import { problemName } from "./failure.ts";
import { base64url } from "./jws.ts";
import type { Reply } from "./reply.ts";

/** Revokes a certificate with its own key, which needs no account (RFC 8555 §7.6).
 *
 * @param ca the CA: the URL of its directory, or a conversation with it
 * @param certificate its DER
 * @param options `key`: that of the certificate; `reason`: RFC 5280 §5.3.1
 * @returns whether it had not been revoked before
 * @throws {Failure} the CA refuses, or can't be reached
 */
export async function revokeByKey(
  ca: Connection | string,
  certificate: Uint8Array,
  { key, reason }: { key: KeyPair; reason?: number },
): Promise<boolean> {
  const connection = typeof ca === "string" ? await Connection.open(ca) : ca;
  const post = (url: string, payload: object) => connection.post({ key, jwk: key.jwk }, url, payload);
  return await revoke(connection, { certificate, reason, post });
}

/** Revokes a certificate.
 *
 * @param connection the CA
 * @param revocation of which certificate (DER), why, and by whose signature
 * @returns whether it had not been revoked before
 * @throws {Failure} the CA refuses, or can't be reached
 */
export async function revoke(
  connection: Connection,
  { certificate, reason, post }: {
    certificate: Uint8Array;
    reason?: number;
    post(url: string, payload: object): Promise<Reply>;
  },
): Promise<boolean> {
  const url = endpoint(connection, "revokeCert", "revoke certificates");
  try {
    await post(url, { certificate: base64url(certificate), ...reason === undefined ? {} : { reason } });
    return true;
  } catch (error) {
    if (problemName(error) !== "alreadyRevoked") throw error;
    return false;
  }
}

/** Where the CA does something that it need not offer.
 *
 * @throws {Failure} it doesn't
 */
export function endpoint(
  { directory }: Connection,
  name: "revokeCert" | "keyChange",
  purpose: string,
): string {
  const url = directory[name];
  if (url) return url;
  throw new Failure("ca.protocol", `The CA's directory has no way to ${purpose}`);
}
