/** The action `cron`: `deno run $FLAGS scripts/cron.ts -c CONFIG`, with the flags that `permissions` prints. */
import { start } from "../lib/command/start.ts";

await start(["cron", ...Deno.args]);
