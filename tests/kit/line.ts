/** A certificate line in a folder of its own, and the command that works on it. */
import { main } from "../../lib/command/cli.ts";
import { realSystem } from "../../lib/command/world.ts";
import type { World } from "../../lib/steps/session.ts";
import { assertEquals } from "./assert.ts";
import { openssl } from "./pebble.ts";

/** What a run said and how it ended. */
export interface Outcome {
  exit: number;
  out: string[];
  err: string[];
}

/** Where a line lives: what each of our CAs has. */
export interface Home {
  directory: string;
  caFile: string;
  challengeDir: string;
  folder: string;
  root(): Promise<string>;
}

/** A line under test. */
export interface TestLine {
  folder: string;
  config: string;
  /** Moves the clock: milliseconds from the real time. */
  offset: number;
  /** Stands in for parts of the outside world. */
  world: Partial<World>;
  /** Lets time pass at once where the program waits. */
  isHurried: boolean;
  /** Changes the configuration file. */
  configure(settings: Settings): Promise<void>;
  run(...args: string[]): Promise<Outcome>;
  /** Runs an entry script as a process of its own, under these Deno flags. */
  spawn(script: string, flags: string[], args?: string[]): Deno.ChildProcess;
  /** The command that `spawn` spawns. */
  command(script: string, flags: string[], args?: string[]): EntryCommand;
  read(path: string): Promise<string>;
  /** Permissions of a file, octal. */
  mode(path: string): string;
  /** Writes both hooks, which log their names and environments; each fails while `fail-NAME` exists. */
  makeHooks(): Promise<string>;
  /** What the hooks logged since this was asked last. */
  hookLog(): Promise<string[]>;
  /** Has openssl check the live pair: chain to the CA's root, names, and that the key fits. */
  verify(ca: Home, domains: readonly string[], at?: Date): Promise<void>;
}

/** An entry script as a command. */
interface EntryCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/** What of the configuration differs between tests. */
export interface Settings {
  domains?: string[];
  head?: string;
  timing?: Record<string, string>;
  hooks?: string;
  files?: string;
  /** The section [tlsa]. */
  tlsa?: string;
  directory?: string;
  challengeDir?: string;
  caFile?: string;
}

let lines = 0;

/** The configuration that `scripts/dev/dev.ts` chose. */
export const testConfig =
  new URL(`../../${Deno.env.get("TEST_CONFIG") ?? "deno.npm.json"}`, import.meta.url).pathname;
const entries = ["init", "renew", "cron"];
/** The entry script for an action, with the action where it is for all of them. */
const entry = (action: string): string[] => {
  const path = (script: string) => new URL(`../../scripts/${script}.ts`, import.meta.url).pathname;
  return entries.includes(action) ? [path(action)] : [path("letsencrypt_tiny"), action];
};

/** Waits for a process. */
export async function outcome(child: Deno.ChildProcess): Promise<Outcome> {
  const { code, stdout, stderr } = await child.output();
  const lines = (bytes: Uint8Array) => new TextDecoder().decode(bytes).split("\n").filter((line) => line);
  return { exit: code, out: lines(stdout), err: lines(stderr) };
}

/** Makes a line below a CA's folder.
 *
 * @param ca the CA
 * @param settings see {@link Settings}
 */
export async function makeLine(ca: Home, settings: Settings = {}): Promise<TestLine> {
  const number = ++lines;
  const folder = `${ca.folder}/line${number}`;
  await Deno.mkdir(folder);
  let { caFile } = ca;
  const line: TestLine = {
    folder,
    config: `${folder}/line.conf`,
    offset: 0,
    world: {},
    isHurried: false,
    async configure(settings) {
      const { domains = [`d${number}.example.org`], head = "", timing = {}, hooks = "", files = "", tlsa } =
        settings;
      const { directory, challengeDir } = { ...ca, ...settings };
      caFile = settings.caFile ?? ca.caFile;
      const times = {
        "max-key-age-days": "256",
        "staging-hours": "0",
        "renew-cert-before-expiry-days": "15",
        ...timing,
      };
      const text = `domains =\n${domains.map((each) => `  ${each}\n`).join("")}${head}
[timing]
${Object.entries(times).map(([name, value]) => `${name} = ${value}`).join("\n")}
[hooks]
${hooks}
[acme]
directory = ${directory}
ca-file = ${caFile}
account-key = ${folder}/account.key
challenge-dir = ${challengeDir}
[dirs]
certs = ${folder}/certs
keys = ${folder}/keys
backups = ${folder}/backups
[files]
live = live
staging = staging
${files}
${tlsa === undefined ? "" : `[tlsa]\n${tlsa}\n`}`;
      await Deno.writeTextFile(line.config, text);
    },
    async run(...args) {
      const out: string[] = [];
      const err: string[] = [];
      const real = realSystem(line.world.fetch ? {} : { caFile });
      const system = {
        ...real,
        // The CA lives in the same time as the line.
        fetch: (async (url: string, init?: RequestInit) => {
          const response = await real.fetch(url, init);
          const date = Date.parse(response.headers.get("date") ?? "");
          if (!line.offset || Number.isNaN(date)) return response;
          const headers = new Headers(response.headers);
          headers.set("date", new Date(date + line.offset).toUTCString());
          // The same response: with a new one around its body, Deno forgets the signal that is to end it.
          return Object.defineProperty(response, "headers", { value: headers });
        }) as typeof fetch,
        sleep(ms: number) {
          if (!line.isHurried) return real.sleep(ms);
          line.offset += ms;
          return real.sleep(Math.min(ms, 10));
        },
        now: () => new Date(Date.now() + line.offset),
        uptime: () => real.uptime() + line.offset,
        log: (text: string) => void out.push(text),
        warn: (text: string) => void err.push(text),
        progress: () => {},
        isInteractive: false,
        ...line.world,
      };
      return { exit: await main(["-c", line.config, ...args], system), out, err };
    },
    spawn(script, flags, args) {
      const { command, ...options } = line.command(script, flags, args);
      return new Deno.Command(command, { ...options, stdin: "null", stdout: "piped", stderr: "piped" })
        .spawn();
    },
    command: (script, flags, args = []) => ({
      command: Deno.execPath(),
      // deno-fmt-ignore
      args: ["run", "--config", testConfig, "--cached-only", "--no-prompt", ...flags, ...entry(script), "-c", line.config, ...args],
      env: { NO_COLOR: "1" },
    }),
    read: (path) => Deno.readTextFile(`${folder}/${path}`),
    mode: (path) => (Deno.statSync(`${folder}/${path}`).mode! & 0o7777).toString(8),
    async makeHooks() {
      const names = ["certchange", "keychange"];
      for (const name of names) {
        const script = `#!/bin/sh
{ echo "$0"; env | grep ^LETSENCRYPT_TINY_ | sort; env | grep -A9 ^LETSENCRYPT_TINY_TLSA= | grep -c TLSA; } >> ${folder}/hook.log
test ! -e ${folder}/fail-${name}
`;
        await Deno.writeTextFile(`${folder}/${name}`, script);
        await Deno.chmod(`${folder}/${name}`, 0o755);
      }
      return names.map((name) => `post-${name} = ${folder}/${name}`).join("\n");
    },
    async hookLog() {
      const log = await Deno.readTextFile(`${folder}/hook.log`).catch(() => "");
      await Deno.remove(`${folder}/hook.log`).catch(() => {});
      return log.replaceAll(folder, "").split("\n").filter((each) => each);
    },
    async verify(ca, domains, at = new Date()) {
      const [crt, key, root] = ["certs/live.crt", "keys/live.key", "root.pem"].map((each) =>
        `${folder}/${each}`
      );
      await Deno.writeTextFile(root, await ca.root());
      await openssl(
        "verify",
        "-attime",
        String(Math.round(+at / 1000)),
        "-CAfile",
        root,
        "-untrusted",
        crt,
        crt,
      );
      assertEquals(
        await openssl("pkey", "-in", key, "-pubout"),
        await openssl("x509", "-in", crt, "-noout", "-pubkey"),
      );
      const names = await openssl("x509", "-in", crt, "-noout", "-ext", "subjectAltName");
      assertEquals([...names.matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name).sort(), [...domains].sort());
    },
  };
  await line.configure(settings);
  return line;
}

/** Every file of a line with permissions and content, but what a run notes down for itself. */
export function contents({ folder }: TestLine): string {
  const describe = (path: string): string[] => {
    const mode = Deno.statSync(path).mode!.toString(8);
    if (!Deno.statSync(path).isDirectory) return [`${path} ${mode} ${Deno.readFileSync(path).toHex()}`];
    const names = [...Deno.readDirSync(path)].map(({ name }) => name).sort();
    return [`${path} ${mode}`, ...names.flatMap((name) => describe(`${path}/${name}`))];
  };
  return describe(folder).filter((each) => !/\.(lock|state\.json) /.test(each)).join("\n");
}
