/** Each request of an issuance × each fault of the network, the protocol and the certificate: what is said, what stays. */
import { assert, assertEquals } from "../kit/assert.ts";
import { openAccount, within } from "../../lib/acme/account.ts";
import { TransportError } from "../../lib/errors.ts";
import { exportKey, generateKey } from "../../lib/x509/key.ts";
import { realSystem } from "../../lib/command/world.ts";
import { openTransport } from "../../lib/acme/connection.ts";
import { type Content, makeRoot } from "../kit/issuer.ts";
import { makeLine, type TestLine } from "../kit/line.ts";
import {
  type Answer,
  type Fault,
  type RequestKind,
  requestKinds,
  type ScriptedCa,
  startScriptedCa,
} from "../kit/scripted_ca.ts";
import { isWhole, report, sample } from "./extent.ts";

/** A fault, and how a run that meets it may end; 0: it is overcome. */
interface Row {
  what: string;
  /** How often it strikes; default: for ever. */
  times?: number;
  strike(answer: Answer, exchange: Parameters<Fault>[0]): boolean | void;
  exits: number[];
  /** What standard error says then. */
  says?: RegExp;
  /** How many requests there may be; default: 60. */
  requests?: number;
  /** The order comes to nothing, or nobody can know of it: the next run makes another. */
  isLost?: true;
  /** Something in front of the CA does it: the CA never sees the request. */
  isOutside?: true;
  /** The kinds of request that it can strike; default: all. */
  only?: readonly RequestKind[];
}

const json = (value: unknown) => (answer: Answer) => {
  answer.body = JSON.stringify(value);
};
const change = (edit: (fields: Record<string, unknown>) => void) => (answer: Answer) => {
  const fields = JSON.parse(answer.body as string);
  edit(fields);
  answer.body = JSON.stringify(fields);
};
const problem = (status: number, kind: string, headers: Record<string, string> = {}) => (answer: Answer) => {
  answer.status = status;
  answer.headers = { ...answer.headers, "content-type": "application/problem+json", ...headers };
  answer.body = JSON.stringify({
    type: `urn:ietf:params:acme:error:${kind}`,
    detail: `because of ${kind}`,
    status,
  });
};
// The objects that are read; of the other answers the status and the headers are enough.
const objects: RequestKind[] = ["directory", "newOrder", "authorization", "order", "finalize"];
const except = (...kinds: RequestKind[]) => requestKinds.filter((each) => !kinds.includes(each));
const posts = requestKinds.filter((kind) => !["directory", "newNonce"].includes(kind));
const strange = [
  "http://127.0.0.1/x",
  "file:///etc/shadow",
  "data:,x",
  "//x/y",
  "relative",
  "https://u:p@x/",
  "https://" + "x".repeat(8192),
];

const rows: Row[] = [
  // The network. A read is repeated; what changes something is only if its outcome can be learned.
  {
    what: "reset before the reply, once",
    times: 1,
    strike: (_, { response }) => !!response.socket?.destroy(),
    exits: [0],
    only: except("newAccount", "newOrder", "challenge"),
  },
  {
    what: "reset before the reply to what can't be repeated, once",
    times: 1,
    strike: (_, { response }) => !!response.socket?.destroy(),
    exits: [75],
    only: ["newAccount", "newOrder", "challenge"],
  },
  { what: "reset before the reply", strike: (_, { response }) => !!response.socket?.destroy(), exits: [75] },
  {
    what: "reset in mid-body",
    strike(answer, { response }) {
      response.writeHead(answer.status, { ...answer.headers, "content-length": "100000" });
      response.write(answer.body, () => response.socket?.destroy());
      return true;
    },
    exits: [75],
    only: except("newNonce"),
  },
  {
    isOutside: true,
    what: "500 once",
    times: 1,
    strike: (answer) => void Object.assign(answer, { status: 500, body: "" }),
    exits: [0],
  },
  {
    isOutside: true,
    what: "500",
    strike: (answer) => void Object.assign(answer, { status: 500, body: "" }),
    exits: [75],
  },
  {
    what: "500 once, though it was done",
    times: 1,
    strike: (answer) => void Object.assign(answer, { status: 500, body: "" }),
    exits: [0],
    only: ["challenge", "finalize"],
  },
  { isOutside: true, what: "503 with a problem", strike: problem(503, "serverInternal"), exits: [75] },
  {
    isOutside: true,
    what: "429, retry in a second",
    times: 1,
    strike: problem(429, "rateLimited", { "retry-after": "1" }),
    exits: [0],
  },
  {
    isOutside: true,
    what: "429, retry tomorrow",
    strike: problem(429, "rateLimited", { "retry-after": "86400" }),
    exits: [75],
    says: /the CA asks to wait until 20|status 429/,
  },
  ...["-1", "garbage", "1e99", "", "Thu, 01 Jan 1970 00:00:00 GMT"].map((value): Row => ({
    isOutside: true,
    what: `503 with Retry-After "${value}", once`,
    times: 1,
    strike: problem(503, "serverInternal", { "retry-after": value }),
    exits: [0],
  })),
  {
    isOutside: true,
    what: "a captive portal",
    strike: (answer) =>
      void Object.assign(answer, {
        status: 200,
        headers: { "content-type": "text/html" },
        body: "<html>\x1b[31mLog in",
      }),
    exits: [1],
    says: /answered with text\/html, not JSON: <html>\\u\{1b\}\[31mLog in\nhint: .*captive portal/,
    only: objects,
  },
  {
    what: "no content type",
    strike: (answer) => void delete answer.headers["content-type"],
    exits: [1],
    only: objects,
  },
  {
    what: "a content type with a charset",
    strike: (answer) => void (answer.headers["content-type"] += "; charset=utf-8"),
    exits: [0],
    only: objects,
  },
  {
    what: "truncated JSON",
    strike: (answer) => void (answer.body = answer.body.slice(0, 10)),
    exits: [1],
    only: objects,
  },
  {
    what: "a huge body",
    strike: (answer) => void (answer.body = "[" + " ".repeat(3 << 20) + "]"),
    exits: [1],
    only: except("newNonce"),
  },
  {
    what: "an object of 300 kB",
    strike: (answer) => void (answer.body = (answer.body as string).replace("{", "{" + " ".repeat(300_000))),
    exits: [1],
    only: objects,
  },
  {
    isOutside: true,
    what: "a redirect",
    strike: (answer) =>
      void Object.assign(answer, { status: 307, headers: { location: "http://127.0.0.1:1/elsewhere" } }),
    exits: [1],
    says: /Unexpected redirect from localhost:\d+ to "http:\/\/127\.0\.0\.1:1\/elsewhere"/,
  },
  // Nonces.
  {
    isOutside: true,
    what: "badNonce, five times",
    times: 5,
    strike: problem(400, "badNonce"),
    exits: [0],
    only: posts,
  },
  {
    isOutside: true,
    what: "badNonce for ever",
    strike: problem(400, "badNonce"),
    exits: [1],
    says: /keeps rejecting nonces/,
    requests: 200,
    only: posts,
  },
  {
    isOutside: true,
    what: "badNonce without a fresh nonce, twice",
    times: 2,
    strike(answer) {
      problem(400, "badNonce")(answer);
      delete answer.headers["replay-nonce"];
    },
    exits: [0],
    only: posts,
  },
  {
    what: "no nonce, once",
    times: 1,
    strike: (answer) => void delete answer.headers["replay-nonce"],
    exits: [0],
    only: ["newNonce"],
  },
  {
    what: "no nonce, ever",
    strike: (answer) => void (answer.headers["replay-nonce"] = "a=b"),
    exits: [1],
    says: /no usable nonces/,
    only: ["newNonce"],
  },
  {
    what: "no nonce",
    strike: (answer) => void delete answer.headers["replay-nonce"],
    exits: [0],
    only: posts,
  },
  ...["a=b", "a, b", "x".repeat(10_000), " "].map((nonce): Row => ({
    what: `the nonce "${nonce.slice(0, 5)}"`,
    strike: (answer) => void (answer.headers["replay-nonce"] = nonce),
    exits: [0],
    only: posts,
  })),
  // The protocol.
  {
    what: "null",
    strike: json(null),
    exits: [1],
    only: objects,
  },
  {
    what: "an array",
    strike: json([]),
    exits: [1],
    only: objects,
  },
  {
    what: "a deep array",
    strike: (answer) => void (answer.body = "[".repeat(100_000) + "]".repeat(100_000)),
    exits: [1],
    only: objects,
  },
  {
    what: "a member twice, of which the last counts",
    strike: (answer) => void (answer.body = (answer.body as string).replace("{", '{"status":"invalid",')),
    exits: [0],
    only: ["newOrder", "authorization", "order", "finalize"],
  },
  {
    what: "nothing but a prototype",
    strike: (answer) => void (answer.body = '{"__proto__": {"status": "valid"}}'),
    exits: [1],
    only: objects,
  },
  {
    what: "an unknown status",
    strike: change((fields) => fields.status = "strange"),
    exits: [1],
    only: ["newOrder", "authorization", "order", "finalize"],
  },
  {
    what: "a number for the status",
    strike: change((fields) => fields.status = 5),
    exits: [1],
    only: ["newOrder", "authorization", "order", "finalize"],
  },
  {
    what: "no Location",
    strike: (answer) => void delete answer.headers.location,
    exits: [1],
    only: ["newAccount", "newOrder"],
  },
  ...strange.flatMap((url): Row[] => [
    {
      what: `Location ${url.slice(0, 30)}`,
      strike: (answer) => void (answer.headers.location = url),
      exits: [1],
      only: ["newAccount", "newOrder"],
    },
    {
      what: `finalize ${url.slice(0, 30)}`,
      strike: change((fields) => fields.finalize = url),
      exits: [1],
      only: ["newOrder", "order"],
    },
    {
      what: `authorizations ${url.slice(0, 30)}`,
      strike: change((fields) => fields.authorizations = [url]),
      exits: [1],
      only: ["newOrder", "order"],
    },
    {
      what: `certificate ${url.slice(0, 30)}`,
      strike: change((fields) => fields.certificate &&= url),
      exits: [1],
      only: ["order"],
    },
    {
      what: `challenge url ${url.slice(0, 30)}`,
      strike: change((fields) => (fields.challenges as { url: string }[]).forEach((each) => each.url = url)),
      exits: [1],
      only: ["authorization"],
    },
    {
      what: `newOrder ${url.slice(0, 30)}`,
      strike: change((fields) => fields.newOrder = url),
      exits: [1],
      only: ["directory"],
    },
  ]),
  {
    what: "the order is for other names",
    strike: change((fields) => fields.identifiers = [{ type: "dns", value: "evil.example" }]),
    exits: [1],
    only: ["newOrder", "order", "finalize"],
  },
  {
    what: "the order has other authorizations now",
    strike: change((fields) =>
      fields.authorizations = (fields.authorizations as string[]).map((each) => `${each}0`)
    ),
    exits: [1],
    says: /changed the order/,
    only: ["order"],
  },
  {
    what: "the authorization is for another name",
    strike: change((fields) => fields.identifier = { type: "dns", value: "evil.example" }),
    exits: [1],
    says: /challenge for evil\.example/,
    only: ["authorization"],
  },
  ...["deactivated", "expired", "revoked"].map((status): Row => ({
    what: `the authorization is ${status}`,
    strike: change((fields) => fields.status = status),
    exits: [1],
    says: new RegExp(`one\\.example\\.org: ${status}`),
    isLost: true,
    only: ["authorization"],
  })),
  {
    what: "pending for ever",
    strike: change((fields) => fields.status = "pending"),
    exits: [75],
    says: /needs longer than 5 minutes: the order is "pending"\nhint: the next run takes up this order/,
    requests: 120,
    only: ["order"],
  },
  {
    what: "processing for ever",
    strike: change((fields) => fields.status = fields.status === "valid" ? "processing" : fields.status),
    exits: [75],
    says: /needs longer than 5 minutes: the order is "processing"/,
    requests: 120,
    only: ["order"],
  },
  {
    what: "an empty list of authorizations",
    strike: change((fields) => fields.authorizations = []),
    exits: [1],
    only: ["newOrder"],
  },
  ...[
    "unauthorized",
    "userActionRequired",
    "externalAccountRequired",
    "badCSR",
    "badPublicKey",
    "rejectedIdentifier",
    "caa",
    "orderNotReady",
  ].map((kind): Row => ({
    isOutside: true,
    what: `the problem ${kind}`,
    strike: problem(403, kind),
    exits: [1],
    says: new RegExp(`The CA refused: ${kind}: because of ${kind}`),
    only: posts,
  })),
  {
    isOutside: true,
    what: "new terms",
    strike(answer) {
      problem(403, "userActionRequired")(answer);
      change((fields) => fields.instance = "https://ca.example/terms\x1b")(answer);
    },
    exits: [1],
    says: /hint: read and accept the CA's new terms at https:\/\/ca\.example\/terms\\u\{1b\}/,
    only: ["newAccount", "newOrder"],
  },
  {
    isOutside: true,
    what: "the account is gone, once",
    times: 1,
    strike: problem(400, "accountDoesNotExist"),
    exits: [0],
    only: ["newOrder", "authorization", "order"],
  },
  {
    isOutside: true,
    what: "the account is gone",
    strike: problem(400, "accountDoesNotExist"),
    exits: [1],
    only: ["newOrder"],
  },
  {
    what: "no http-01",
    strike: change((fields) =>
      fields.challenges = [{ type: "dns-01", url: "https://x/", status: "pending" }]
    ),
    exits: [1],
    only: ["authorization"],
  },
  {
    what: "a failed http-01 and unknown challenges before the pending one",
    strike: change((fields) =>
      fields.challenges = [
        { type: "http-01", url: "https://x/", status: "invalid", token: "a-token-that-has-failed-before" },
        { type: "strange-99", url: "https://x/", status: "pending" },
        ...fields.challenges as object[],
      ]
    ),
    exits: [0],
    only: ["authorization"],
  },
  {
    what: "challenges that are no list",
    strike: change((fields) => fields.challenges = "x"),
    exits: [1],
    only: ["authorization"],
  },
  ...[
    "../../etc/cron.d/x",
    "..%2f",
    "/etc/x",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "",
    ".",
    "x".repeat(300),
    "aaaaaaaaaaaaaaaaaaaaaa==",
    "töken-töken-töken-töken",
  ].map((token): Row => ({
    what: `the token ${JSON.stringify(token).slice(0, 40)}`,
    strike: change((fields) =>
      (fields.challenges as { token: string }[]).forEach((each) => each.token = token)
    ),
    exits: [1],
    only: ["authorization"],
  })),
  {
    what: "the challenge fails",
    strike: change((fields) => {
      fields.status = "invalid";
      fields.error = { type: "urn:ietf:params:acme:error:connection", detail: "203.0.113.5: Timeout" };
    }),
    exits: [1],
    says: /refused the order: connection: 203\.0\.113\.5: Timeout/,
    isLost: true,
    only: ["order"],
  },
  // The certificate.
  ...["", " \n", "<html></html>", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"].map((
    body,
  ): Row => ({
    what: `the certificate ${JSON.stringify(body).slice(0, 30)}`,
    strike: (answer) => void (answer.body = body),
    exits: [1],
    only: ["certificate"],
  })),
  {
    what: "a private key in the chain",
    strike: (answer) =>
      void (answer.body += "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    exits: [1],
    only: ["certificate"],
  },
  {
    what: "text in the chain",
    strike: (answer) => void (answer.body += "hello\n"),
    exits: [1],
    only: ["certificate"],
  },
  {
    what: "the issuer first",
    strike: (answer) =>
      void (answer.body = (answer.body as string).split(/(?=-----BEGIN)/).reverse().join("")),
    exits: [1],
    only: ["certificate"],
  },
  {
    what: "a thousand certificates",
    strike: (answer) => void (answer.body = (answer.body as string).repeat(500)),
    exits: [1],
    only: ["certificate"],
  },
  {
    what: "CRLF",
    strike: (answer) => void (answer.body = (answer.body as string).replaceAll("\n", "\r\n")),
    exits: [0],
    only: ["certificate"],
  },
  {
    what: "404 for the certificate",
    strike: problem(404, "malformed"),
    exits: [1],
    only: ["certificate"],
  },
  // A second of these takes half a minute.
  ...isWhole
    ? [
      {
        what: "no answer",
        strike: () => true,
        exits: [75],
        says: /no answer in time/,
        only: ["directory", "newOrder", "order"],
      } satisfies Row,
      {
        what: "an answer that takes for ever",
        strike(answer, { response }) {
          response.writeHead(answer.status, { ...answer.headers, "content-length": "100000" });
          const drip = setInterval(() => response.write(" "), 1000);
          response.on("close", () => clearInterval(drip));
          return true;
        },
        exits: [75],
        says: /no answer in time/,
        only: ["directory", "newOrder", "certificate"],
      } satisfies Row,
    ]
    : [],
];

Deno.test("each request of an issuance × each fault: one line, files untouched, and the next run works", async (test) => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n", domains: ["one.example.org"] });
  ca.patience = 30;
  line.isHurried = true;
  assertEquals((await line.run("init")).exit, 0);
  const points = rows.flatMap((row) => (row.only ?? requestKinds).map((kind) => ({ row, kind })));
  const chosen = sample(points, 101);
  const violations: string[] = [];
  for (const { row, kind } of chosen) {
    await test.step(`${kind}: ${row.what}`, async () => {
      const found = await meet(ca, line, row, kind);
      violations.push(...found);
      assertEquals(found, []);
    });
  }
  report("network", "renew", chosen.length, violations);
});

/** Renews with a fault in the way, then without. */
async function meet(ca: ScriptedCa, line: TestLine, row: Row, kind: RequestKind): Promise<string[]> {
  const found: string[] = [];
  // Without an account to remember, newAccount is asked for as well.
  const statePath = `${line.folder}/keys/.live.state.json`;
  if (kind === "newAccount") {
    const state = JSON.parse(await Deno.readTextFile(statePath));
    delete state.account;
    await Deno.writeTextFile(statePath, JSON.stringify(state));
  }
  const before = contents(line);
  const [orders, requests, issued] = [ca.orders.size, ca.requests.length, ca.issued];
  let struck = 0;
  const strikes = (each: RequestKind) => each === kind && struck < (row.times ?? Infinity);
  if (row.isOutside) ca.intercepts = strikes;
  ca.fault = (exchange) => {
    if (!strikes(exchange.kind)) return;
    struck++;
    return row.strike(exchange.answer, exchange);
  };
  const { exit, out, err } = await line.run("renew");
  ca.fault = ca.intercepts = undefined;
  if (struck === 0) found.push("the fault never struck");
  // Whether finalizing was heard, only the order knows: it is read again.
  const exits = kind === "finalize" && !row.isOutside ? [0] : row.exits;
  if (!exits.includes(exit)) found.push(`exit ${exit}: ${err.join(" / ")}`);
  if (exit !== 0 && row.says && !row.says.test(err.join("\n"))) found.push(`it said ${err.join(" / ")}`);
  if (exit === 0) {
    if (err.length > 0) found.push(`it said ${err.join(" / ")}`);
  } else {
    if (
      !err[0]?.startsWith("error: ") || err.length > 2 || err.length === 2 && !err[1].startsWith("hint: ")
    ) {
      found.push(`it said ${err.join(" / ")}`);
    }
    if (contents(line) !== before) found.push("files have changed");
  }
  if ([...out, ...err].some((text) => /[^\x20-\x7e\u00a0-\uffff]/.test(text))) {
    found.push("raw bytes reach the terminal");
  }
  if (ca.requests.length - requests > (row.requests ?? 60)) {
    found.push(`${ca.requests.length - requests} requests`);
  }
  if (ca.orders.size - orders > 1) found.push(`${ca.orders.size - orders} orders`);
  const left = [...Deno.readDirSync(ca.challengeDir)].map(({ name }) => name);
  if (left.length > 0) found.push(`challenge files stay: ${left}`);
  const next = await line.run("renew");
  if (next.exit !== 0 || next.err.length > 0) {
    found.push(`the next run: ${next.exit} ${next.err.join(" / ")}`);
  }
  // The next run takes up the order, unless there is nothing to take up; or the CA looked for the challenge too late.
  const first = [...ca.orders.values()].at(orders)?.status;
  const isNew = exit === 0 || row.isLost || first === "invalid" || kind === "newOrder" && !row.isOutside;
  if (ca.orders.size - orders > (isNew ? 2 : 1)) {
    found.push(`${ca.orders.size - orders} orders in both runs`);
  }
  // What the CA issued in the first run is fetched in the second.
  if (ca.issued - issued > (exit === 0 ? 2 : 1)) found.push(`${ca.issued - issued} certificates for one`);
  found.push(...ca.violations.splice(0));
  return found;
}

/** Every file of a line with permissions and content, but what a run notes down for itself. */
function contents({ folder }: TestLine): string {
  const describe = (path: string): string[] => {
    const mode = Deno.statSync(path).mode!.toString(8);
    if (!Deno.statSync(path).isDirectory) return [`${path} ${mode} ${Deno.readFileSync(path).toHex()}`];
    const names = [...Deno.readDirSync(path)].map(({ name }) => name).sort();
    return [`${path} ${mode}`, ...names.flatMap((name) => describe(`${path}/${name}`))];
  };
  return describe(folder).filter((each) => !/\.(lock|state\.json) /.test(each)).join("\n");
}

Deno.test("the name of a challenge file is taken, even by a link to nowhere: it stays, and an error says so", async () => {
  await using ca = await startScriptedCa();
  ca.token = () => "a-token-that-is-known-before";
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  const path = `${ca.challengeDir}/${ca.token("")}`;
  const target = `${line.folder}/elsewhere`;
  for (const take of [() => Deno.writeTextFile(path, "somebody's"), () => Deno.symlink(target, path)]) {
    await take();
    const { exit, out, err } = await line.run("init");
    assertEquals([exit, out.filter((each) => each.startsWith("Obtained")), err], [4, [], [
      `error: The challenge file "${path}" exists already`,
      "hint: remove it",
    ]]);
    assert((await Deno.lstat(path)) !== undefined);
    await Deno.remove(path);
  }
  assertEquals([...Deno.readDirSync(line.folder)].filter(({ name }) => name === "elsewhere"), []);
  assertEquals((await line.run("init")).exit, 0);
});

Deno.test("a stored order is kept while the CA is busy, forgotten with another CA, and used once only", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  line.isHurried = true;
  assertEquals((await line.run("init")).exit, 0);
  const statePath = `${line.folder}/keys/.live.state.json`;
  const state = async () => JSON.parse(await Deno.readTextFile(statePath));
  const refuse = (kind: RequestKind) => {
    ca.fault = (exchange) => exchange.kind === kind && void problem(503, "rateLimited")(exchange.answer);
  };
  // The certificate is issued, but can't be fetched; nor can its order be read.
  ca.fault = ({ kind, answer }) => kind === "certificate" && void problem(503, "serverInternal")(answer);
  assertEquals((await line.run("renew")).exit, 75);
  const { orders } = await state();
  refuse("order");
  const count = ca.orders.size;
  assertEquals((await line.run("renew")).exit, 75);
  ca.fault = undefined;
  assertEquals([(await state()).orders.live.url, ca.orders.size], [orders.live.url, count]);
  // One for another CA says nothing here.
  await Deno.writeTextFile(
    statePath,
    JSON.stringify({
      ...await state(),
      orders: { live: { ...orders.live, directory: "https://old.example/", url: "https://old.example/1" } },
    }),
  );
  assertEquals((await line.run("renew")).exit, 0);
  assertEquals(ca.orders.size, count + 1);
  // Nor does one for other names, or for another key.
  for (const change of [{ domains: ["other.example.org"] }, { spki: "00".repeat(32) }]) {
    await Deno.writeTextFile(
      statePath,
      JSON.stringify({ ...await state(), orders: { live: { ...orders.live, ...change } } }),
    );
    const { size } = ca.orders;
    assertEquals((await line.run("renew")).exit, 0);
    assertEquals(ca.orders.size, size + 1);
  }
  // One whose certificate is installed already is no renewal.
  const before = await line.read("certs/live.crt");
  const [url] = [...ca.orders.keys()].slice(-1);
  await Deno.writeTextFile(
    statePath,
    JSON.stringify({ ...await state(), orders: { live: { ...orders.live, url } } }),
  );
  assertEquals((await line.run("renew")).exit, 0);
  assert(await line.read("certs/live.crt") !== before);
  assertEquals(ca.violations, []);
});

Deno.test("names that the CA knows already need no challenge", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, {
    head: "key-type = ecdsa\n",
    domains: ["one.example.org", "two.example.org"],
  });
  for (const known of [["one.example.org"], ["one.example.org", "two.example.org"]]) {
    ca.known = known;
    const challenges = () => ca.requests.filter(({ kind }) => kind === "challenge").length;
    const before = challenges();
    assertEquals((await line.run(known.length === 1 ? "init" : "renew")).exit, 0);
    assertEquals(challenges() - before, 2 - known.length);
  }
  assertEquals(ca.violations, []);
});

Deno.test("the CA asks for a day: cron is silent and asks nobody until then, but not in the certificate's last days", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  assertEquals((await line.run("init")).exit, 0);
  await line.configure({ head: "key-type = ecdsa\n", domains: ["other.example.org"] });
  const hour = 3_600_000;
  ca.fault = ({ kind, answer }) =>
    kind === "newOrder" && void problem(429, "rateLimited", { "retry-after": "86400" })(answer);
  const { exit, err } = await line.run("cron");
  assertEquals([exit, err.length], [75, 2]);
  const until = Date.parse(err[0].match(/\(the CA asks to wait until (.* UTC)\)/)?.[1] ?? "");
  assert(Math.abs(until - Date.now() - 24 * hour) < 60_000, err[0]);
  const quiet = async () => {
    const { length } = ca.requests;
    assertEquals(await line.run("cron"), { exit: 0, out: [], err: [] });
    assertEquals(ca.requests.length, length);
  };
  await quiet();
  line.offset = 23.9 * hour;
  await quiet();
  line.offset = 24.1 * hour;
  assertEquals((await line.run("cron")).exit, 75);
  await quiet();
  // The scripted CA's certificates live for thirty days.
  line.offset = 29 * 24 * hour;
  assertEquals((await line.run("cron")).exit, 75);
  assertEquals((await line.run("cron")).exit, 75);
  ca.fault = undefined;
  assertEquals((await line.run("cron")).exit, 0);
});

Deno.test("a deadline ends an answer that never ends", async () => {
  await using ca = await startScriptedCa();
  const system = { ...realSystem({ caFile: ca.caFile }), warn: () => {} };
  const account = await openAccount(
    await openTransport(system, ca.directory),
    await generateKey({ type: "ecdsa", length: 256 }),
  );
  ca.fault = ({ kind, answer, response }) => {
    if (kind !== "order") return;
    response.writeHead(answer.status, { ...answer.headers, "content-length": "100000" });
    response.write(" ");
    return true;
  };
  const begin = performance.now();
  const url = ca.directory.replace("directory", "order/1");
  const failure = await within(account, AbortSignal.timeout(300)).post(url).catch((error) => error);
  assert(failure instanceof TransportError && failure.isTemporary, String(failure));
  assert(/no answer in time/.test(failure.message), failure.message);
  assert(performance.now() - begin < 10_000);
});

Deno.test("a TLS certificate that can't be trusted: whose, why, and what to do", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  const root = await makeRoot("private");
  const key = await generateKey({ type: "ecdsa", length: 256 });
  const hour = 3_600_000;
  const now = Date.now();
  const rows: [what: string, content: Partial<Content>, trusted: boolean, hint: RegExp][] = [
    [
      "expired",
      { notBefore: new Date(now - 9 * hour), notAfter: new Date(now - hour) },
      true,
      /clock of this machine/,
    ],
    [
      "not yet valid",
      { notBefore: new Date(now + hour) },
      true,
      /clock of this machine says 20.* UTC: is it right/,
    ],
    ["for another host", { domains: ["other.example"] }, true, /is directory in section \[acme\] right/],
    ["from nobody known", {}, false, /set ca-file if this is a private CA/],
  ];
  await Deno.writeTextFile(`${line.folder}/root.pem`, root.pem);
  for (const [what, content, isTrusted, hint] of rows) {
    const cert = await root.issue({ spki: key.spki, domains: ["localhost"], ...content });
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      key: await exportKey(key),
      cert,
      onListen: () => {},
      onError: () => new Response(null, { status: 500 }),
    }, () => new Response("{}"));
    await line.configure({
      head: "key-type = ecdsa\n",
      directory: `https://localhost:${server.addr.port}/directory`,
      ...isTrusted ? { caFile: `${line.folder}/root.pem` } : {},
    });
    const { exit, err } = await line.run("init");
    await server.shutdown();
    assertEquals([what, exit, err.length], [what, 1, 2], err.join("\n"));
    assert(
      err[0].startsWith(`error: The TLS certificate of localhost:${server.addr.port} is not trusted: `),
      err[0],
    );
    assert(hint.test(err[1]), `${what}: ${err.join("\n")}`);
  }
});

Deno.test("a certificate that is not exactly what was asked for replaces nothing", async (test) => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, {
    head: "key-type = ecdsa\n",
    domains: ["one.example.org", "two.example.org"],
  });
  assertEquals((await line.run("init")).exit, 0);
  const other = await makeRoot("somebody else");
  const day = 86_400_000;
  const now = Date.now();
  const wrong: [what: string, says: RegExp, cause: () => void][] = [
    [
      "another key",
      /for a different key/,
      () => ca.content = (content) => ({ ...content, spki: other.key.spki }),
    ],
    [
      "a name missing",
      /other names.*two\.example\.org/,
      () => ca.content = (content) => ({ ...content, domains: ["one.example.org"] }),
    ],
    [
      "a name too many",
      /other names.*evil/,
      () => ca.content = (content) => ({ ...content, domains: [...content.domains!, "evil.example"] }),
    ],
    [
      "expired",
      /expired|ended|until/,
      () => ca.content = (content) => ({ ...content, notAfter: new Date(now - 60_000) }),
    ],
    [
      "not yet valid",
      /valid/,
      () => ca.content = (content) => ({ ...content, notBefore: new Date(now + day) }),
    ],
    ["a CA", /of a CA/, () => ca.content = (content) => ({ ...content, ca: true })],
    ["an unrelated issuer", /issue|link|sign/, () => ca.chain = ([leaf]) => leaf + other.pem],
  ];
  for (const [what, says, cause] of wrong) {
    await test.step(what, async () => {
      cause();
      const before = contents(line);
      const { exit, out, err } = await line.run("renew");
      ca.content = ca.chain = undefined;
      assertEquals([exit, out], [1, []]);
      assert(says.test(err[0]), err.join("\n"));
      assertEquals(contents(line), before);
      assertEquals((await line.run("renew")).exit, 0);
    });
  }
});
