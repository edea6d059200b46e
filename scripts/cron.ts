/** The action `cron`: `deno run $FLAGS scripts/cron.ts -c CONFIG`, with the flags that `permissions` prints. */
import "../lib/command/deno_version.ts";
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["cron", ...Deno.args]));
