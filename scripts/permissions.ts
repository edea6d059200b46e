/** The action `permissions`: `deno run $FLAGS scripts/permissions.ts -c CONFIG`, with the flags that `permissions` prints. */
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["permissions", ...Deno.args]));
