/** The action `recover`: `deno run $FLAGS scripts/recover.ts -c CONFIG`, with the flags that `permissions` prints. */
import { main } from "../lib/command/cli.ts";

Deno.exit(await main(["recover", ...Deno.args]));
