/** The action `revoke`: `deno run $FLAGS scripts/revoke.ts -c CONFIG`, with the flags that `permissions` prints. */
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["revoke", ...Deno.args]));
