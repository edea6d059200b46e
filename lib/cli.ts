/** The command: arguments in, exit status out. */
import { parseArgs } from "@std/cli/parse-args";
import { checkAccess } from "./access.ts";
import { createAccountKey } from "./account_key.ts";
import { type Config, parseConfig } from "./config.ts";
import { exists, read } from "./inspect.ts";
import { ConfigError, ExpectedError, LineError, UsageError } from "./errors.ts";
import { execute, removeStaleChallenges, type Run } from "./execute.ts";
import { readLine } from "./line.ts";
import { lock } from "./lock.ts";
import { permissions } from "./permissions.ts";
import { type Command, plan } from "./plan.ts";
import { recover } from "./recover.ts";
import { openState, withoutFuture } from "./state.ts";
import { formatStatus, status } from "./status.ts";
import { makeDirectories, paths, removeTemporaries } from "./store.ts";
import { realSystem } from "./system.ts";
import { tlsaRecords } from "./tlsa.ts";
import { type System, userAgent } from "./transport.ts";

const actions = ["init", "renew", "cron", "status", "recover", "tlsa", "permissions"] as const;
type ActionName = typeof actions[number];
const asksCa: ActionName[] = ["init", "renew", "cron"];

const usage = `Usage: letsencrypt-tiny -c CONFIG [-k] ACTION

  -c, --config FILE   the configuration file of one certificate line
  -k, --hooks         run the hooks
  ACTION
    init              make account key, directories, first key and certificate
    renew             get a new certificate now
    cron              do what is due, silently if nothing is
    status            show what is there, and what cron would do when  [--json]
    recover           finish or undo an interrupted run, offline
    tlsa              print the TLSA records that the zone must hold
    permissions       print the Deno flags that this configuration needs

  --help, --version, --debug`;

interface Arguments {
  config: string;
  hooks: boolean;
  json: boolean;
  debug: boolean;
  action: ActionName;
}

/** Runs the command.
 *
 * @param args the command line, without the program's name
 * @param system the outside world; the real one unless given
 * @returns the exit status, as the README lists them
 */
export async function main(args: readonly string[], system?: System): Promise<number> {
  let out: System = system ?? realSystem();
  const debug = args.includes("--debug");
  try {
    const parsed = parseArguments(args);
    if (typeof parsed === "string") {
      out.log(parsed);
      return 0;
    }
    const config = loadConfig(parsed.config);
    // Who only looks at files needs neither the CA nor what is trusted about it.
    out = system ?? realSystem(asksCa.includes(parsed.action) ? config.acme : {});
    const failures = await act(parsed, config, out);
    out.progress("");
    for (const failure of failures) report(failure, out, debug);
    // The gravest first: files, then the CA, then what is only put off.
    return [4, 2, 1, 75, 3].find((exit) => failures.some((each) => each.exit === exit)) ?? 0;
  } catch (error) {
    out.progress("");
    return report(error, out, debug);
  }
}

async function act(args: Arguments, config: Config, system: System): Promise<ExpectedError[]> {
  switch (args.action) {
    case "permissions":
      system.log(permissions(config).join(" "));
      return [];
    case "status":
    case "tlsa":
      await show(args, config, system);
      return [];
    case "recover":
    case "init":
    case "renew":
    case "cron":
      return await change(args.action, args, config, system);
  }
}

/** What only reads: no lock, no recovery, no network. */
async function show({ action, json, hooks }: Arguments, config: Config, system: System): Promise<void> {
  const { value } = openState(paths(config).state, { warn: system.warn, readOnly: true });
  const line = await readLine(config, value);
  if (action === "tlsa") {
    if (line.live.kind === "empty") {
      throw new LineError(`There is no live key in "${config.dirs.keys}"`, { hint: "run init first" });
    }
    const keys = [line.live, line.staging].flatMap((slot) => slot.kind === "empty" ? [] : [slot.key.spki]);
    const services = config.domains.map((domain) => `_443._tcp.${domain}`);
    for (const record of tlsaRecords(services, keys)) system.log(record);
    return;
  }
  // Without -k on the command line the status is that of the usual run, which has it.
  const now = system.now();
  const found = status(line, { config, hooks: hooks || config.hooks.keychange !== undefined, now });
  if (json) system.log(JSON.stringify(found, null, 2));
  else for (const each of formatStatus(found, now)) system.log(each);
}

/** What changes something: lock, clean up, recover, decide once, act in order. */
async function change(
  command: Command | "recover",
  { hooks }: Arguments,
  config: Config,
  system: System,
): Promise<ExpectedError[]> {
  if (command === "init") makeDirectories(config);
  if (!exists(config.dirs.keys)) {
    throw new LineError(`The directory "${config.dirs.keys}" does not exist`, {
      hint: "run init to begin this line",
    });
  }
  using _held = await lock(paths(config).lock, system.now());
  const state = openState(paths(config).state, system);
  const run: Run = { config, state, system, hooks };
  // A server that starts may need recovery more than anything here needs a hand.
  if (command !== "recover") { for (const warning of checkAccess(config, { hooks })) system.warn(warning); }
  using _tidy = system.onSignal(() => removeStaleChallenges(run));
  removeTemporaries(config);
  removeStaleChallenges(run);
  for (const line of await recover(config, system.now())) system.log(line);
  if (command === "recover") return [];
  if (command === "init") {
    await createAccountKey(config, system);
    for (const notice of config.notices) system.warn(`notice: ${notice}`);
  }
  let line = await readLine(config, state.value);
  // The CA's word that it is at least this late: the clock is not behind now, so it ran ahead when it wrote such things.
  if (line.live.kind === "certified" && line.live.certificate.notBefore <= system.now()) {
    const mended = withoutFuture(state.value, system.now());
    if (mended !== state.value) {
      state.update(mended);
      line = await readLine(config, state.value);
    }
  }
  return await execute(plan(line, { command, config, hooks, now: system.now() }), run);
}

function parseArguments(args: readonly string[]): Arguments | string {
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: ["config"],
    boolean: ["hooks", "json", "help", "version", "debug"],
    alias: { c: "config", k: "hooks", h: "help" },
    collect: ["config"],
    unknown: (arg: string) => {
      if (arg.startsWith("-")) unknown.push(arg);
      return true;
    },
  });
  if (parsed.help) return usage;
  if (parsed.version) return userAgent;
  if (unknown.length > 0) throw new UsageError(`Unknown option "${unknown[0]}"`);
  if (parsed.json && !parsed._.includes("status")) throw new UsageError("--json is for status only");
  const configs = parsed.config as string[];
  if (configs.length !== 1 || !configs[0]) {
    throw new UsageError("One configuration file is needed: -c CONFIG");
  }
  const [action, ...rest] = parsed._.map(String);
  const known = actions.find((each) => each === action);
  if (!known || rest.length > 0) {
    throw new UsageError(
      known
        ? `One action at a time: "${rest[0]}" is too much`
        : action
        ? `Unknown action "${action}"`
        : "An action is needed",
    );
  }
  return {
    config: configs[0],
    hooks: Boolean(parsed.hooks),
    json: Boolean(parsed.json),
    debug: Boolean(parsed.debug),
    action: known,
  };
}

function loadConfig(file: string): Config {
  const bytes = read(file);
  if (!bytes) throw new ConfigError(`${file}: The configuration file does not exist`);
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError(`${file}: The configuration file is not UTF-8 text`, { cause });
  }
  return parseConfig(text, file);
}

function report(error: unknown, system: System, debug: boolean): number {
  if (error instanceof ExpectedError) {
    system.warn(`error: ${error.message}`);
    if (error.hint) system.warn(`hint: ${error.hint}`);
    if (error instanceof UsageError) system.warn(usage);
    if (debug && error.stack) system.warn(error.stack);
    return error.exit;
  }
  const message = error instanceof Error ? error.message : String(error);
  system.warn(`internal error: ${message}`);
  if (debug && error instanceof Error && error.stack) system.warn(error.stack);
  return 70;
}
