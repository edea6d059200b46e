/** POSIX access control lists. Deno can't read them, so the programs do that whoever set one has installed. */
import { Failure } from "../errors.ts";
import { mayRun } from "./granted.ts";

const [getfacl, setfacl] = ["/usr/bin/getfacl", "/usr/bin/setfacl"];

/** Both. */
export const aclPrograms = [getfacl, setfacl];

/** Whether Deno lets this run ask for access control lists. */
export const maySeeAcl = (): boolean => aclPrograms.every(mayRun);

/** Gives a file the access control list of another, if that has one and Deno lets this run see it.
 *
 * @param from the other
 * @param to the file, in a directory that only we change
 * @throws {Failure} it can't be set
 */
export function copyAcl(from: string, to: string): void {
  if (!maySeeAcl()) return;
  const output = run(getfacl, ["--absolute-names", "--omit-header", "--numeric", from]) ?? "";
  const entries = output.replace(/#.*/g, "").split(/\s+/).filter((each) => each);
  if (!entries.some((each) => each.startsWith("mask:"))) return;
  run(setfacl, ["--set", entries.join(), to]);
}

/** Runs a program; undefined where it isn't installed, since then nobody has set a list. */
function run(program: string, args: string[]): string | undefined {
  const path = args.at(-1)!;
  let output;
  try {
    output = new Deno.Command(program, { args, clearEnv: true, stdin: "null" }).outputSync();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (output.success) return decode(output.stdout);
  const message = `The access control list of "${path}" can't be kept: ${decode(output.stderr)}`;
  throw new Failure("files.storage", message, { path });
}
