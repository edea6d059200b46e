/** A hook as a process: with a process group of its own, so that what it started ends with it. */
import { Failure } from "../errors.ts";

const timeout = 600_000;
const killAfter = 10_000;

/** Ends the process groups of the hooks that run. */
const running = new Set<(signal: Deno.Signal) => void>();

/** Ends all hooks that run. */
export const endHooks = (): void => running.forEach((end) => end("SIGTERM"));

/** Runs a hook to its end; the whole process group is ended where it takes longer than ten minutes.
 *
 * @param program its path
 * @param env what it is told beside the environment of this run
 * @returns its exit status
 * @throws {Failure} it can't be run
 */
export async function runHook(program: string, env: Record<string, string>): Promise<number> {
  // What a hook writes is for nobody else to change. Deno has no flag for the umask alone, so it may not be ours.
  if (Deno.permissions.querySync({ name: "sys", kind: "umask" }).state === "granted") {
    Deno.umask(Deno.umask() | 0o022);
  }
  const child = spawn(program, env);
  const end = (name: Deno.Signal) => {
    for (const end of [() => Deno.kill(-child.pid, name), () => child.kill(name)]) {
      try {
        return end(); // where Deno may not signal a group, the hook alone must do
      } catch { /* it has ended meanwhile */ }
    }
  };
  running.add(end);
  const timers = [
    setTimeout(() => end("SIGTERM"), timeout),
    setTimeout(() => end("SIGKILL"), timeout + killAfter),
  ];
  try {
    return (await child.status).code;
  } finally {
    timers.forEach(clearTimeout);
    running.delete(end);
  }
}

function spawn(program: string, env: Record<string, string>): Deno.ChildProcess {
  try {
    // Not .output(): a daemon that the hook leaves behind would keep the pipes open for ever.
    return new Deno.Command(program, {
      env,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
      detached: true,
    })
      .spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new Failure("files.permission", `Deno may not run the hook "${program}": ${error.message}`, {
        path: program,
        cause: error,
      });
    }
    if (!(error instanceof Error)) throw error;
    // Deno has no name for this one.
    const isBusy = error.message.includes("(os error 26)");
    const code = isBusy ? "ETXTBSY" : "code" in error ? String(error.code) : undefined;
    const why = error.message.replace(/^.*?: /, "");
    throw new Failure("hook.start", `Cannot run the hook "${program}": ${why}`, {
      path: program,
      code,
      cause: error,
    });
  }
}
