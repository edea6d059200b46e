/** A CA of our own over real TLS: verifies every JWS, counts everything, and misbehaves where a test says so. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { AsnConvert } from "@peculiar/asn1-schema";
import { CertificationRequest } from "@peculiar/asn1-csr";
import { type Jws, thumbprint } from "../../lib/acme/jws.ts";
import type { PublicJwk } from "../../lib/x509/key.ts";
import { type Content, makeRoot } from "./issuer.ts";
import { makeTlsCertificate } from "./pebble.ts";

/** The kinds of request, in the order of an issuance. */
export const requestKinds = [
  "directory",
  "newNonce",
  "newAccount",
  "newOrder",
  "authorization",
  "challenge",
  "order",
  "finalize",
  "certificate",
] as const;
export type RequestKind = typeof requestKinds[number];

/** What the CA is about to send. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/** A request as a fault sees it. */
export interface Exchange {
  kind: RequestKind;
  /** How many requests of this kind there have been, this one included. */
  nth: number;
  answer: Answer;
  /** For what HTTP libraries won't do: the connection itself. */
  response: ServerResponse;
}

/** Changes the answer; or has dealt with the connection itself, and returns true. */
export type Fault = (exchange: Exchange) => boolean | void | Promise<boolean | void>;

/** A running CA. */
export interface ScriptedCa extends AsyncDisposable {
  directory: string;
  caFile: string;
  challengeDir: string;
  folder: string;
  root(): Promise<string>;
  /** Every request, in order. */
  requests: { kind: RequestKind; url: string; begin: number; end: number }[];
  orders: Map<string, Order>;
  issued: number;
  /** What a client did wrong: empty, or the client has a bug. */
  violations: string[];
  fault?: Fault;
  /** Whether a request is answered without being looked at, so that it changes nothing here. */
  intercepts?(kind: RequestKind): boolean;
  /** Changes what a certificate says, before it is issued. */
  content?(content: Content): Content;
  /** Changes the chain that is sent. */
  chain?(pem: string[]): string;
  /** Milliseconds from the answer to a challenge until it is judged, and from finalize to the certificate. */
  patience: number;
  /** Names that an account needs no challenge for. */
  known: readonly string[];
  /** Makes the token for a name; random unless a test needs the same file names each time. */
  token(name: string): string;
}

interface Order {
  status: string;
  names: string[];
  account: string;
  authorizations: string[];
  certificate?: string;
  error?: object;
}

interface Authorization {
  name: string;
  status: string;
  token: string;
  order: string;
  error?: object;
}

/** Starts the CA on a free loopback port; it has no time limits, and remembers nothing beyond its end. */
export async function startScriptedCa(): Promise<ScriptedCa> {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  const challengeDir = `${folder}/challenges`;
  await Deno.mkdir(challengeDir);
  await makeTlsCertificate(folder);
  const root = await makeRoot("scripted root");
  const issuer = await root.intermediate("scripted intermediate");

  const nonces = new Set<string>();
  const accounts = new Map<string, PublicJwk>();
  const authorizations = new Map<string, Authorization>();
  const certificates = new Map<string, string>();
  const id = () => crypto.getRandomValues(new Uint8Array(18)).toBase64({ alphabet: "base64url" });

  const problem = (status: number, kind: string, detail: string): Answer => ({
    status,
    headers: { "content-type": "application/problem+json" },
    body: JSON.stringify({ type: `urn:ietf:params:acme:error:${kind}`, detail, status }),
  });
  const json = (body: object, status = 200, headers: Record<string, string> = {}): Answer => ({
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

  /** Verifies a request as RFC 8555 §6 wants it; what is wrong is a bug of the client. */
  async function verify(text: string, url: string): Promise<{ account: string; payload: string }> {
    const jws = JSON.parse(text) as Jws;
    const header = JSON.parse(decode(jws.protected));
    if (!nonces.delete(header.nonce)) throw problem(400, "badNonce", "unknown nonce");
    if (header.url !== url) throw wrong(`url is "${header.url}", the request went to "${url}"`);
    if ((header.jwk === undefined) === (header.kid === undefined)) throw wrong("jwk and kid, or neither");
    if ((header.kid === undefined) !== url.endsWith("/newAccount")) {
      throw wrong("jwk or kid in the wrong place");
    }
    const jwk: PublicJwk | undefined = header.jwk ?? accounts.get(header.kid);
    if (!jwk) throw problem(400, "accountDoesNotExist", "no such account");
    const algorithm = jwk.kty === "RSA"
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
      : { name: "ECDSA", namedCurve: jwk.crv, hash: "SHA-256" };
    const key = await crypto.subtle.importKey("jwk", { ...jwk }, algorithm, false, ["verify"]);
    const signed = new TextEncoder().encode(`${jws.protected}.${jws.payload}`);
    const signature = Uint8Array.fromBase64(jws.signature, { alphabet: "base64url" });
    if (!await crypto.subtle.verify(algorithm, key, signature, signed)) {
      throw wrong("the signature is not valid");
    }
    const account = `${base}/account/${await thumbprint(jwk)}`;
    if (!header.kid) accounts.set(account, jwk);
    return { account, payload: jws.payload && decode(jws.payload) };
  }
  const wrong = (what: string) => {
    ca.violations.push(what);
    return problem(400, "malformed", what);
  };

  const showOrder = (order: string) => {
    const { status, names, authorizations, certificate, error } = ca.orders.get(order)!;
    const identifiers = names.map((value) => ({ type: "dns", value }));
    return { status, identifiers, authorizations, finalize: `${order}/finalize`, certificate, error };
  };
  const showAuthorization = (url: string) => {
    const { name, status, token, error } = authorizations.get(url)!;
    const challenge = { type: "http-01", url: `${url}/challenge`, status, token, error };
    return { identifier: { type: "dns", value: name }, status, challenges: [challenge] };
  };

  /** Looks for the file in the web root. */
  async function validate(url: string): Promise<void> {
    const authorization = authorizations.get(url)!;
    if (authorization.status !== "pending") return; // answered twice, judged once
    const order = ca.orders.get(authorization.order)!;
    const expected = `${authorization.token}.${order.account.split("/").at(-1)}`;
    const found = await Deno.readTextFile(`${challengeDir}/${authorization.token}`).catch(() => undefined);
    authorization.status = found === expected ? "valid" : "invalid";
    if (found !== expected) {
      const detail = found === undefined ? "no such file" : "wrong content";
      authorization.error = { type: "urn:ietf:params:acme:error:unauthorized", detail };
      order.status = "invalid";
    } else if (order.authorizations.every((each) => authorizations.get(each)!.status === "valid")) {
      order.status = "ready";
    }
  }

  async function finalize(url: string, csr: string): Promise<void> {
    const order = ca.orders.get(url)!;
    const { certificationRequestInfo: info } = AsnConvert.parse(
      Uint8Array.fromBase64(csr, { alphabet: "base64url" }),
      CertificationRequest,
    );
    const extensions = AsnConvert.serialize(info.attributes);
    const names = order.names.filter((name) => latin1(extensions).includes(name));
    if (names.length !== order.names.length) throw problem(400, "badCSR", "other names than in the order");
    const content = { spki: new Uint8Array(AsnConvert.serialize(info.subjectPKInfo)), domains: order.names };
    const leaf = await issuer.issue(ca.content?.(content) ?? content);
    ca.issued++;
    const chain = [leaf, issuer.pem];
    order.certificate = `${base}/certificate/${id()}`;
    certificates.set(order.certificate, ca.chain?.(chain) ?? chain.join(""));
    order.status = "valid";
  }

  async function answerPost(kind: RequestKind, url: string, text: string): Promise<Answer> {
    const { account, payload } = await verify(text, url);
    const later = (act: () => Promise<void>) => ca.patience > 0 ? void setTimeout(act, ca.patience) : act();
    switch (kind) {
      case "newAccount":
        return json({ status: "valid" }, 201, { location: account });
      case "newOrder": {
        const order = `${base}/order/${id()}`;
        const names = (JSON.parse(payload).identifiers as { value: string }[]).map((each) => each.value);
        const urls = names.map((name) => {
          const url = `${base}/authorization/${id()}`;
          const status = ca.known.includes(name) ? "valid" : "pending";
          authorizations.set(url, { name, status, token: ca.token(name), order });
          return url;
        });
        const status = names.every((name) => ca.known.includes(name)) ? "ready" : "pending";
        ca.orders.set(order, { status, names, account, authorizations: urls });
        return json(showOrder(order), 201, { location: order });
      }
      case "authorization":
        return authorizations.has(url)
          ? json(showAuthorization(url))
          : problem(404, "malformed", "no such authorization");
      case "challenge": {
        const authorization = url.replace(/\/challenge$/, "");
        await later(() => validate(authorization));
        return json(showAuthorization(authorization).challenges[0]);
      }
      case "order":
        return ca.orders.has(url) ? json(showOrder(url)) : problem(404, "malformed", "no such order");
      case "finalize": {
        const order = url.replace(/\/finalize$/, "");
        if (ca.orders.get(order)?.status !== "ready") return problem(403, "orderNotReady", "not ready");
        ca.orders.get(order)!.status = "processing";
        await later(() => finalize(order, JSON.parse(payload).csr));
        return json(showOrder(order), 200, { location: order });
      }
      case "certificate": {
        const body = certificates.get(url);
        return body
          ? { status: 200, headers: { "content-type": "application/pem-certificate-chain" }, body }
          : problem(404, "malformed", "no such certificate");
      }
      case "directory":
      case "newNonce":
        throw wrong(`POST to ${kind}`);
    }
  }

  async function answer(kind: RequestKind, request: IncomingMessage, url: string): Promise<Answer> {
    if (kind === "newNonce") return { status: request.method === "HEAD" ? 200 : 204, headers: {}, body: "" };
    if (kind === "directory") {
      const urls = ["newNonce", "newAccount", "newOrder"].map((name) => [name, `${base}/${name}`]);
      return json({ ...Object.fromEntries(urls), meta: { termsOfService: "https://ca.example/terms" } });
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      return await answerPost(kind, url, await new Blob(chunks as BlobPart[]).text());
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      return refusal as Answer;
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = `${base}${request.url}`;
    const kind = requestKinds.find((each) => url.endsWith(`/${each}`)) ??
      requestKinds.find((each) => url.startsWith(`${base}/${each}/`));
    if (!kind) return void response.writeHead(404).end();
    const entry = { kind, url, begin: performance.now(), end: 0 };
    ca.requests.push(entry);
    const result = ca.intercepts?.(kind) ? json({}) : await answer(kind, request, url);
    if (kind !== "directory") {
      const nonce = id();
      nonces.add(nonce);
      result.headers["replay-nonce"] = nonce;
    }
    const nth = ca.requests.filter((each) => each.kind === kind).length;
    const isDone = await ca.fault?.({ kind, nth, answer: result, response });
    entry.end = performance.now();
    if (!isDone) response.writeHead(result.status, result.headers).end(result.body);
  }

  const tls = {
    key: await Deno.readTextFile(`${folder}/tls.key`),
    cert: await Deno.readTextFile(`${folder}/tls.crt`),
  };
  const server = createServer(tls, (request, response) => {
    serve(request, response).catch((error) => {
      ca.violations.push(`the CA itself failed: ${error}`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `https://localhost:${(server.address() as AddressInfo).port}`;
  const ca: ScriptedCa = {
    directory: `${base}/directory`,
    caFile: `${folder}/ca.crt`,
    challengeDir,
    folder,
    root: () => Promise.resolve(root.pem),
    requests: [],
    orders: new Map(),
    issued: 0,
    violations: [],
    patience: 0,
    known: [],
    token: id,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Deno.remove(folder, { recursive: true });
    },
  };
  return ca;
}

const decode = (text: string) =>
  new TextDecoder().decode(Uint8Array.fromBase64(text, { alphabet: "base64url" }));
const latin1 = (bytes: ArrayBuffer) => new TextDecoder("latin1").decode(bytes);
