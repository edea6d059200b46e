/** The account at a CA, RFC 8555 §7.3. */
import { Failure } from "../errors.ts";
import type { KeyPair } from "../x509/key.ts";
import { Connection } from "./connection.ts";
import { problemName } from "./failure.ts";
import { type Signer, signJws, thumbprint } from "./jws.ts";
import type { AccountObject } from "./objects.ts";
import { obtain, type Obtained, type OrderRequest } from "./order.ts";
import { type AccountOptions, register } from "./registration.ts";
import type { Reply } from "./reply.ts";
import { endpoint, revoke } from "./revocation.ts";
import { parseAccount } from "./schemas.ts";

/** An account at a CA. */
export class Account {
  /** The way to the CA. */
  readonly connection: Connection;
  /** Its URL, the `kid` of every request; CAA records may pin it (RFC 8657). The CA may give it a new one. */
  url: string;
  /** The part of each key authorization that belongs to the account key, RFC 8555 §8.1. */
  thumbprint: string;
  #key: KeyPair;
  readonly #options: AccountOptions;
  /** The URL that an earlier run was told, and whether the CA has accepted it in this one. */
  readonly #known?: string;
  #isConfirmed = false;
  #again?: Promise<string>;

  private constructor(
    connection: Connection,
    key: KeyPair,
    of: { url: string; thumbprint: string; options: AccountOptions },
  ) {
    this.connection = connection;
    this.url = of.url;
    this.thumbprint = of.thumbprint;
    this.#key = key;
    this.#options = of.options;
    this.#known = of.options.url;
  }

  /** Finds the account of a key, and registers it where the CA doesn't know it (RFC 8555 §7.3).
   *
   * @param ca the CA: the URL of its directory, or a conversation with it
   * @param key the account key
   * @param options agrees to nothing unless it says so
   * @returns the account
   * @throws {Failure} `ca.terms`: the CA's terms of service have to be agreed to first; any other: the CA refuses the account, or
   *   can't be reached
   */
  static async open(ca: Connection | string, key: KeyPair, options: AccountOptions = {}): Promise<Account> {
    const connection = typeof ca === "string" ? await Connection.open(ca) : ca;
    const url = options.url ?? await register(connection, key, options);
    return new Account(connection, key, { url, thumbprint: await thumbprint(key.jwk), options });
  }

  /** Sends a request signed by the account key.
   *
   * @param url whom
   * @param payload absent: a read (POST-as-GET, RFC 8555 §6.3)
   * @param signal ends it
   * @returns the CA's answer
   * @throws {Failure} the CA can't be reached, or refuses
   */
  async post(url: string, payload?: object, signal?: AbortSignal): Promise<Reply> {
    const kid = this.url;
    try {
      const reply = await this.connection.post(this.#signer(kid), url, payload, signal);
      this.#isConfirmed = true;
      return reply;
    } catch (error) {
      if (kid !== this.#known || !await this.#hasMoved(error)) throw error;
      return await this.connection.post(this.#signer(this.url), url, payload, signal);
    }
  }

  /** Obtains a certificate: order, challenges, finalize, download (RFC 8555 §7.4).
   *
   * @param request the order, the certification request, and what answers challenges
   * @returns the chain as the CA sent it, unchecked; see `checkChain` of `./x509`
   * @throws {Failure} see {@link obtain}
   */
  obtain(request: OrderRequest): Promise<Obtained> {
    return obtain(this, request);
  }

  /** Revokes a certificate that this account obtained, or holds all names of (RFC 8555 §7.6).
   *
   * @param certificate its DER
   * @param options `reason`: RFC 5280 §5.3.1; `key`: signs with the certificate's own key instead, by which the CA learns that
   *   others have it, too
   * @returns whether it had not been revoked before
   * @throws {Failure} the CA refuses, or can't be reached
   */
  revoke(
    certificate: Uint8Array,
    { reason, key }: { reason?: number; key?: KeyPair } = {},
  ): Promise<boolean> {
    const post = (url: string, payload: object) =>
      key ? this.connection.post({ key, jwk: key.jwk }, url, payload) : this.post(url, payload);
    return revoke(this.connection, { certificate, reason, post });
  }

  /** What the CA has of the account, RFC 8555 §7.1.2.
   *
   * @throws {Failure} the CA refuses, as where the account is deactivated, or can't be reached
   */
  async read(): Promise<AccountObject> {
    return parseAccount((await this.post(this.url)).json());
  }

  /** Gives the account another key, RFC 8555 §7.3.5.
   *
   * @param key the new one, which must not be that of any account
   * @throws {Failure} the CA refuses, and the old key stays; where it could not be reached, only asking with both keys tells
   */
  async changeKey(key: KeyPair): Promise<void> {
    const url = endpoint(this.connection, "keyChange", "change account keys");
    const payload = { account: this.url, oldKey: this.#key.jwk };
    await this.post(url, await signJws({ key, jwk: key.jwk }, { url, payload }));
    this.thumbprint = await thumbprint(key.jwk);
    this.#key = key;
  }

  /** Ends the account for ever, RFC 8555 §7.3.6.
   *
   * @throws {Failure} the CA refuses, or can't be reached
   */
  async deactivate(): Promise<void> {
    await this.post(this.url, { status: "deactivated" });
  }

  #signer(kid: string): Signer {
    return { key: this.#key, kid };
  }

  /** Whether the CA knows the key under another URL than an earlier run was told; it is asked once for all requests under way.
   * RFC 8555 §7.3.1: where it has lost the account, the same key gets a new one. */
  async #hasMoved(error: unknown): Promise<boolean> {
    const name = problemName(error) ?? "";
    const isLost = name === "accountDoesNotExist";
    const isDoubtful = !this.#isConfirmed && ["malformed", "unauthorized"].includes(name);
    if (!isLost && !isDoubtful) return false;
    this.#again ??= register(this.connection, this.#key, this.#options);
    try {
      this.url = await this.#again;
    } catch (failure) {
      if (isLost || !(failure instanceof Failure)) throw failure;
      return false; // the first refusal says more
    }
    return isLost || this.url !== this.#known;
  }
}
