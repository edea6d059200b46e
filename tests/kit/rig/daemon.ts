/** Servers as the tests' own processes: in a folder of their own, and gone at the end. */

/** After how many seconds everything ends by itself: longer than any test. */
export const lifetime = 1800;

/** A server that runs. */
export interface Daemon extends AsyncDisposable {
  /** Ends it, and waits until it has ended. */
  stop(): Promise<void>;
}

/** Starts a server in the foreground, and waits until it is ready.
 *
 * `timeout` ends it should the tests be killed before they can; its output goes to a file, since a pipe that nobody
 * reads stops a server that logs much.
 *
 * @param command program and arguments
 * @param log the file that gets its output
 * @param isReady whether it serves; asked until it does
 */
export async function startDaemon(
  command: readonly string[],
  log: string,
  isReady: () => Promise<boolean>,
): Promise<Daemon> {
  const process = new Deno.Command("sh", {
    args: [
      "-c",
      'log=$1; shift; exec timeout -k 2 "$@" >> "$log" 2>&1',
      "sh",
      log,
      String(lifetime),
      ...command,
    ],
    env: { PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin` },
    stdin: "null",
  }).spawn();
  let hasEnded = false;
  process.status.then(() => hasEnded = true);
  const daemon = {
    async stop() {
      if (!hasEnded) process.kill("SIGTERM");
      await process.status;
    },
    [Symbol.asyncDispose]: () => daemon.stop(),
  };
  for (let attempt = 0; !await isReady().catch(() => false); attempt++) {
    if (hasEnded || attempt === 200) {
      await daemon.stop();
      throw new Error(`${command[0]} does not start: ${await Deno.readTextFile(log).catch(() => "")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return daemon;
}

/** Whether something listens at an address. */
export async function listens(hostname: string, port: number): Promise<boolean> {
  const connection = await Deno.connect({ hostname, port });
  connection.close();
  return true;
}

/** Runs a program to its end.
 *
 * @returns its output
 * @throws {Error} it ended with another status than 0
 */
export async function command(program: string, ...args: string[]): Promise<string> {
  const { code, text } = await attempt(program, ...args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with status ${code}: ${text}`);
  return text;
}

/** Runs a program to its end, whatever that is. */
export async function attempt(program: string, ...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["30", program, ...args],
    env: { PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin`, LC_ALL: "C" },
    stdin: "null",
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** Which of these programs this machine lacks. */
export async function missingPrograms(names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => attempt("sh", "-c", 'command -v "$0"', name)));
  return names.filter((_, i) => found[i].code !== 0);
}
