/** A CA that wants to do harm: whatever it sends, no file but the line's is touched, and no secret or raw byte gets out. */
import { createPrivateKey } from "node:crypto";
import fc from "../kit/fast_check.ts";
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine, type TestLine } from "../kit/line.ts";
import {
  type Exchange,
  type RequestKind,
  requestKinds,
  type ScriptedCa,
  startScriptedCa,
} from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import { hasStrace, isChange, program, record } from "./strace.ts";

const day = 86_400_000;
const rounds = sample(Array.from({ length: 2000 }, (_, i) => i), 150).length;
const nasty = fc.oneof(
  fc.constantFrom(
    "../../../etc/cron.d/x",
    "/etc/passwd",
    "\x1b]0;owned\x07",
    "\u202egnp.exe",
    "a\r\nb",
    "\0",
    "",
    "__proto__",
    "https://localhost:1/\x1b",
    "file:///etc/shadow",
    "-----BEGIN PRIVATE KEY-----",
  ),
  fc.string({ unit: "binary", maxLength: 300 }),
);
const value: fc.Arbitrary<unknown> = fc.oneof(
  nasty,
  fc.integer(),
  fc.constantFrom(null, true, [], {}, 1e308, "valid", "pending", "processing", "x".repeat(100_000)),
  fc.jsonValue(),
);
const names = [
  "status",
  "identifiers",
  "authorizations",
  "challenges",
  "token",
  "url",
  "finalize",
  "certificate",
  "type",
  "detail",
  "error",
  "newNonce",
  "newAccount",
  "newOrder",
  "meta",
  "subproblems",
  "instance",
  "identifier",
  "value",
];
/** What is changed in one answer. */
const attack = fc.record({
  kind: fc.constantFrom<RequestKind>(...requestKinds),
  field: fc.constantFrom(...names),
  value,
  status: fc.option(fc.constantFrom(200, 201, 400, 403, 409, 429, 500, 503), { nil: undefined }),
  contentType: fc.option(fc.constantFrom("application/json", "application/problem+json", "text/html", "x"), {
    nil: undefined,
  }),
  header: fc.option(
    fc.tuple(fc.constantFrom("location", "retry-after", "link", "replay-nonce", "content-type"), nasty),
    { nil: undefined },
  ),
  body: fc.option(nasty, { nil: undefined, freq: 4 }),
});
type Attack = typeof attack extends fc.Arbitrary<infer T> ? T : never;

/** Puts a value in the place of every field of that name, however deep. */
function poison(json: unknown, field: string, value: unknown): unknown {
  if (Array.isArray(json)) return json.map((each) => poison(each, field, value));
  if (typeof json !== "object" || json === null) return json;
  const entries = Object.entries(json).map((
    [name, each],
  ) => [name, name === field ? value : poison(each, field, value)]);
  return {
    ...Object.fromEntries(entries),
    ...field === "detail" || field === "subproblems" ? { [field]: value } : {},
  };
}

function carryOut(attacks: readonly Attack[]) {
  return ({ kind, answer }: Exchange): void => {
    for (const each of attacks.filter((each) => each.kind === kind)) {
      if (each.status !== undefined) answer.status = each.status;
      if (each.contentType !== undefined) answer.headers["content-type"] = each.contentType;
      // Only what HTTP can carry.
      if (each.header) answer.headers[each.header[0]] = each.header[1].replace(/[^\x20-\x7e]/g, "?");
      if (each.body !== undefined) answer.body = each.body;
      else if (typeof answer.body === "string" && answer.body.startsWith("{")) {
        answer.body = JSON.stringify(poison(JSON.parse(answer.body), each.field, each.value));
      }
    }
  };
}

/** Pieces of every private key of a line, in each form that could get out: of the PEM file, of a JWK, hexadecimal. */
async function secrets(line: TestLine): Promise<string[]> {
  const keys = await Promise.all(["account.key", "keys/live.key"].map((path) => line.read(path)));
  const pieces = (text: string) => text.match(/.{20}/g) ?? [];
  return keys.flatMap((pem) => {
    const { d } = createPrivateKey(pem).export({ format: "jwk" });
    const hex = Uint8Array.fromBase64(d!, { alphabet: "base64url" }).toHex();
    // What every key of a kind begins with is no secret.
    return [...pieces(pem.replace(/-----.*-----|\n/g, "")).slice(3), ...pieces(d!), ...pieces(hex)];
  });
}

async function renewUnder(ca: ScriptedCa, line: TestLine, attacks: readonly Attack[]): Promise<void> {
  const pair = async () => [await line.read("keys/live.key"), await line.read("certs/live.crt")];
  line.offset += 9 * day; // so that the ledger holds nothing back
  const before = await pair();
  const requests = ca.requests.length;
  ca.fault = carryOut(attacks);
  const { exit, out, err } = await line.run("--debug", "renew", "--force");
  ca.fault = undefined;
  const said = [...out, ...err.filter((each) => !/^\w*Error.*\n +at /s.test(each))].join("\n");
  assert([0, 1, 75].includes(exit), `exit ${exit}: ${said}`);
  if (exit !== 0) assertEquals(await pair(), before);
  assert(!/[^\P{C}\n]|\p{Zl}|\p{Zp}/u.test(said), JSON.stringify(said));
  assert(said.length < 100_000, `${said.length} characters of output`);
  assert(ca.requests.length - requests < 250, `${ca.requests.length - requests} requests`);
  const written = said + err.join("\n") + await line.read("keys/.live.state.json");
  for (const piece of await secrets(line)) assert(!written.includes(piece), "a secret got out");
  assertEquals([...Deno.readDirSync(ca.challengeDir)].map(({ name }) => name), []);
  assertEquals(ca.violations.splice(0), []);
}

Deno.test(`a hostile CA, ${rounds} times: expected errors, printable output, bounded work, nothing replaced`, async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  line.isHurried = true;
  ca.now = () => new Date(Date.now() + line.offset);
  assertEquals((await line.run("init")).exit, 0);
  await fc.assert(
    fc.asyncProperty(
      fc.array(attack, { minLength: 1, maxLength: 4 }),
      (attacks) => renewUnder(ca, line, attacks),
    ),
    { numRuns: rounds, endOnFailure: true },
  );
  report("hostile", "renew", rounds, []);
  line.offset += 9 * day;
  assertEquals((await line.run("renew", "--force")).exit, 0);
});

const traceless = !await hasStrace();
if (traceless) console.error("SKIPPED: what a hostile CA makes the program open needs strace");
Deno.test(
  { name: "a hostile CA opens nothing for writing but the line's files", ignore: traceless },
  async () => {
    await using ca = await startScriptedCa();
    const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
    assertEquals((await line.run("init")).exit, 0);
    const attacks: Attack[] = ["../../../tmp/evil", "/tmp/evil", "..%2fevil", "evil\0"].flatMap((value) =>
      (["authorization", "newOrder", "certificate", "order"] as RequestKind[]).map((kind): Attack => ({
        kind,
        field: { authorization: "token", newOrder: "finalize", order: "authorizations" }[kind as string] ??
          "",
        value,
        status: undefined,
        contentType: undefined,
        header: ["location", value.replaceAll("\0", "?")],
        body: kind === "certificate" ? `${value}\n-----BEGIN CERTIFICATE-----\n` : undefined,
      }))
    );
    const own = ["keys", "certs", "backups"].map((directory) => `${line.folder}/${directory}/`);
    for (const each of [...attacks, undefined]) {
      ca.fault = each && carryOut([each]);
      await Deno.remove(`${line.folder}/keys/.live.state.json`); // an order that is taken up would meet no attack
      const { calls, outcome } = await record(line, ["renew"], ["/"]);
      assertEquals(outcome.exit, each ? 1 : 0, JSON.stringify([each, outcome]));
      const written = calls.filter((call) =>
        isChange(call) && call.name !== "openat" || /O_(WRONLY|RDWR|CREAT)/.test(call.args)
      );
      const foreign = written.map(({ path }) => path)
        .filter((path) =>
          ![...own, `${ca.challengeDir}/`].some((directory) => `${path}/`.startsWith(directory))
        )
        // Deno's own cache databases apart.
        .filter((path) => !/^\/(dev|proc)\/|\/\w+_cache_v\d+[\w-]*$/.test(path));
      assertEquals(foreign, []);
      assert(each || written.length > 20, String(written.length));
    }
  },
);

Deno.test("endless and inflated answers: memory stays under 150 MB", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  assertEquals((await line.run("init")).exit, 0);
  const bomb = new Response(
    new Blob([new Uint8Array(200 << 20)]).stream().pipeThrough(new CompressionStream("gzip")),
  );
  const packed = new Uint8Array(await bomb.arrayBuffer());
  const floods: [string, (exchange: Exchange) => true][] = [
    ["endless", ({ response, answer }) => {
      response.writeHead(200, answer.headers);
      const chunk = new Uint8Array(1 << 20);
      const send = () => {
        if (!response.destroyed) response.write(chunk, () => setTimeout(send, 0));
      };
      send();
      return true;
    }],
    ["gzip", ({ response, answer }) => {
      response.writeHead(200, { ...answer.headers, "content-encoding": "gzip" }).end(packed);
      return true;
    }],
  ];
  for (const [what, flood] of floods) {
    for (const kind of ["directory", "certificate"] as RequestKind[]) {
      ca.fault = (exchange) => exchange.kind === kind && flood(exchange);
      const [command, ...args] = await program(line, ["renew"]);
      const child = new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "piped" })
        .spawn();
      let peak = 0;
      const watch = setInterval(() => {
        try {
          peak = Math.max(
            peak,
            Number(Deno.readTextFileSync(`/proc/${child.pid}/status`).match(/VmHWM:\s+(\d+)/)?.[1] ?? 0),
          );
        } catch { /* it has ended */ }
      }, 10);
      const { code, stderr } = await child.output();
      clearInterval(watch);
      assertEquals([what, kind, code], [what, kind, 1], new TextDecoder().decode(stderr));
      assert(peak > 0 && peak < 150 << 10, `${what} ${kind}: ${peak >> 10} MB`);
    }
  }
});
