/** The real program under strace: to see what it does to files, and to make a system call fail or be the last. */
import { type Outcome, outcome, testConfig, type TestLine } from "../kit/line.ts";

/** System calls that change what is on disk. */
// deno-fmt-ignore
const changing = ["write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link",
  "linkat", "unlink", "unlinkat", "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "mkdir", "mkdirat"];

/** One system call as strace saw it. */
export interface Call {
  name: string;
  /** The file that it is about; of two the first. */
  path: string;
  /** Which of the calls of this name that have to do with this file it is, from 1: what strace counts. */
  nth: number;
  args: string;
  result: string;
}

/** Whether strace can be used here. */
export async function hasStrace(): Promise<boolean> {
  try {
    const args = ["-qq", "-f", "-e", "trace=rename", "true"];
    return (await new Deno.Command("strace", { args, stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** Runs an action and lists what the program, though not its hooks, does to files below some folders.
 *
 * @param line the line
 * @param args the action and its options
 * @param folders which files
 */
export async function record(
  line: TestLine,
  args: string[],
  folders: readonly string[],
): Promise<{ outcome: Outcome; calls: Call[] }> {
  const log = await Deno.makeTempFile();
  try {
    const result = await strace(line, args, [
      "-y",
      "-o",
      log,
      "-xx",
      "-s",
      "100000",
      "-e",
      `trace=openat,${changing}`,
    ]);
    const calls = parse(await Deno.readTextFile(log));
    const thread = calls.find((call) => pathsIn(call).includes(line.config))?.thread;
    const seen: Call[] = [];
    for (const call of calls.filter((each) => each.thread === thread)) {
      const path = pathsIn(call).find((each) => folders.some((folder) => each.startsWith(folder)));
      if (!path) continue;
      const nth = seen.filter((each) => each.name === call.name && pathsIn(each).includes(path)).length + 1;
      seen.push({ ...call, path, nth });
    }
    return { outcome: result, calls: seen };
  } finally {
    await Deno.remove(log);
  }
}

interface LoggedCall {
  thread: string;
  name: string;
  args: string;
  result: string;
}

function parse(log: string): LoggedCall[] {
  const unfinished = new Map<string, string>();
  return log.split("\n").flatMap((text) => {
    const [, thread, rest] = text.match(/^(\d+) +(.*)$/) ?? [];
    if (!thread) return [];
    const [, begun] = rest.match(/^(.*) <unfinished \.\.\.>$/) ?? [];
    if (begun) unfinished.set(thread, begun);
    const whole = rest.replace(/^<\.\.\. \w+ resumed>/, () => unfinished.get(thread) ?? "");
    const [, name, args, result] = whole.match(/^(\w+)\((.*)\) += (.*)$/) ?? [];
    return name ? [{ thread, name, args, result }] : [];
  });
}

/** Whether a call changes something on disk. */
export const isChange = ({ name, args }: Call): boolean =>
  name === "openat" ? args.includes("O_CREAT") : changing.includes(name);

/** Every path that stands in a call, as an argument or behind a file descriptor. */
export function pathsIn({ args }: Pick<Call, "args">): string[] {
  return [...args.replace(/AT_FDCWD<[^>]*>/g, "").matchAll(/["<]((?:\\x[0-9a-f]{2})+)[">]/g)].map(([, hex]) =>
    unescape(hex)
  ).filter((path) => path.startsWith("/"));
}

/** Turns strace's hexadecimal strings (`-xx`) into text, a character for each byte. */
export const unescape = (text: string) =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));

/** Runs an action with one system call tampered with.
 *
 * @param line the line
 * @param args the action and its options
 * @param call which call
 * @param how as strace's `inject=` wants it: `error=EIO`, `signal=SIGKILL`
 * @returns how it ended, and whether the call was reached and failed
 */
export async function tampered(
  line: TestLine,
  args: string[],
  call: Call,
  how: string,
): Promise<Outcome & { struck: boolean }> {
  const { name, path, nth } = call;
  const log = await Deno.makeTempFile();
  try {
    // -P keeps strace to this file; it also counts, for `when=`, only what it is kept to.
    const options = ["-P", path, "-e", `trace=${name}`, "-e", `inject=${name}:${how}:when=${nth}`];
    const result = await strace(line, args, ["-o", log, ...options]);
    return { ...result, struck: /\(INJECTED\)/.test(await Deno.readTextFile(log)) };
  } finally {
    await Deno.remove(log);
  }
}

async function strace(line: TestLine, args: string[], options: string[]): Promise<Outcome> {
  // Stops at the traced calls only, which halves the time; but then it sends no signals.
  const isFast = !options.some((each) => each.includes("signal="));
  return await outcome(
    new Deno.Command("strace", {
      args: ["-f", ...isFast ? ["--seccomp-bpf"] : [], "-qq", ...options, ...await program(line, args)],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

/** The command line that runs an action as a process of its own, whatever surrounds it.
 *
 * @param line the line
 * @param args the action and its options
 * @param entry the module that is run
 */
export const program = async (line: TestLine, args: string[], entry = ordinary): Promise<string[]> => [
  ...[Deno.execPath(), "run", "--no-config", "--no-code-cache", "--no-prompt", "--allow-all"],
  ...[await bundle(entry), "-c", line.config, ...args],
];

const ordinary = "scripts/letsencrypt_tiny.ts";
const bundled = new Map<string, Promise<string>>();

/** The program in one file: loading its modules one by one under strace takes ten times as long as all it does. */
function bundle(entry: string): Promise<string> {
  const known = bundled.get(entry) ?? makeBundle(entry);
  bundled.set(entry, known);
  return known;
}

async function makeBundle(entry: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const file = `${folder}/program.js`;
  const path = new URL(`../../${entry}`, import.meta.url).pathname;
  await run(Deno.execPath(), "bundle", "--quiet", "--config", testConfig, "--output", file, path);
  return file;
}

/** Runs a program to its end.
 *
 * @throws {Error} it ends with another status than 0
 */
export async function run(program: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
