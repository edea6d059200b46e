/** The real outside world: network, clock, hooks, terminal. */
import { read } from "../disk/read.ts";
import { Failure } from "../errors.ts";
import type { World } from "../steps/session.ts";
import { readPem } from "../x509/pem.ts";
import { onSignal } from "./signals.ts";

/** Makes the real world.
 *
 * @param options `caFile`: root certificates for a private CA, beside the built-in ones
 * @returns what the rest of the program reaches the outside through
 * @throws {Failure} `caFile` can't be used
 */
export function realSystem(options: { caFile?: string } = {}): World {
  const client = options.caFile ? Deno.createHttpClient({ caCerts: readRoots(options.caFile) }) : undefined;
  const showsProgress = Deno.stderr.isTerminal();
  // "\r" and "erase to the end of the line": the next text takes this one's place.
  const progress = (text: string) => {
    if (showsProgress) write(Deno.stderr, `\r\x1b[K${text}${text ? " …" : ""}`);
  };
  const say = (stream: typeof Deno.stdout | typeof Deno.stderr) => (line: string) => {
    progress("");
    write(stream, `${line}\n`);
  };
  return {
    fetch:
      ((url: string, init?: RequestInit) => fetch(url, { ...init, client } as RequestInit)) as typeof fetch,
    now: () => new Date(),
    uptime,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async runHook(program, env) {
      progress("");
      return await (await import("./hook_process.ts")).runHook(program, env);
    },
    onSignal,
    exchangeDns: async (...args) => await (await import("../dane/peer.ts")).exchangeDns(...args),
    peerCertificate: async (...args) => await (await import("../dane/starttls.ts")).peerCertificate(...args),
    log: say(Deno.stdout),
    warn: say(Deno.stderr),
    progress,
    proxy: proxy(),
    isInteractive: Deno.stdin.isTerminal() || showsProgress,
  };
}

/** What Deno's fetch takes for a proxy, as far as this run may know; without a password that stands in it. */
function proxy(): string | undefined {
  for (const variable of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) {
    if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") continue;
    const value = Deno.env.get(variable);
    if (value) return value.split("@").at(-1);
  }
}

/** Each certificate by itself: one that can't be read would break the whole client. */
function readRoots(path: string): string[] {
  const bytes = read(path);
  if (!bytes) throw new Failure("config.ca-file", `ca-file does not exist: "${path}"`, { path });
  const text = new TextDecoder().decode(bytes);
  try {
    const { blocks } = readPem(text);
    if (blocks.length === 0 || blocks.some((block) => block.label !== "CERTIFICATE")) throw new TypeError();
  } catch (cause) {
    throw new Failure("config.ca-file", `ca-file holds no certificates in PEM form: "${path}"`, {
      path,
      cause,
    });
  }
  return [text];
}

/** Output must never break what it tells about: a full disk or a closed pipe is nobody's business here. */
function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  try {
    const bytes = new TextEncoder().encode(text);
    for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
  } catch { /* nobody reads this */ }
}

/** Milliseconds since the machine was booted. */
function uptime(): number {
  try {
    return Deno.osUptime() * 1000;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new Failure("files.permission", "Deno may not ask for the uptime, by which waits are measured", {
      cause,
    });
  }
}
