/** The whole command, as `deno task compile` compiles it: `letsencrypt-tiny -c CONFIG -k cron`. */
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(Deno.args));
