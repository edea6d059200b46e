/** The whole command, as `deno task compile` compiles it: `letsencrypt-tiny -c CONFIG -k cron`. */
import { start } from "../lib/command/start.ts";

await start(Deno.args);
