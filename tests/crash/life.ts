/** A long random life: runs that are killed, hooks that are killed, fail or are slow, and a configuration that changes. */
import { createHash, createPublicKey } from "node:crypto";
import { makeLine, type Outcome, outcome, type Settings, type TestLine } from "../kit/line.ts";
import { refuse, type RequestKind, requestKinds, type ScriptedCa } from "../kit/scripted_ca.ts";
import { program } from "./strace.ts";

const day = 86_400_000;
const entry = "tests/kit/moved_clock.ts";

/** The same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/** See above. */
export class Life {
  /** What happened, for whoever has to understand a failure. */
  readonly story: string[] = [];
  private settings: Settings = { head: "key-type = ecdsa\n", domains: ["a.example.org"] };
  private hooks = "";
  private offset = 0;

  private constructor(
    readonly ca: ScriptedCa,
    readonly line: TestLine,
    private readonly random: () => number,
  ) {}

  static async begin(ca: ScriptedCa, seed: number): Promise<Life> {
    const line = await makeLine(ca, {});
    const life = new Life(ca, line, randomFrom(seed));
    ca.now = () => new Date(Date.now() + life.offset);
    life.hooks = await makeHooks(line.folder);
    await life.configure({});
    return life;
  }

  private chance = (of: number) => this.random() < of;
  private pick = <T>(from: readonly T[]): T => from[Math.floor(this.random() * from.length)];
  private configure(change: Settings): Promise<void> {
    this.settings = { ...this.settings, hooks: this.hooks, ...change };
    return this.line.configure(this.settings);
  }

  /** One thing happens. */
  async step(): Promise<void> {
    this.offset += this.pick([0, 0, 0.5, 1, 3, 20]) * day * this.random();
    if (this.chance(0.25)) await this.change();
    if (this.chance(0.25)) await this.disturbHooks();
    this.disturbCa();
    const actions = ["cron", "cron", "cron", "cron", "renew", "recover", "init", "compromise", "revoke"];
    const hasBegun = await this.line.read("keys/live.key").then(() => true, () => false);
    await this.run(hasBegun ? this.pick(actions) : "init", this.chance(0.6));
    this.ca.fault = undefined;
  }

  private async change(): Promise<void> {
    const names = ["a.example.org", "b.example.org", "c.example.org"];
    const change: Settings = this.pick<() => Settings>([
      () => ({ domains: names.slice(0, 1 + Math.floor(3 * this.random())) }),
      () => ({ head: `key-type = ecdsa\nkey-length = ${this.pick([256, 384])}\n` }),
      () => ({ timing: { "staging-hours": this.pick(["0", "0", "24", "1000"]) } }),
      () => ({ timing: { "max-key-age-days": this.pick(["20", "256"]) } }),
      () => ({ files: this.pick(["", "outputs = key+crt chain", "outputs = leaf"]) }),
    ])();
    this.story.push(`configuration: ${JSON.stringify(change)}`);
    await this.configure(change);
  }

  private async disturbHooks(): Promise<void> {
    const [what] = [this.pick(["slow", "fail-post-certchange", "fail-post-keychange"])];
    const path = `${this.line.folder}/${what}`;
    const isOn = this.chance(0.5);
    this.story.push(`hooks: ${what} ${isOn ? "on" : "off"}`);
    await (isOn ? Deno.writeTextFile(path, "") : Deno.remove(path).catch(() => {}));
  }

  private disturbCa(): void {
    const kind: RequestKind | undefined = this.chance(0.2) ? this.pick(requestKinds) : undefined;
    if (kind) this.story.push(`the CA fails at ${kind}`);
    this.ca.patience = this.pick([0, 0, 30]);
    this.ca.fault = (exchange) => {
      exchange.answer.headers.date = this.ca.now().toUTCString();
      if (exchange.kind === kind) refuse(503, "serverInternal")(exchange.answer);
    };
  }

  /** Runs an action, and kills it or the hook somewhere on its way. */
  private async run(action: string, isKilled: boolean): Promise<void> {
    const child = await this.spawn(action);
    const victim = isKilled ? this.pick(["program", "program", "hook", "both"]) : "nobody";
    const delay = 60 + 500 * this.random();
    const kill = setTimeout(() => {
      if (victim !== "hook") child.kill("SIGKILL");
      if (victim !== "program") this.killHook();
    }, delay);
    if (!isKilled) clearTimeout(kill);
    const { exit, err } = await outcome(child);
    clearTimeout(kill);
    const told = `${action}, ${victim} killed after ${delay.toFixed()} ms: ${exit} ${err.join(" / ")}`;
    this.story.push(`day ${(this.offset / day).toFixed(1)}: ${told}`);
    if (exit === 70) throw new Error(`internal error: ${err.join("\n")}`);
  }

  private async spawn(action: string): Promise<Deno.ChildProcess> {
    const [command, ...args] = await program(this.line, ["-k", action], entry);
    const env = { NO_COLOR: "1", CLOCK_OFFSET: String(Math.round(this.offset)) };
    return new Deno.Command(command, { args, env, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  }

  private killHook(): void {
    try {
      Deno.kill(Number(Deno.readTextFileSync(`${this.line.folder}/hook.pid`)), "SIGKILL");
    } catch { /* none runs */ }
  }

  /** Lets it come to rest, undisturbed. */
  async rest(): Promise<Outcome> {
    for (const each of ["slow", "fail-post-certchange", "fail-post-keychange"]) {
      await Deno.remove(`${this.line.folder}/${each}`).catch(() => {});
    }
    this.ca.patience = 0;
    this.ca.fault = ({ answer }) => void (answer.headers.date = this.ca.now().toUTCString());
    await this.configure({ timing: { "staging-hours": "0" } });
    this.offset += 30 * day;
    await this.run("init", false);
    // What is due one after the other: a hook, a new key, a revocation; and what the CA was asked too often.
    for (let i = 0; i < 6; i++) {
      this.offset += 9 * day;
      await this.run("cron", false);
    }
    const last = await outcome(await this.spawn("cron"));
    this.ca.fault = undefined;
    return last;
  }
}

/** Hooks that need some time between what they are told and what they do, as those that reload a zone. */
async function makeHooks(folder: string): Promise<string> {
  const seen = {
    certchange: "cat $LETSENCRYPT_TINY_LIVE_CRT $LETSENCRYPT_TINY_STAGING_CRT",
    keychange: `echo "$LETSENCRYPT_TINY_TLSA" | sed 's/.* //' | sort -u`,
  };
  for (const [name, what] of Object.entries(seen)) {
    const script = `#!/bin/sh
echo $$ > ${folder}/hook.pid
[ ! -e ${folder}/slow ] || sleep 0.3
[ ! -e ${folder}/fail-$LETSENCRYPT_TINY_EVENT ] || exit 1
${what} > ${folder}/saw-$LETSENCRYPT_TINY_EVENT.$$ && mv ${folder}/saw-$LETSENCRYPT_TINY_EVENT.$$ ${folder}/saw-$LETSENCRYPT_TINY_EVENT
rm ${folder}/hook.pid
`;
    await Deno.writeTextFile(`${folder}/${name}`, script, { mode: 0o755 });
    await Deno.chmod(`${folder}/${name}`, 0o755);
  }
  return Object.keys(seen).map((name) => `post-${name} = ${folder}/${name}`).join("\n");
}

/** Whatever lies in a folder of the line, as text. */
async function* texts({ folder }: TestLine, directories: string[]): AsyncGenerator<string> {
  for (const directory of directories) {
    try {
      for (const { name, isFile } of Deno.readDirSync(`${folder}/${directory}`)) {
        if (isFile) yield await Deno.readTextFile(`${folder}/${directory}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Keys for which the CA has issued a certificate, and which are nowhere any more. */
export async function lostKeys({ ca, line }: Life): Promise<string[]> {
  const kept = new Set<string>();
  for await (const text of texts(line, ["keys", "backups"])) {
    for (const [pem] of text.matchAll(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g)) {
      const der = createPublicKey(pem).export({ type: "spki", format: "der" });
      kept.add(createHash("sha256").update(der).digest("hex"));
    }
  }
  return [...ca.certificates.values()].filter(({ keyId }) => !kept.has(keyId)).map(({ keyId }) =>
    `the key ${keyId.slice(0, 8)} is lost`
  );
}

/** Certificates that the CA has issued, and which are neither here nor revoked. */
export async function lostCertificates({ ca, line }: Life): Promise<string[]> {
  const kept = new Set<string>();
  for await (const text of texts(line, ["certs", "backups"])) {
    kept.add(text.match(/-----BEGIN[^]*?-----END.*/)?.[0] ?? "");
  }
  const revoked = new Set(ca.revocations.map(({ certificate }) => certificate));
  return [...ca.certificates.values()].filter((each) => !revoked.has(each) && !kept.has(each.pem.trim()))
    .map(({ serial }) => `the certificate ${serial} is lost`);
}

/** What is not as it should be when a life has come to rest. */
export async function unrest(life: Life, last: Outcome): Promise<string[]> {
  const { line, ca } = life;
  const names = parseNames(await Deno.readTextFile(line.config));
  const found = [...await lostKeys(life), ...await lostCertificates(life), ...ca.violations.splice(0)];
  if (last.exit !== 0 || last.out.length + last.err.length > 0) {
    found.push(`the last run: ${last.exit} ${[...last.out, ...last.err].join(" / ")}`);
  }
  await line.verify(ca, names, ca.now()).catch((error) => found.push(String(error)));
  const chain = await line.read("certs/live.crt");
  if (await line.read("saw-post-certchange").catch(() => "") !== chain) {
    found.push("post-certchange saw other files");
  }
  const records = [...new Set((await line.run("tlsa")).out.map((each) => each.split(" ").at(-1)))].sort();
  const announced = (await line.read("saw-post-keychange").catch(() => "")).trim().split("\n");
  if (announced.join() !== records.join()) {
    found.push(`post-keychange announced ${announced}, not ${records}`);
  }
  for (const directory of ["keys", "certs", "backups"]) {
    const names = [...Deno.readDirSync(`${line.folder}/${directory}`)].map(({ name }) => name);
    found.push(...names.filter((name) => name.endsWith(".tmp")).map((name) => `${directory}/${name} stays`));
  }
  found.push(...[...Deno.readDirSync(ca.challengeDir)].map(({ name }) => `the challenge ${name} stays`));
  return found;
}

const parseNames = (config: string) => [...config.matchAll(/^ {2}(\S+)$/gm)].map(([, name]) => name);
