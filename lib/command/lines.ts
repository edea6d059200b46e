/** An action on one line or on many, side by side: what goes wrong with one never stops another. */
import type { Contact } from "../steps/ca.ts";
import { type Config, parseConfig } from "../config/config.ts";
import { ConfigError, type ExpectedError, LineError, StorageError } from "../errors.ts";
import { fileName, inspect, list, read } from "../disk/read.ts";
import { change, look } from "../steps/session.ts";
import { paths } from "../steps/install.ts";
import { semaphore } from "../acme/semaphore.ts";
import type { Status } from "./status.ts";
import type { formats } from "../dane/records.ts";
import type { World } from "../steps/world.ts";

/** The actions of the command line. */
export const actions = [
  "init",
  "renew",
  "cron",
  "status",
  "recover",
  "tlsa",
  "check",
  "revoke",
  "compromise",
  "permissions",
] as const;
/** See {@link actions}. */
export type ActionName = typeof actions[number];

/** The command line, read. */
export interface Arguments {
  /** Configuration files, and directories of such. */
  configs: string[];
  hooks: boolean;
  json: boolean;
  /** How records are printed. */
  format: typeof formats[number];
  /** The longest time to wait at first, milliseconds. */
  jitter: number;
  action: ActionName;
}

/** What a command works with. */
export interface Surroundings {
  out: World;
  /** The outside world as seen with these extra roots. */
  connect(caFile?: string): World;
  /** Tells what went wrong, and returns the exit status for it. */
  report(error: unknown, to: World): number;
}

/** How many lines change side by side; requests to one CA have a limit of their own. */
const linesAtOnce = 32;
const changing: ActionName[] = ["init", "renew", "cron", "recover", "revoke", "compromise"];

/** What there is to print once all lines have been looked at. */
interface Found {
  configs: Config[];
  records: string[];
  statuses: Status[];
}

type ChangeOptions = Parameters<typeof change>[2];

/** Runs an action on all lines.
 *
 * @param args the command line
 * @param world the outside world
 * @returns the exit statuses of what failed
 * @throws {ConfigError} there is no configuration where one was named
 */
export async function runLines(args: Arguments, world: Surroundings): Promise<number[]> {
  const files = configFiles(args.configs);
  const names = lineNames(files);
  const isChange = changing.includes(args.action);
  let contact: Promise<Contact> | undefined;
  const options: ChangeOptions = {
    hooks: args.hooks,
    contact: () => contact ??= import("../steps/ca.ts").then(({ makeContact }) => makeContact()),
  };
  const systems = new Map<string | undefined, World>();
  // Hooks of different lines may work on the same server or zone.
  const oneHook = semaphore(1);
  const systemOf = (file: string, caFile?: string): World => {
    // Lines with the same roots share a client, and so its connections.
    if (!systems.has(caFile)) systems.set(caFile, world.connect(caFile));
    const system = systems.get(caFile)!;
    if (files.length === 1) return system;
    const name = names.get(file);
    return {
      ...system,
      log: (line) => system.log(`${name}: ${line}`),
      warn: (line) => system.warn(`${name}: ${line}`),
      runHook: (program, env) => oneHook(() => system.runHook(program, env)),
    };
  };
  const owners = new Map<string, string>();
  const found: Found = { configs: [], records: [], statuses: [] };
  // What is only looked at is looked at in turn: its output stands in order.
  const slots = semaphore(isChange ? linesAtOnce : 1);
  const runLine = async (file: string): Promise<number[]> => {
    let system = systemOf(file);
    try {
      const config = loadConfig(file);
      claim(config, owners);
      // Who only looks at files needs neither the CA nor what is trusted about it.
      if (isChange && args.action !== "recover") system = systemOf(file, config.acme.caFile);
      const failures = await act(args, config, options, system, found);
      return failures.map((each) => typeof each === "number" ? each : world.report(each, system));
    } catch (error) {
      return [world.report(error, system)];
    }
  };
  const failed = (await Promise.all(files.map((file) => slots(() => runLine(file))))).flat();
  world.out.progress("");
  await print(args, found, failed.length > 0, world.out);
  return failed;
}

/** Refuses a second line with the same files: each would take the other's staged key for its own. */
function claim(config: Config, owners: Map<string, string>): void {
  const { live, staging } = paths(config);
  for (const path of [live.key, live.crt, staging.key, staging.crt]) {
    const other = owners.get(path);
    if (other) {
      throw new ConfigError(`${config.file}: "${path}" belongs to ${other} as well: name other files`);
    }
    owners.set(path, config.file);
  }
}

/** Returns what failed: errors that are still to be reported, or an exit status. */
async function act(
  args: Arguments,
  config: Config,
  options: ChangeOptions,
  system: World,
  found: Found,
): Promise<(ExpectedError | number)[]> {
  switch (args.action) {
    case "permissions":
      found.configs.push(config);
      return [];
    case "tlsa":
      found.records.push(...await recordsOf(args, config, system));
      return [];
    case "status": {
      const { formatStatus, status } = await import("./status.ts");
      const now = system.now();
      // Without -k on the command line the status is that of the usual run, which has it.
      const hooks = args.hooks || (config.hooks.certchange ?? config.hooks.keychange) !== undefined;
      const each = status((await look(config, system)).line, { config, hooks, now });
      if (args.json) found.statuses.push(each);
      else formatStatus(each, now).forEach(system.log);
      return [];
    }
    case "check": {
      const { check } = await import("./check.ts");
      const findings = await check(config, await look(config, system), system);
      findings.forEach(system.log);
      return findings.map(() => 1);
    }
    default:
      return await change(args.action, config, options, system);
  }
}

async function recordsOf({ format }: Arguments, config: Config, system: World): Promise<string[]> {
  const [{ formatRecords }, { serviceNames, zoneRecords }] = await Promise.all([
    import("../dane/records.ts"),
    import("../line/zone.ts"),
  ]);
  const { files, state } = await look(config, system);
  if (!files.live.key?.key) {
    throw new LineError(`There is no live key in "${config.dirs.keys}"`, { hint: "run init first" });
  }
  return formatRecords(serviceNames(config), await zoneRecords(config, files, state), format);
}

/** Prints what was found, free of names: a zone file, the command line of Deno and a program's input want it bare. */
async function print(args: Arguments, found: Found, isIncomplete: boolean, out: World): Promise<void> {
  found.records.forEach(out.log);
  if (found.configs.length > 0 && !isIncomplete) {
    const { permissions } = await import("./permissions.ts");
    out.log(permissions(found.configs, args.configs).join(" "));
  }
  if (!args.json) return;
  const isOne = args.configs.length === 1 && args.configs[0] === found.statuses[0]?.config;
  out.log(JSON.stringify(isOne ? found.statuses[0] : found.statuses, null, 2));
}

/** The configuration files that the command line names; a directory stands for each `*.conf` in it. */
function configFiles(named: readonly string[]): string[] {
  const files = named.flatMap((path) => {
    if (!isDirectory(path)) return [path];
    const inside = list(path).filter((each) => each.endsWith(".conf") && !each.startsWith("."));
    if (inside.length === 0) throw new ConfigError(`${path}: There is no *.conf in this directory`);
    return inside.map((each) => `${path.replace(/\/+$/, "")}/${each}`);
  });
  return [...new Set(files)];
}

/** What can't be looked at is taken for a file: reading it says why, and stops no other line. */
function isDirectory(path: string): boolean {
  try {
    return inspect(path)?.isDirectory ?? false;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return false;
  }
}

/** What lines are called where there are several: the file without directory and ending, as far as that is enough. */
function lineNames(files: readonly string[]): Map<string, string> {
  const short = (path: string) => fileName(path).replace(/\.conf$/, "");
  const seen = Map.groupBy(files, short);
  return new Map(files.map((file) => [file, seen.get(short(file))!.length === 1 ? short(file) : file]));
}

function loadConfig(file: string): Config {
  let bytes;
  try {
    bytes = read(file);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new ConfigError(`${file}: ${error.message}`, { hint: error.about.cure, cause: error });
  }
  if (!bytes) throw new ConfigError(`${file}: The configuration file does not exist`);
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError(`${file}: The configuration file is not UTF-8 text`, { cause });
  }
  return parseConfig(text, file);
}
