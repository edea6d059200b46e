/** An action on one line or on many, side by side: what goes wrong with one never stops another. */
import pLimit from "p-limit";
import type { Config } from "../config/config.ts";
import { Failure } from "../errors.ts";
import { pathsOf } from "../line/paths.ts";
import { actions } from "./actions.ts";
import type { Arguments } from "./arguments.ts";
import { configFiles, lineNames, loadConfig } from "./configurations.ts";
import type { Terminal } from "./terminal.ts";

/** What a command works with. */
export interface Surroundings {
  out: Terminal;
  /** The outside world as seen with these extra roots. */
  connect(caFile?: string): Terminal;
  /** Tells what went wrong, and returns the exit status for it. */
  report(error: unknown, to: Terminal): Promise<number>;
}

/** How many lines change side by side; requests to one CA have a limit of their own. */
const linesAtOnce = 32;

/** Runs an action on all lines.
 *
 * @param args the command line
 * @param surroundings the outside world
 * @returns the exit statuses of what failed
 * @throws {Failure} there is no configuration where one was named
 */
export async function runLines(args: Arguments, { out, connect, report }: Surroundings): Promise<number[]> {
  const files = configFiles(args.configs);
  const worldOf = worlds(files, connect);
  const action = actions[args.action];
  const task = action.begin({ ...args, isAlone: files.length === 1 }, out);
  const owners = new Map<string, string>();
  // What is only looked at is looked at in turn: its output stands in order.
  const slots = pLimit(action.isChange ? linesAtOnce : 1);
  const runLine = async (file: string): Promise<number[]> => {
    let world = worldOf(file);
    try {
      const config = loadConfig(file);
      claim(config, owners);
      // Who only looks at files needs neither the CA nor what is trusted about it.
      if (action.asksCa) world = worldOf(file, config.acme.caFile);
      const statuses: number[] = [];
      for (const each of await task.line(config, world)) {
        statuses.push(typeof each === "number" ? each : await report(each, world));
      }
      return statuses;
    } catch (error) {
      if (error instanceof Failure) await task.failed?.(file, error);
      return [await report(error, world)];
    }
  };
  const failed = (await Promise.all(files.map((file) => slots(() => runLine(file))))).flat();
  out.progress("");
  await task.end?.();
  return failed;
}

/** The outside world of each line: where there are several, what it says begins with the line's name.
 *
 * @param files the configuration files
 * @param connect makes one
 */
function worlds(files: readonly string[], connect: Surroundings["connect"]) {
  const names = lineNames(files);
  // Lines with the same roots share a client, and so its connections.
  const made = new Map<string | undefined, Terminal>();
  // Hooks of different lines may work on the same server or zone.
  const oneHook = pLimit(1);
  return (file: string, caFile?: string): Terminal => {
    if (!made.has(caFile)) made.set(caFile, connect(caFile));
    const world = made.get(caFile)!;
    if (files.length === 1) return world;
    const name = names.get(file);
    return {
      ...world,
      log: (line) => world.log(`${name}: ${line}`),
      paint: (parts) => world.paint([`${name}: `, ...parts]),
      warn: (line) => world.warn(`${name}: ${line}`),
      runHook: (program, env) => oneHook(() => world.runHook(program, env)),
    };
  };
}

/** Refuses a second line with the same files: each would take the other's staged key for its own. */
function claim(config: Config, owners: Map<string, string>): void {
  const { live, staging } = pathsOf(config);
  for (const path of [live.key, live.crt, staging.key, staging.crt]) {
    const other = owners.get(path);
    if (other) {
      throw new Failure("config.claimed", `${config.file}: "${path}" belongs to ${other} as well`, { path });
    }
    owners.set(path, config.file);
  }
}
