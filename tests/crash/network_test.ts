/** Each request of an issuance × each fault of the network, the protocol and the certificate: what is said, what stays. */
import { assert, assertEquals } from "../assert.ts";
import { makeRoot } from "../issuer.ts";
import { makeLine, type TestLine } from "../line.ts";
import {
  type Answer,
  type Fault,
  type RequestKind,
  requestKinds,
  type ScriptedCa,
  startScriptedCa,
} from "../scripted_ca.ts";
import { report, sample } from "./extent.ts";

/** A fault, and how a run that meets it may end; 0: it is overcome. */
interface Row {
  what: string;
  /** How often it strikes; default: for ever. */
  times?: number;
  strike(answer: Answer, exchange: Parameters<Fault>[0]): boolean | void;
  exits: number[];
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
    exits: [0, 75],
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
    exits: [0, 75],
  },
  {
    isOutside: true,
    what: "500",
    strike: (answer) => void Object.assign(answer, { status: 500, body: "" }),
    exits: [75],
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
  },
  ...["-1", "garbage", "1e99", "", "Thu, 01 Jan 1970 00:00:00 GMT"].map((value): Row => ({
    isOutside: true,
    what: `503 with Retry-After "${value}", once`,
    times: 1,
    strike: problem(503, "serverInternal", { "retry-after": value }),
    exits: [0, 75],
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
    isOutside: true,
    what: "a redirect",
    strike: (answer) =>
      void Object.assign(answer, { status: 307, headers: { location: "http://127.0.0.1:1/elsewhere" } }),
    exits: [1],
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
  { isOutside: true, what: "badNonce for ever", strike: problem(400, "badNonce"), exits: [1], only: posts },
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
      strike: change((fields) => fields.certificate = url),
      exits: [1],
      only: ["finalize"],
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
    only: posts,
  })),
  {
    isOutside: true,
    what: "the account is gone, once",
    times: 1,
    strike: problem(400, "accountDoesNotExist"),
    exits: [0, 1],
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
    exits: [1, 75],
    only: ["certificate"],
  },
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
  const before = await contents(line);
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
  const exits = kind === "finalize" ? [0, ...row.exits] : row.exits;
  if (!exits.includes(exit)) found.push(`exit ${exit}: ${err.join(" / ")}`);
  if (exit === 0) {
    if (err.length > 0) found.push(`it said ${err.join(" / ")}`);
  } else {
    if (
      !err[0]?.startsWith("error: ") || err.length > 2 || err.length === 2 && !err[1].startsWith("hint: ")
    ) {
      found.push(`it said ${err.join(" / ")}`);
    }
    if (await contents(line) !== before) found.push("files have changed");
  }
  if ([...out, ...err].some((text) => /[^\x20-\x7e\u00a0-\uffff]/.test(text))) {
    found.push("raw bytes reach the terminal");
  }
  if (ca.requests.length - requests > 200) found.push(`${ca.requests.length - requests} requests`);
  if (ca.orders.size - orders > 1) found.push(`${ca.orders.size - orders} orders`);
  const left = [...Deno.readDirSync(ca.challengeDir)].map(({ name }) => name);
  if (left.length > 0) found.push(`challenge files stay: ${left}`);
  const next = await line.run("renew");
  if (next.exit !== 0 || next.err.length > 0) {
    found.push(`the next run: ${next.exit} ${next.err.join(" / ")}`);
  }
  if (ca.orders.size - orders > 2) found.push(`${ca.orders.size - orders} orders in both runs`);
  // What the CA issued in the first run is fetched in the second.
  if (ca.issued - issued > (exit === 0 ? 2 : 1)) found.push(`${ca.issued - issued} certificates for one`);
  found.push(...ca.violations.splice(0));
  return found;
}

/** Keys and certificates, and the list of all files. */
async function contents(line: TestLine): Promise<string> {
  const names = ["keys", "certs", "backups"].flatMap((directory) =>
    [...Deno.readDirSync(`${line.folder}/${directory}`)].map(({ name }) => `${directory}/${name}`)
  ).sort();
  const pair = await Promise.all(["keys/live.key", "certs/live.crt"].map((path) => line.read(path)));
  return [...names, ...pair].join("\n");
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
      const before = await contents(line);
      const { exit, out, err } = await line.run("renew");
      ca.content = ca.chain = undefined;
      assertEquals([exit, out], [1, []]);
      assert(says.test(err[0]), err.join("\n"));
      assertEquals(await contents(line), before);
      assertEquals((await line.run("renew")).exit, 0);
    });
  }
});
