/** The command: arguments in, exit status out. */
import { parseArgs } from "@std/cli/parse-args";
import { ExpectedError, UsageError } from "../errors.ts";
import { exitStatus, hint } from "./hints.ts";
import { actions, type Arguments, runLines } from "./lines.ts";
import { realSystem } from "./world.ts";
import { formats } from "../dane/records.ts";
import type { World } from "../steps/world.ts";

const usage = `Usage: letsencrypt-tiny -c CONFIG [-k] ACTION

  -c, --config FILE   the configuration file of one certificate line; may be given several times, or be a directory:
                      then it stands for each *.conf in it
  -k, --hooks         run the hooks
  ACTION
    init              make account key, directories, first key and certificate
    renew             get a new certificate now
    cron              do what is due, silently if nothing is  [--jitter MINUTES: wait a random time first]
    status            show what is there, and what cron would do when  [--json]
    recover           finish or undo an interrupted run, offline
    tlsa              print the TLSA records that the zone must hold  [--format zone | nsupdate | json]
    check             look at files, certificate, DNS and services; silent if all is well
    revoke            replace the live certificate, then revoke it
    compromise        somebody has the live key: replace it as soon as DNS allows, then revoke all its certificates
    permissions       print the Deno flags that this configuration needs

  --help, --version, --debug`;

/** Runs the command.
 *
 * @param args the command line, without the program's name
 * @param system the outside world; the real one unless given
 * @returns the exit status, as the README lists them
 */
export async function main(args: readonly string[], system?: World): Promise<number> {
  const out = system ?? realSystem();
  const debug = args.includes("--debug");
  try {
    const parsed = parseArguments(args);
    if (parsed === "help") out.log(usage);
    else if (parsed === "version") out.log((await import("../acme/connection.ts")).userAgent);
    else {
      if (parsed.jitter > 0 && !out.isInteractive) await out.sleep(Math.random() * parsed.jitter);
      const connect = (caFile?: string) => system ?? realSystem({ caFile });
      const statuses = await runLines(parsed, {
        out,
        connect,
        report: (error, to) => report(error, to, debug),
      });
      // The gravest first: a bug, files, then the CA, then what is only put off.
      return [70, 4, 2, 1, 75, 3].find((each) => statuses.includes(each)) ?? 0;
    }
    return 0;
  } catch (error) {
    out.progress("");
    return report(error, out, debug);
  }
}

function parseArguments(args: readonly string[]): Arguments | "help" | "version" {
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: ["config", "format", "jitter"],
    boolean: ["hooks", "json", "help", "version", "debug"],
    alias: { c: "config", k: "hooks", h: "help" },
    collect: ["config"],
    unknown: (arg: string) => {
      if (arg.startsWith("-")) unknown.push(arg);
      return true;
    },
  });
  if (parsed.help) return "help";
  if (parsed.version) return "version";
  if (unknown.length > 0) throw new UsageError(`Unknown option "${unknown[0]}"`);
  if (parsed.json && !parsed._.includes("status")) throw new UsageError("--json is for status only");
  const configs = parsed.config as string[];
  if (configs.length === 0 || configs.includes("")) {
    throw new UsageError("A configuration file is needed: -c CONFIG");
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
  const format = formats.find((each) => each === (parsed.format ?? "zone"));
  if (!format) {
    throw new UsageError(`--format must be ${formats.join(", ")}: current value is "${parsed.format}"`);
  }
  if (parsed.format !== undefined && known !== "tlsa") throw new UsageError("--format is for tlsa only");
  if (parsed.jitter !== undefined && known !== "cron") throw new UsageError("--jitter is for cron only");
  return {
    configs,
    hooks: Boolean(parsed.hooks),
    json: Boolean(parsed.json),
    format,
    jitter: minutes(parsed.jitter),
    action: known,
  };
}

function minutes(given: unknown): number {
  if (given === undefined) return 0;
  const value = /^\d+(\.\d+)?$/.test(String(given)) ? Number(given) : NaN;
  if (value <= 1440) return value * 60_000;
  throw new UsageError(`--jitter must be a number of minutes from 0 to 1440: current value is "${given}"`);
}

function report(error: unknown, system: World, debug: boolean): number {
  if (error instanceof ExpectedError) {
    for (const each of error.about.mistakes ?? [error.message]) system.warn(`error: ${each}`);
    const cure = hint(error);
    if (cure) system.warn(`hint: ${cure}`);
    if (error instanceof UsageError) system.warn(usage);
    if (debug && error.stack) system.warn(error.stack);
    return exitStatus(error);
  }
  const message = error instanceof Error ? error.message : String(error);
  system.warn(`internal error: ${message}`);
  if (debug && error instanceof Error && error.stack) system.warn(error.stack);
  return 70;
}
