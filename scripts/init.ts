/** The action `init`: `deno run $FLAGS scripts/init.ts -c CONFIG`, with the flags that `permissions` prints. */
import "../lib/command/deno_version.ts";
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["init", ...Deno.args]));
