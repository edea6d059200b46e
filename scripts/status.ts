/** The action `status`: `deno run $FLAGS scripts/status.ts -c CONFIG`, with the flags that `permissions` prints. */
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["status", ...Deno.args]));
