/** The action `renew`: `deno run $FLAGS scripts/renew.ts -c CONFIG`, with the flags that `permissions` prints. */
import { start } from "../lib/command/start.ts";

await start(["renew", ...Deno.args]);
