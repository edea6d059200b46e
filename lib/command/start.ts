/** The beginning of the program: without imports, so that it is there to say what is missing where nothing else is. */

/** The oldest Deno that has all that is used. */
const oldest = [2, 9];

/** Runs the command, and ends the program with its exit status.
 *
 * @param args the command line, without the program's name
 */
export async function start(args: readonly string[]): Promise<never> {
  const [major, minor] = Deno.version.deno.split(".").map(Number);
  if (major < oldest[0] || major === oldest[0] && minor < oldest[1]) {
    Deno.stderr.writeSync(new TextEncoder().encode(
      `error: Deno ${oldest.join(".")} or newer is needed: this is ${Deno.version.deno}\n` +
        "hint: deno upgrade, or take the executable that deno task compile makes elsewhere\n",
    ));
    Deno.exit(4);
  }
  const { main } = await import("./cli.ts");
  Deno.exit(await main(args));
}
