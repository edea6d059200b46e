/** A CA of our own: verifies every JWS, counts everything, and misbehaves where a test says so; over real TLS, or in one
 * process with a `fetch` and a clock that a test moves. See `ca/`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { handle, type Received } from "./ca/ca.ts";
import { State } from "./ca/state.ts";
import { makeTlsCertificate } from "./pebble.ts";

export type { Answer, Call, Exchange, Fault } from "./ca/answers.ts";
export { json, problem, Refusal, refusal, refuse } from "./ca/answers.ts";
export { type RequestKind, requestKinds } from "./ca/objects.ts";
export type { Authorization, Issued, Order } from "./ca/objects.ts";
export type { Behaviour } from "./ca/state.ts";

/** A CA at work. */
export type ScriptedCa = State & AsyncDisposable & {
  /** The root that issued chains lead to, PEM. */
  root(): Promise<string>;
  /** Answers without any network; only the CA that has no server has it. */
  fetch: typeof fetch;
};

/** Starts the CA on a free loopback port; it has no limits, and remembers nothing beyond its end. */
export async function startScriptedCa(): Promise<ScriptedCa> {
  const folder = await makeFolder();
  await makeTlsCertificate(folder);
  const tls = {
    key: await Deno.readTextFile(`${folder}/tls.key`),
    cert: await Deno.readTextFile(`${folder}/tls.crt`),
  };
  const server = createServer(tls, (request, response) => {
    serve(state, request, response).catch((error) => {
      state.failed(error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const state = await State.make(`https://localhost:${(server.address() as AddressInfo).port}`, folder);
  return complete(state, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}

/** Makes a CA in this process: `world.fetch` is its `fetch`. */
export async function makeScriptedCa(): Promise<ScriptedCa> {
  const folder = await makeFolder();
  const state = await State.make("https://ca.example", folder);
  await Deno.writeTextFile(state.caFile, state.rootCa.pem);
  return complete(state, () => Promise.resolve());
}

async function makeFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  await Deno.mkdir(`${folder}/challenges`);
  return folder;
}

function complete(state: State, close: () => Promise<void>): ScriptedCa {
  return Object.assign(state, {
    root: () => Promise.resolve(state.rootCa.pem),
    fetch: ((url: string, init?: RequestInit) => fetchFrom(state, url, init)) as typeof fetch,
    async [Symbol.asyncDispose]() {
      await close();
      await Deno.remove(state.folder, { recursive: true });
    },
  });
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const received: Received = {
    method: request.method ?? "",
    url: `${state.base}${request.url}`,
    headers: new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    text: await new Blob(chunks as BlobPart[]).text(),
  };
  const answer = await handle(state, received, response);
  if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
}

async function fetchFrom(state: State, url: string, init: RequestInit = {}): Promise<Response> {
  init.signal?.throwIfAborted();
  if (!url.startsWith(state.base)) throw new TypeError(`no route to ${url}`);
  const headers = new Headers(init.headers);
  headers.set("user-agent", headers.get("user-agent") ?? "Deno");
  const received = { method: init.method ?? "GET", url, headers, text: String(init.body ?? "") };
  const answer = await handle(state, received);
  if (!answer) throw new TypeError("connection reset");
  const { status, body } = answer;
  return new Response(received.method === "HEAD" ? null : body as BodyInit, {
    status,
    headers: { date: state.now().toUTCString(), ...answer.headers },
  });
}
