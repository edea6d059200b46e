/** The library and Caddy's CA, which is step-ca: a challenge that fails is told of in the reply to it, and stays pending. */
import { assert, assertEquals } from "../kit/assert.ts";
import { freePort, makeTlsCertificate } from "../kit/pebble.ts";
import { Account } from "../../lib/acme/account.ts";
import { Connection } from "../../lib/acme/connection.ts";
import { toIdentifier } from "../../lib/acme/objects.ts";
import { realSystem } from "../../lib/command/world.ts";
import { createCsr } from "../../lib/x509/csr.ts";
import { generateKey } from "../../lib/x509/key.ts";
import { failureOf } from "./client.ts";

const hasCaddy = await new Deno.Command("caddy", { args: ["version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);

/** Starts Caddy with a CA of its own, far from the machine's trust store. */
async function startCaddy() {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  await makeTlsCertificate(folder);
  const [port, http] = [freePort(), freePort()];
  await Deno.writeTextFile(
    `${folder}/Caddyfile`,
    `{
	admin off
	skip_install_trust
	http_port ${http}
	storage file_system ${folder}/storage
}
https://localhost:${port} {
	bind 127.0.0.1
	tls ${folder}/tls.crt ${folder}/tls.key
	acme_server
}
`,
  );
  const child = new Deno.Command("caddy", {
    args: ["run", "--config", `${folder}/Caddyfile`],
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    directory: `https://localhost:${port}/acme/local/directory`,
    caFile: `${folder}/ca.crt`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test({
  name: `Caddy: why a challenge failed is said within the minute${hasCaddy ? "" : " (SKIPPED: needs caddy)"}`,
  ignore: !hasCaddy,
}, async () => {
  await using caddy = await startCaddy();
  const real = realSystem({ caFile: caddy.caFile });
  const waits: number[] = [];
  const network = {
    ...real,
    progress: () => {},
    sleep: (ms: number) => (waits.push(ms), real.sleep(Math.min(ms, 50))),
  };
  let connection;
  for (let attempt = 0; !connection; attempt++) {
    connection = await Connection.open(caddy.directory, network).catch((error) => {
      if (attempt === 50) throw error;
    });
  }
  const account = await Account.open(connection, await generateKey({ type: "ecdsa", length: 256 }));
  const urls: (string | undefined)[] = [];
  const calls: string[] = [];
  waits.length = 0;
  // A name that leads to this machine's own port 80, or nowhere.
  const names = ["nobody.invalid"];
  const failure = await failureOf(account.obtain({
    order: { identifiers: names.map(toIdentifier) },
    csr: createCsr(await generateKey({ type: "ecdsa", length: 256 }), names),
    solvers: [{
      type: "http-01",
      present: () => Promise.resolve(void calls.push("present")),
      remove: () => Promise.resolve(void calls.push("remove")),
    }],
    onOrder: (url) => urls.push(url),
  }));
  assertEquals([failure.kind, calls, urls.length, urls[1]], [
    "ca.challenge",
    ["present", "remove"],
    2,
    undefined,
  ]);
  assert(/^The CA refused the order: nobody\.invalid: \w+: /.test(failure.message), failure.message);
  assert(waits.length > 3 && waits.reduce((sum, ms) => sum + ms, 0) < 60_000, waits.join());
});
