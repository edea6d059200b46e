/** The program as a process whose clock is moved by so many milliseconds: `CLOCK_OFFSET`. */
import { main } from "../../lib/command/cli.ts";
import { realSystem } from "../../lib/command/world.ts";
import { parseConfig } from "../../lib/config/config.ts";

const offset = Number(Deno.env.get("CLOCK_OFFSET"));
const [, file] = Deno.args;
const { acme } = parseConfig(Deno.readTextFileSync(file), file);
Deno.exit(await main(Deno.args, { ...realSystem(acme), now: () => new Date(Date.now() + offset) }));
