/** The action `tlsa`: `deno run $FLAGS scripts/tlsa.ts -c CONFIG`, with the flags that `permissions` prints. */
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["tlsa", ...Deno.args]));
