/** The action `init`: `deno run $FLAGS scripts/init.ts -c CONFIG`, with the flags that `permissions` prints. */
import { start } from "../lib/command/start.ts";

await start(["init", ...Deno.args]);
