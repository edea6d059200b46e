/** ACME (RFC 8555): certificates from nothing to PEM, over any network.
 *
 * ```ts
 * import { Account, letsEncrypt, toIdentifier, type Solver } from "@letsencrypt-tiny/letsencrypt-tiny/acme";
 * import { checkChain, createCsr, exportKey, generateKey, keyIdOf } from "@letsencrypt-tiny/letsencrypt-tiny/x509";
 *
 * const names = ["example.org", "www.example.org"];
 * const webRoot: Solver = {
 *   type: "http-01",
 *   async present(challenges) {
 *     for (const { token, keyAuthorization } of challenges) {
 *       await Deno.writeTextFile(`/srv/acme-challenge/${token}`, keyAuthorization);
 *     }
 *   },
 *   async remove(challenges) {
 *     for (const { token } of challenges) await Deno.remove(`/srv/acme-challenge/${token}`);
 *   },
 * };
 *
 * const accountKey = await generateKey({ type: "ecdsa", length: 256 });
 * const account = await Account.open(letsEncrypt.staging, accountKey, { termsOfServiceAgreed: true });
 * const key = await generateKey({ type: "ecdsa", length: 256 });
 * const { chain } = await account.obtain({
 *   order: { identifiers: names.map(toIdentifier) },
 *   csr: createCsr(key, names),
 *   solvers: [webRoot],
 *   signal: AbortSignal.timeout(600_000),
 * });
 * const keyId = await keyIdOf(key.publicKey);
 * const { pem } = await checkChain(chain, { keyId, names, now: new Date() });
 * console.log(await exportKey(key) + pem);
 * ```
 *
 * @module
 */
export { Account } from "./account.ts";
export type { AccountOptions } from "./registration.ts";
export { revokeByKey } from "./revocation.ts";
export { type Presented, type Solver, txtValueOf } from "./challenge.ts";
export { Connection } from "./connection.ts";
export type { Requester } from "./requester.ts";
export type { ExternalAccountBinding, Signer } from "./jws.ts";
export { type Network, webNetwork } from "./network.ts";
export {
  type AccountObject,
  type Challenge,
  type Directory,
  type DirectoryMeta,
  type Identifier,
  type NewOrder,
  type Order,
  type SuggestedWindow,
  toIdentifier,
} from "./objects.ts";
export { chainOf, obtain, type Obtained, type OrderRequest } from "./order.ts";
export { askRenewalInfo, certIdOf, chooseTime, type RenewalInfo } from "./renewal_info.ts";
export type { Reply } from "./reply.ts";
export type { Certificate } from "../x509/certificate.ts";
export type { KeyPair, KeyType, PublicJwk } from "../x509/key.ts";
export type { Name } from "../x509/name.ts";
export { type About, type Area, type FailedName, Failure, type Kind, type Problem } from "../errors.ts";

/** The directories of Let's Encrypt; the staging one issues for tests, with generous limits and without being trusted. */
export const letsEncrypt: { readonly production: string; readonly staging: string } = {
  production: "https://acme-v02.api.letsencrypt.org/directory",
  staging: "https://acme-staging-v02.api.letsencrypt.org/directory",
};
