/** A line that has begun, and the program within what a shell prepares for it. */
import { program } from "../crash/strace.ts";
import { assertEquals } from "./assert.ts";
import { makeLine, type Outcome, outcome, type Settings, type TestLine } from "./line.ts";
import type { ScriptedCa } from "./scripted_ca.ts";

export const ecdsa: Settings = { head: "key-type = ecdsa\n" };

/** Runs an action through a shell that prepares what surrounds it: `"$@"` is the program. */
export async function shell(script: string, line: TestLine, ...args: string[]): Promise<Outcome> {
  const command = new Deno.Command("bash", {
    args: ["-c", script, "bash", ...await program(line, args)],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  return await outcome(command.spawn());
}

/** A line with one key and certificate. */
export async function begun(ca: ScriptedCa, settings: Settings = {}): Promise<TestLine> {
  const line = await makeLine(ca, { ...ecdsa, ...settings });
  assertEquals((await line.run("init")).exit, 0);
  return line;
}
