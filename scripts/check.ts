/** The action `check`: `deno run $FLAGS scripts/check.ts -c CONFIG`, with the flags that `permissions` prints. */
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["check", ...Deno.args]));
