/** A CA whose TLS certificate can't be trusted, and one that never ends an answer. */
import { assert, assertEquals } from "../kit/assert.ts";
import { Account } from "../../lib/acme/account.ts";
import { Connection } from "../../lib/acme/connection.ts";
import { realSystem } from "../../lib/command/world.ts";
import { Failure } from "../../lib/errors.ts";
import { exportKey, generateKey } from "../../lib/x509/key.ts";
import { type Content, makeRoot } from "../kit/issuer.ts";
import { makeLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";

Deno.test("a deadline ends an answer that never ends", async () => {
  await using ca = await startScriptedCa();
  const system = { ...realSystem({ caFile: ca.caFile }), warn: () => {} };
  const account = await Account.open(
    await Connection.open(ca.directory, system),
    await generateKey({ type: "ecdsa", length: 256 }),
    { termsOfServiceAgreed: true },
  );
  ca.fault = ({ kind, answer, response }) => {
    if (kind !== "order") return;
    response.writeHead(answer.status, { ...answer.headers, "content-length": "100000" });
    response.write(" ");
    return true;
  };
  const begin = performance.now();
  const url = ca.directory.replace("directory", "order/1");
  const failure = await account.post(url, undefined, AbortSignal.timeout(300)).catch((error) => error);
  assert(failure instanceof Failure && failure.isTemporary, String(failure));
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
    const cert = await root.issue({ spki: key.publicKey, domains: ["localhost"], ...content });
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
