/** What a command costs: wall time, CPU and memory of it and all that it starts. */

/** A command line. */
export interface CommandLine {
  program: string;
  args: string[];
  env?: Record<string, string>;
}

/** What a run cost. */
export interface Cost {
  /** Milliseconds. */
  wall: number;
  /** Milliseconds in user and system mode, of the whole process tree. */
  cpu: number;
  /** Bytes: the peak of the largest process of the tree. */
  memory: number;
}

/** What cron gives its jobs; it also keeps version managers' wrappers out of the figures. */
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Process groups that run now. */
const running = new Set<number>();
let isEnding = false;

/** Ends whatever runs, and lets nothing go on from there, before this process ends early. */
export function endRunning(): void {
  isEnding = true;
  for (const group of running) Deno.kill(-group, "SIGKILL");
}

/** Runs a command under Debian's `time`, whose figures are those of wait4(2).
 *
 * @param command what to run
 * @param options `timeout`: milliseconds after which the whole process group is ended
 * @returns its cost and standard output; nothing where it took too long
 * @throws {Error} it ended with another status than 0; the message has the end of its output
 */
export async function measure(
  { program, args, env }: CommandLine,
  { timeout }: { timeout: number },
): Promise<Cost & { stdout: string } | undefined> {
  const report = await Deno.makeTempFile();
  try {
    const begin = performance.now();
    const child = new Deno.Command("time", {
      args: ["--quiet", "--format=%U %S %M", `--output=${report}`, program, ...args],
      env: { PATH: path, ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    running.add(child.pid);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      Deno.kill(-child.pid, "SIGKILL");
    }, timeout);
    const output = await child.output();
    const wall = performance.now() - begin;
    clearTimeout(timer);
    running.delete(child.pid);
    if (isEnding) await new Promise(() => {});
    if (isLate) return undefined;
    const [stdout, stderr] = [output.stdout, output.stderr].map((each) => new TextDecoder().decode(each));
    if (output.code !== 0) {
      throw new Error(`${program} ended with status ${output.code}: ${(stderr + stdout).slice(-800)}`);
    }
    const [user, system, memory] = (await Deno.readTextFile(report)).trim().split(" ").map(Number);
    return { wall, cpu: (user + system) * 1000, memory: memory * 1024, stdout };
  } finally {
    await Deno.remove(report);
  }
}

/** Runs a command that isn't measured, such as one that registers an account.
 *
 * @param command what to run
 * @throws {Error} it failed, or took longer than two minutes
 */
export async function prepareWith(command: CommandLine): Promise<string> {
  const done = await measure(command, { timeout: 120_000 });
  if (!done) throw new Error(`${command.program} takes longer than two minutes`);
  return done.stdout;
}

/** The middle of some figures.
 *
 * @param values at least one
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
