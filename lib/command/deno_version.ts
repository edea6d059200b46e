/** Whether this Deno is new enough: said before anything else that is loaded stumbles over it. */

/** The oldest Deno that has all that is used. */
const oldest = [2, 9];

const [major, minor] = Deno.version.deno.split(".").map(Number);
if (major < oldest[0] || major === oldest[0] && minor < oldest[1]) {
  const said = `error: Deno ${oldest.join(".")} or newer is needed: this is ${Deno.version.deno}\n` +
    "hint: deno upgrade, or take the executable that deno task compile makes elsewhere\n";
  Deno.stderr.writeSync(new TextEncoder().encode(said));
  Deno.exit(4);
}
