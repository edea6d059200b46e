/** The whole command, as `deno task compile` compiles it: `letsencrypt-tiny -c CONFIG -k cron`. */
import "../lib/command/deno_version.ts";
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(Deno.args));
