/** A certificate line in a folder of its own, and the command that works on it. */
import { main } from "../../lib/command/cli.ts";
import { realSystem } from "../../lib/command/world.ts";
import type { World } from "../../lib/steps/session.ts";
import { assertEquals } from "./assert.ts";
import { openssl } from "./pebble.ts";
import { configText, type Settings } from "./settings.ts";

export type { Settings } from "./settings.ts";

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

/** An entry script as a command. */
interface EntryCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

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

let lines = 0;

/** Makes a line below a CA's folder.
 *
 * @param ca the CA
 * @param settings see {@link Settings}
 */
export async function makeLine(ca: Home, settings: Settings = {}): Promise<TestLine> {
  const line = new TestLine(ca, ++lines);
  await Deno.mkdir(line.folder);
  await line.configure(settings);
  return line;
}

/** A line under test. */
export class TestLine {
  readonly folder: string;
  config: string;
  /** Moves the clock: milliseconds from the real time. */
  offset = 0;
  /** Stands in for parts of the outside world. */
  world: Partial<World> = {};
  /** Lets time pass at once where the program waits. */
  isHurried = false;
  private caFile: string;

  constructor(private readonly ca: Home, private readonly number: number) {
    this.folder = `${ca.folder}/line${number}`;
    this.config = `${this.folder}/line.conf`;
    this.caFile = ca.caFile;
  }

  /** Changes the configuration file. */
  async configure(settings: Settings): Promise<void> {
    const { directory, caFile, challengeDir } = this.ca;
    this.caFile = settings.caFile ?? caFile;
    const where = { folder: this.folder, directory, caFile, challengeDir };
    const text = configText(where, { domains: [`d${this.number}.example.org`], ...settings });
    await Deno.writeTextFile(this.config, text);
  }

  async run(...args: string[]): Promise<Outcome> {
    const out: string[] = [];
    const err: string[] = [];
    const system: World = {
      ...this.makeWorld(),
      log: (text: string) => void out.push(text),
      warn: (text: string) => void err.push(text),
      progress: () => {},
      isInteractive: false,
      ...this.world,
    };
    return { exit: await main(["-c", this.config, ...args], system), out, err };
  }

  /** The real one, with a clock that can be moved. */
  private makeWorld(): World {
    const real = realSystem(this.world.fetch ? {} : { caFile: this.caFile });
    return {
      ...real,
      fetch: ((url: string, init?: RequestInit) => this.fetch(real, url, init)) as typeof fetch,
      now: () => new Date(Date.now() + this.offset),
      uptime: () => real.uptime() + this.offset,
      sleep: (ms: number) => {
        if (!this.isHurried) return real.sleep(ms);
        this.offset += ms;
        return real.sleep(Math.min(ms, 10));
      },
    };
  }

  /** The CA lives in the same time as the line. */
  private async fetch(real: World, url: string, init?: RequestInit): Promise<Response> {
    const response = await real.fetch(url, init);
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!this.offset || Number.isNaN(date)) return response;
    const headers = new Headers(response.headers);
    headers.set("date", new Date(date + this.offset).toUTCString());
    // The same response: with a new one around its body, Deno forgets the signal that is to end it.
    return Object.defineProperty(response, "headers", { value: headers });
  }

  /** Runs an entry script as a process of its own, under these Deno flags. */
  spawn(script: string, flags: string[], args?: string[]): Deno.ChildProcess {
    const { command, ...options } = this.command(script, flags, args);
    return new Deno.Command(command, { ...options, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  }

  /** The command that `spawn` spawns. */
  command(script: string, flags: string[], args: string[] = []): EntryCommand {
    const before = ["run", "--config", testConfig, "--cached-only", "--no-prompt", ...flags];
    return {
      command: Deno.execPath(),
      args: [...before, ...entry(script), "-c", this.config, ...args],
      env: { NO_COLOR: "1" },
    };
  }

  readonly read = (path: string): Promise<string> => Deno.readTextFile(`${this.folder}/${path}`);
  /** Permissions of a file, octal. */
  readonly mode = (path: string): string =>
    (Deno.statSync(`${this.folder}/${path}`).mode! & 0o7777).toString(8);

  /** Writes both hooks, which log their names and environments; each fails while `fail-NAME` exists. */
  async makeHooks(): Promise<string> {
    const { folder } = this;
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
  }

  /** What the hooks logged since this was asked last. */
  async hookLog(): Promise<string[]> {
    const log = await this.read("hook.log").catch(() => "");
    await Deno.remove(`${this.folder}/hook.log`).catch(() => {});
    return log.replaceAll(this.folder, "").split("\n").filter((each) => each);
  }

  /** Has openssl check the live pair: chain to the CA's root, names, and that the key fits. */
  async verify(ca: Home, domains: readonly string[], at = new Date()): Promise<void> {
    const [crt, key, root] = ["certs/live.crt", "keys/live.key", "root.pem"]
      .map((each) => `${this.folder}/${each}`);
    await Deno.writeTextFile(root, await ca.root());
    const time = String(Math.round(+at / 1000));
    await openssl("verify", "-attime", time, "-CAfile", root, "-untrusted", crt, crt);
    assertEquals(
      await openssl("pkey", "-in", key, "-pubout"),
      await openssl("x509", "-in", crt, "-noout", "-pubkey"),
    );
    const names = await openssl("x509", "-in", crt, "-noout", "-ext", "subjectAltName");
    assertEquals([...names.matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name).sort(), [...domains].sort());
  }
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
