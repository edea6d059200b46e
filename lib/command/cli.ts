/** The command: arguments in, exit status out. */
import { Failure } from "../errors.ts";
import type { World } from "../steps/session.ts";
import { type Arguments, type Asked, parseArguments } from "./arguments.ts";
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
  const isTerminal = !system && Deno.stdout.isTerminal();
  const connect = (caFile?: string) =>
    harmless(system ?? realSystem({ caFile }), { isTerminal, hasColours: isTerminal && !Deno.noColor });
  const out = connect();
  const report = reporter(args.includes("--debug"));
  try {
    const parsed = parseArguments(args);
    if ("action" in parsed) return await run(parsed, { out, connect, report });
    await print(parsed, out);
    return 0;
  } catch (error) {
    out.progress("");
    const status = await report(error, out);
    if (error instanceof Failure && error.kind === "usage.arguments") {
      (await import("./help.ts")).usage().forEach(out.warn);
    }
    return status;
  }
}

async function run(args: Arguments, surroundings: Parameters<typeof runLines>[1]): Promise<number> {
  const { out } = surroundings;
  if (args.jitter > 0 && !out.isInteractive) await out.sleep(Math.random() * args.jitter);
  const statuses = await runLines(args, surroundings);
  return statuses.length > 0 ? (await import("./hints.ts")).gravest(statuses) : 0;
}

async function print(asked: Asked, { log }: World): Promise<void> {
  if (asked.print === "version") return log((await import("../acme/connection.ts")).userAgent);
  const { helpOn, usage } = await import("./help.ts");
  (asked.of ? helpOn(asked.of) : usage()).forEach(log);
}

/** Tells what went wrong and what can be done about it, each on a line of its own. */
const reporter =
  (isDebug: boolean) => async (error: unknown, { warn, now, proxy }: World): Promise<number> => {
    const { exitStatus, hint } = await import("./hints.ts");
    const isExpected = error instanceof Failure;
    const message = error instanceof Error ? error.message : String(error);
    const messages = isExpected ? error.about.mistakes ?? [message] : [message];
    for (const each of messages) warn(`${isExpected ? "error" : "internal error"}: ${each}`);
    const cure = isExpected ? hint(error, { now: now(), proxy }) : undefined;
    if (cure) warn(`hint: ${cure}`);
    if (isDebug && error instanceof Error) error.stack?.split("\n").forEach(warn);
    return exitStatus(error);
  };
