/** The action `cron` as it is, but that DNS is waited for no longer than two TTLs: those of the rig are a few seconds.
 *
 * `deno run … cron.ts CA-FILE -c CONFIG …`
 */
import { main } from "../../../lib/command/cli.ts";
import { realSystem } from "../../../lib/command/world.ts";

const [caFile, ...args] = Deno.args;
Deno.exit(await main(["cron", ...args], { ...realSystem({ caFile }), shortestWait: 0 }));
