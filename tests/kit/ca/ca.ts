/** The scripted CA itself: from a request to an answer, and no network. */
import * as accounts from "./accounts.ts";
import { type Answer, type Call, type Exchange, json, problem, Refusal } from "./answers.ts";
import * as certificates from "./certificates.ts";
import { checkRequest } from "./jws_check.ts";
import { otherKinds, type RequestKind, requestKinds } from "./objects.ts";
import * as orders from "./orders.ts";
import type { State } from "./state.ts";

/** A request as it came. */
export interface Received {
  method: string;
  url: string;
  headers: Headers;
  text: string;
}

const deeds: Record<RequestKind, (state: State, call: Call) => Answer | Promise<Answer>> = {
  directory: (state) => json(directoryOf(state)),
  newNonce: () => ({ status: 200, headers: {}, body: "" }),
  newAccount: accounts.newAccount,
  account: accounts.account,
  keyChange: accounts.keyChange,
  newOrder: orders.newOrder,
  order: orders.order,
  authorization: orders.authorization,
  challenge: orders.challenge,
  finalize: certificates.finalize,
  certificate: certificates.certificate,
  revokeCert: certificates.revokeCert,
  renewalInfo: certificates.renewalInfo,
};

/** What is read by GET or HEAD; everything else is signed. */
const unsigned: readonly RequestKind[] = ["directory", "newNonce", "renewalInfo"];
/** What is only read, so that its payload is empty (RFC 8555 §6.3), but for what is given up. */
const reads: readonly RequestKind[] = ["order", "authorization", "certificate"];

/** RFC 8555 §7.1.1. */
function directoryOf(state: State): { meta: Record<string, unknown> } {
  const names = ["newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"];
  if (state.renewalInfo) names.push("renewalInfo");
  const profiles = Object.entries(state.profiles ?? {}).map((
    [name, each],
  ) => [name, each.description ?? name]);
  return {
    ...Object.fromEntries(names.map((name) => [name, `${state.base}/${name}`])),
    meta: {
      termsOfService: "https://ca.example/terms",
      ...state.profiles ? { profiles: Object.fromEntries(profiles) } : {},
    },
  };
}

/** The kind of a request, by its path. */
export const kindOf = (state: State, url: string): RequestKind | undefined =>
  [...requestKinds, ...otherKinds].find((each) =>
    url === `${state.base}/${each}` || url.startsWith(`${state.base}/${each}/`)
  );

/** Answers a request, with a fresh nonce, and what faults make of the answer.
 *
 * @param state the CA
 * @param received the request
 * @param connection for faults; in one process there is none
 * @returns the answer, unless the fault has dealt with the request
 */
export async function handle(
  state: State,
  received: Received,
  connection?: Exchange["response"],
): Promise<Answer | undefined> {
  const { url } = received;
  const kind = kindOf(state, url);
  if (!kind) return problem(404, "malformed", "nothing there");
  const entry = { kind, url, begin: performance.now(), end: 0 };
  state.requests.push(entry);
  const answer = state.intercepts?.(kind) ? json({}) : await answerTo(state, kind, received);
  if (kind !== "directory" && kind !== "renewalInfo") {
    const nonce = state.id();
    state.nonces.add(nonce);
    answer.headers["replay-nonce"] = nonce;
  }
  const nth = state.requests.filter((each) => each.kind === kind).length;
  const isDone = await state.fault?.({
    ...{ kind, nth, answer },
    get response() {
      if (!connection) throw new Error("There is no connection in one process: use startScriptedCa");
      return connection;
    },
  });
  entry.end = performance.now();
  return isDone ? undefined : answer;
}

async function answerTo(state: State, kind: RequestKind, received: Received): Promise<Answer> {
  try {
    const call = readCall(state, kind, received);
    let act = async () => await deeds[kind](state, call);
    for (const each of state.behaviours.toReversed()) {
      const next = act;
      if (each.answer) act = async () => await each.answer!(call, next);
    }
    return await act();
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    throw error;
  }
}

function readCall(state: State, kind: RequestKind, { method, url, headers, text }: Received): Call {
  if (!headers.get("user-agent")) state.violations.push("no User-Agent");
  if (unsigned.includes(kind)) {
    if (method !== "GET" && method !== "HEAD") throw state.wrong(`${method} to ${kind}`);
    return { kind, url };
  }
  if (method !== "POST") throw state.wrong(`${method} to ${kind}`);
  if (headers.get("content-type") !== "application/jose+json") {
    throw state.wrong(`content type ${headers.get("content-type")}`);
  }
  const call = checkRequest(state, { kind, url, text });
  if (reads.includes(kind) && call.payload !== undefined && call.payload.status !== "deactivated") {
    throw state.wrong(`a payload in a read of ${kind}`);
  }
  return call;
}
