/** A real CA for tests and demo: Pebble, its DNS server, and the web root that answers its challenges. */

/** How Pebble is to behave. */
export interface PebbleOptions {
  /** Percent of good nonces that are refused. */
  nonceReject?: number;
  strict?: boolean;
  /** How many issuers a chain has. */
  chainLength?: number;
  /** Seconds. */
  validity?: number;
  blocked?: string[];
  /** Further members of its configuration. */
  config?: Record<string, unknown>;
  /** How many other roots there are, each with a chain of its own. */
  alternateRoots?: number;
  /** File for Pebble's log, which has a line for each request: `POST /order-plz -> calling handler()`. */
  log?: string;
}

/** A running CA. */
export interface Pebble extends AsyncDisposable {
  directory: string;
  /** Root of the CA's own TLS certificate. */
  caFile: string;
  challengeDir: string;
  /** Everything lies below it and goes with it. */
  folder: string;
  /** The root that issued chains lead to, PEM. */
  root(): Promise<string>;
  /** Sets what renewal information says of a certificate, whatever it is. */
  setRenewalInfo(certificate: string, answer: string): Promise<void>;
  /** What the CA says of a certificate, by its serial number in hex. */
  statusOf(serial: string): Promise<{ Status: string; Reason?: number }>;
  /** Tokens that the web root was asked for. */
  asked: string[];
  /** How long the web root takes to answer, milliseconds. */
  delay: number;
}

/** Starts Pebble on free loopback ports.
 *
 * @param options how it is to behave
 */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  const challengeDir = `${folder}/challenges`;
  await Deno.mkdir(challengeDir);
  await makeTlsCertificate(folder);

  const asked: string[] = [];
  const web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const token = new URL(request.url).pathname.replace("/.well-known/acme-challenge/", "");
    asked.push(token);
    // Bit by bit, since a test may end the wait by setting it back.
    for (let waited = 0; waited < pebble.delay; waited += 20) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    try {
      return new Response(await Deno.readTextFile(`${challengeDir}/${token.replaceAll("/", "")}`));
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  const [listen, management, dns, dnsManagement] = [freePort(), freePort(), freePort(), freePort()];
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${listen}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: `${folder}/tls.crt`,
      privateKey: `${folder}/tls.key`,
      httpPort: web.addr.port,
      tlsPort: 1,
      certificateValidityPeriod: options.validity ?? 90 * 86_400,
      domainBlocklist: options.blocked ?? [],
      ...options.config,
    },
  };
  await Deno.writeTextFile(`${folder}/pebble.json`, JSON.stringify(config));
  const run = (program: string, args: string[], env: Record<string, string> = {}) =>
    new Deno.Command(program, { args, env, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  const pebbleProgram = Deno.env.get("PEBBLE") ?? "pebble";
  const servers = [
    // deno-fmt-ignore
    run(`${pebbleProgram}-challtestsrv`, [...await dnsFlags(pebbleProgram), `127.0.0.1:${dns}`, "-management", `127.0.0.1:${dnsManagement}`,
      "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]),
    run("sh", [
      "-c",
      'exec "$0" "$@" >"$PEBBLE_LOG" 2>&1',
      pebbleProgram,
      "-config",
      `${folder}/pebble.json`,
      "-dnsserver",
      `127.0.0.1:${dns}`,
      ...options.strict ? ["-strict"] : [],
    ], {
      PEBBLE_LOG: options.log ?? "/dev/null",
      PEBBLE_VA_NOSLEEP: "1",
      PEBBLE_AUTHZREUSE: "0",
      PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 0),
      PEBBLE_CHAIN_LENGTH: String(options.chainLength ?? 1),
      PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots ?? 0),
    }),
  ];
  const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${folder}/ca.crt`)] });
  const pebble: Pebble = {
    directory: `https://localhost:${listen}/dir`,
    caFile: `${folder}/ca.crt`,
    challengeDir,
    folder,
    asked,
    delay: 0,
    root: async () => await (await fetch(`https://localhost:${management}/roots/0`, { client })).text(),
    async setRenewalInfo(certificate, answer) {
      const body = JSON.stringify({ Certificate: certificate, ARIResponse: answer });
      const url = `https://localhost:${management}/set-renewal-info/`;
      const response = await fetch(url, { client, method: "POST", body } as RequestInit);
      await response.body?.cancel();
      if (!response.ok) throw new Error(`Pebble says ${response.status}`);
    },
    statusOf: async (serial) =>
      await (await fetch(`https://localhost:${management}/cert-status-by-serial/${serial}`, { client }))
        .json(),
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        try {
          server.kill("SIGKILL");
        } catch { /* it has ended */ }
        await server.status;
      }
      client.close();
      await web.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
  for (let attempt = 0;; attempt++) {
    try {
      await (await fetch(pebble.directory, { client })).body?.cancel();
      return pebble;
    } catch (cause) {
      if (attempt === 100) {
        await pebble[Symbol.asyncDispose]();
        throw new Error("Pebble does not start", { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The DNS server's flags have changed from one version to the next. */
async function dnsFlags(program: string): Promise<string[]> {
  const { stderr } = await new Deno.Command(`${program}-challtestsrv`, { args: ["-h"], stdout: "null" })
    .output();
  return new TextDecoder().decode(stderr).includes("-dnsserver") ? ["-doh", "", "-dnsserver"] : ["-dns01"];
}

/** A TCP port that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Runs openssl, the referee that we did not write.
 *
 * @param args its arguments
 * @returns its output
 * @throws {Error} it ended with another status than 0
 */
export async function openssl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("openssl", { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout);
  if (code !== 0) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}${text}`);
  return text;
}

/** Makes a CA certificate, and one of its own for localhost: `ca.crt`, `tls.crt`, `tls.key`.
 *
 * @param folder where
 */
export async function makeTlsCertificate(folder: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  // deno-fmt-ignore
  await openssl("req", "-x509", ...key, "-keyout", `${folder}/ca.key`, "-out", `${folder}/ca.crt`, "-subj", "/CN=test CA");
  // deno-fmt-ignore
  await openssl("req", "-x509", ...key, "-keyout", `${folder}/tls.key`, "-out", `${folder}/tls.crt`, "-subj", "/CN=localhost",
    "-CA", `${folder}/ca.crt`, "-CAkey", `${folder}/ca.key`, "-addext", "subjectAltName=DNS:localhost",
    "-addext", "basicConstraints=critical,CA:FALSE");
}
