/** The action `compromise`: `deno run $FLAGS scripts/compromise.ts -c CONFIG`, with the flags that `permissions` prints. */
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["compromise", ...Deno.args]));
