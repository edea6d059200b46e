/** The certificate line of Let's Encrypt Tiny as a library: its configuration, what it needs, and the whole command.
 *
 * ACME itself is in `./acme`, keys, requests and certificates are in `./x509`, TLSA records are in `./dane`.
 *
 * What `cron` would do with a line, without doing any of it:
 *
 * ```ts
 * import * as tiny from "@letsencrypt-tiny/letsencrypt-tiny";
 *
 * const file = "/etc/letsencrypt-tiny/example.org.conf";
 * const config = tiny.parseConfig(await Deno.readTextFile(file), file);
 * const state = tiny.openState(tiny.paths(config).state, { warn: console.error, readOnly: true });
 * const line = await tiny.readLine(config, await tiny.readFiles(config), state.value);
 * const actions = tiny.plan(line, { command: "cron", config, hooks: true, now: new Date() });
 * console.log(actions.map((action) => action.kind).join() || "nothing");
 * ```
 *
 * @module
 */
export * from "./lib/errors.ts";
export { type World } from "./lib/steps/world.ts";

export { type Config, parseConfig } from "./lib/config/config.ts";
export { openState, type State, type StateFile } from "./lib/line/memory.ts";
export { paths } from "./lib/steps/install.ts";
export { type Files, readFiles } from "./lib/line/files.ts";
export { readLine } from "./lib/line/read.ts";
export { type Action, describe, type Line, plan } from "./lib/line/decide.ts";
export { type Slot } from "./lib/line/renewal.ts";
export { status } from "./lib/command/status.ts";
export { recover } from "./lib/steps/recover.ts";
export { webRootSolver } from "./lib/steps/web_root.ts";
export { realSystem } from "./lib/command/world.ts";
export { main } from "./lib/command/cli.ts";
