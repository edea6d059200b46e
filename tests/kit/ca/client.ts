/** The smallest client: to try the scripted CA with; only keys and CSRs are made by the program under test. */
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createCsr } from "../../../lib/x509/csr.ts";
import { generateKey } from "../../../lib/x509/key.ts";
import { assertEquals } from "../assert.ts";
import { thumbprint } from "./jws_check.ts";
import type { Jwk } from "./objects.ts";
import type { ScriptedCa } from "../scripted_ca.ts";

/** What came back. */
export interface Reply {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any
  body: any;
}

const encode = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });

/** A flattened JWS by an ECDSA key on P-256. */
export function makeJws(key: KeyObject, header: object, payload?: unknown) {
  const head = encode({ alg: "ES256", ...header });
  const body = payload === undefined ? "" : encode(payload);
  const bytes = new TextEncoder().encode(`${head}.${body}`);
  const signature = sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
  return { protected: head, payload: body, signature };
}

/** External account binding, RFC 8555 §7.3.4. */
export function makeBinding(key: string, header: object, jwk: Jwk) {
  const head = encode({ alg: "HS256", ...header });
  const body = encode(jwk);
  const mac = createHmac("sha256", Uint8Array.fromBase64(key, { alphabet: "base64url" }));
  return { protected: head, payload: body, signature: mac.update(`${head}.${body}`).digest("base64url") };
}

export const jwkOf = (key: KeyObject) => createPublicKey(key).export({ format: "jwk" }) as Jwk;

/** See above. */
export class Client {
  kid?: string;

  constructor(readonly ca: ScriptedCa, public key: KeyObject) {}

  async send(url: string, jws: object): Promise<Reply> {
    const response = await this.ca.fetch(url, {
      method: "POST",
      headers: { "content-type": "application/jose+json" },
      body: JSON.stringify(jws),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  async nonce(): Promise<string> {
    return (await this.ca.fetch(`${this.ca.base}/newNonce`, { method: "HEAD" })).headers.get("replay-nonce")!;
  }

  /** Sends a request by account, or by key where there is none yet. */
  async post(path: string, payload?: unknown, header: object = {}): Promise<Reply> {
    const url = path.startsWith("https:") ? path : `${this.ca.base}/${path}`;
    const name = this.kid ? { kid: this.kid } : { jwk: jwkOf(this.key) };
    return await this.send(
      url,
      makeJws(this.key, { ...name, nonce: await this.nonce(), url, ...header }, payload),
    );
  }

  async register(more: object = {}): Promise<Reply> {
    const reply = await this.post("newAccount", { termsOfServiceAgreed: true, ...more });
    if (reply.status < 300) this.kid = reply.headers.get("location")!;
    return reply;
  }

  order(names: string[], more: object = {}): Promise<Reply> {
    const identifiers = names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? "ip" : "dns", value }));
    return this.post("newOrder", { identifiers, ...more });
  }

  /** Answers the challenges of an order.
   *
   * @param isRight whether the web root shows what it should
   */
  async answer({ body }: Reply, isRight = true): Promise<Reply[]> {
    const replies: Reply[] = [];
    for (const url of body.authorizations) {
      const { challenges, status } = (await this.post(url)).body;
      if (status === "valid") continue;
      const path = `${this.ca.challengeDir}/${challenges[0].token}`;
      if (isRight) await Deno.writeTextFile(path, `${challenges[0].token}.${thumbprint(jwkOf(this.key))}`);
      replies.push(await this.post(challenges[0].url, {}));
      if (isRight) await Deno.remove(path);
    }
    return replies;
  }
}

export const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
/** The key of every certificate here. */
export const certificateKey = await generateKey({ type: "ecdsa", length: 256 });
/** A reply in short: its status, and the kind of problem. */
export const kindOf = ({ status, body }: Reply) => `${status} ${String(body?.type).split(":").at(-1)}`;

/** A client with an account. */
export async function begin(ca: ScriptedCa): Promise<Client> {
  const client = new Client(ca, newKey());
  assertEquals((await client.register()).status, 201);
  return client;
}

export async function finalize(client: Client, order: Reply): Promise<Reply> {
  const names = order.body.identifiers.map(({ value }: { value: string }) => value);
  return await client.post(order.body.finalize, {
    csr: (await createCsr(certificateKey, names)).toBase64({ alphabet: "base64url", omitPadding: true }),
  });
}

/** From names to a certificate's URL. */
export async function obtain(client: Client, names: string[], more: object = {}): Promise<string> {
  const order = await client.order(names, more);
  assertEquals(order.status, 201, JSON.stringify(order.body));
  await client.answer(order);
  const { body } = await finalize(client, order);
  assertEquals(body.status, "valid", JSON.stringify(body));
  return body.certificate;
}
