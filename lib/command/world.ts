/** The real outside world: network, clock, hooks, terminal. */
import { read } from "../disk/read.ts";
import { ConfigError, HookError, PermissionError, printable } from "../errors.ts";
import { readPem } from "../x509/pem.ts";
import type { World } from "../steps/world.ts";

const hookTimeout = 600_000;
const killAfter = 10_000;

/** Makes the real world.
 *
 * @param options `caFile`: root certificates for a private CA, beside the built-in ones
 * @returns what the rest of the program reaches the outside through
 * @throws {ConfigError} `caFile` can't be used
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
    uptime: () => Deno.osUptime() * 1000,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    runHook(program, env) {
      progress("");
      return runHook(program, env);
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
    if (value) return printable(value.split("@").at(-1)!, 100);
  }
}

/** The signals that end a program, and what the shell adds to 128 for each. */
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Ends the process groups of the hooks that run. */
const endHooks = new Set<(signal: Deno.Signal) => void>();
/** What each line under way wants done before the program ends. */
const cleanUps = new Set<() => void>();
let handlers: (() => void)[] = [];

/** Handlers run between two turns of the event loop: never in the middle of what is written without `await`. */
function onSignal(cleanUp: () => void): Disposable {
  if (cleanUps.size === 0) handlers = Object.entries(signals).map(listen);
  cleanUps.add(cleanUp);
  return {
    [Symbol.dispose]() {
      cleanUps.delete(cleanUp);
      if (cleanUps.size === 0) handlers.forEach((remove) => remove());
    },
  };
}

function listen([name, number]: [string, number]): () => void {
  const handler = () => {
    for (const act of [...[...endHooks].map((end) => () => end("SIGTERM")), ...cleanUps]) {
      try {
        act();
      } catch { /* the next run cleans up */ }
    }
    Deno.exit(128 + number);
  };
  Deno.addSignalListener(name as Deno.Signal, handler);
  return () => Deno.removeSignalListener(name as Deno.Signal, handler);
}

/** Runs a hook to its end; the whole process group is ended where it takes longer than ten minutes. */
async function runHook(program: string, env: Record<string, string>): Promise<number> {
  let child: Deno.ChildProcess;
  // What a hook writes is for nobody else to change. Deno has no flag for the umask alone, so it may not be ours.
  if (Deno.permissions.querySync({ name: "sys", kind: "umask" }).state === "granted") {
    Deno.umask(Deno.umask() | 0o022);
  }
  try {
    // Not .output(): a daemon that the hook leaves behind would keep the pipes open for ever.
    child = new Deno.Command(program, {
      env,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
      detached: true,
    })
      .spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new PermissionError(`run the hook "${program}"`, error);
    }
    if (!(error instanceof Error)) throw error;
    throw new HookError(`Cannot run the hook "${program}": ${error.message.replace(/^.*?: /, "")}`, {
      hint: "is its interpreter there, and has it Unix line ends?",
    });
  }
  const endHook = (name: Deno.Signal) => {
    for (const end of [() => Deno.kill(-child.pid, name), () => child.kill(name)]) {
      try {
        return end(); // where Deno may not signal a group, the hook alone must do
      } catch { /* it has ended meanwhile */ }
    }
  };
  endHooks.add(endHook);
  const timers = [
    setTimeout(() => endHook("SIGTERM"), hookTimeout),
    setTimeout(() => endHook("SIGKILL"), hookTimeout + killAfter),
  ];
  try {
    return (await child.status).code;
  } finally {
    timers.forEach(clearTimeout);
    endHooks.delete(endHook);
  }
}

/** Each certificate by itself: one that can't be read would break the whole client. */
function readRoots(path: string): string[] {
  const bytes = read(path);
  if (!bytes) throw new ConfigError(`ca-file does not exist: "${path}"`);
  const text = new TextDecoder().decode(bytes);
  try {
    const { blocks } = readPem(text);
    if (blocks.length === 0 || blocks.some((block) => block.label !== "CERTIFICATE")) throw new TypeError();
  } catch (cause) {
    throw new ConfigError(`ca-file holds no certificates in PEM form: "${path}"`, { cause });
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
