/** The command: arguments in, exit status out. */
import { Failure } from "../errors.ts";
import type { World } from "../steps/world.ts";
import { type Arguments, parseArguments } from "./arguments.ts";
import { exitStatus, gravest, hint } from "./hints.ts";
import { runLines } from "./lines.ts";
import { harmless } from "./terminal.ts";
import { realSystem } from "./world.ts";

/** Runs the command.
 *
 * @param args the command line, without the program's name
 * @param system the outside world; the real one unless given
 * @returns the exit status, as the README lists them
 */
export async function main(args: readonly string[], system?: World): Promise<number> {
  const connect = (caFile?: string) => harmless(system ?? realSystem({ caFile }));
  const out = connect();
  const report = reporter(args.includes("--debug"));
  try {
    const parsed = parseArguments(args);
    if (typeof parsed === "object") return await run(parsed, { out, connect, report });
    await print(parsed, out);
    return 0;
  } catch (error) {
    out.progress("");
    const status = report(error, out);
    if (error instanceof Failure && error.kind === "usage.arguments") {
      (await import("./help.ts")).usage().forEach(out.warn);
    }
    return status;
  }
}

async function run(args: Arguments, surroundings: Parameters<typeof runLines>[1]): Promise<number> {
  const { out } = surroundings;
  if (args.jitter > 0 && !out.isInteractive) await out.sleep(Math.random() * args.jitter);
  return gravest(await runLines(args, surroundings));
}

async function print(what: "help" | "version", { log }: World): Promise<void> {
  if (what === "help") (await import("./help.ts")).usage().forEach(log);
  else log((await import("../acme/connection.ts")).userAgent);
}

/** Tells what went wrong and what can be done about it, each on a line of its own. */
const reporter = (isDebug: boolean) => (error: unknown, { warn, now, proxy }: World): number => {
  const isExpected = error instanceof Failure;
  const message = error instanceof Error ? error.message : String(error);
  warn(`${isExpected ? "error" : "internal error"}: ${message}`);
  const cure = isExpected ? hint(error, { now: now(), proxy }) : undefined;
  if (cure) warn(`hint: ${cure}`);
  if (isDebug && error instanceof Error) error.stack?.split("\n").forEach(warn);
  return exitStatus(error);
};
