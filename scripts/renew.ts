/** The action `renew`: `deno run $FLAGS scripts/renew.ts -c CONFIG`, with the flags that `permissions` prints. */
import "../lib/command/deno_version.ts";
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["renew", ...Deno.args]));
