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
 * const now = new Date();
 * const { line } = await tiny.look(config, { now: () => now, warn: console.error });
 * const steps = tiny.plan(line, { command: "cron", config, hooks: true, now });
 * console.log(steps.map((step) => step.kind).join() || "nothing");
 * ```
 *
 * @module
 */
export * from "./lib/errors.ts";

export { type Config, parseConfig } from "./lib/config/config.ts";
export { type Command, describe, type Step } from "./lib/line/decide.ts";
export type { Line, Slot, SlotName } from "./lib/line/line.ts";
export { plan } from "./lib/line/paper.ts";
export { look, type World } from "./lib/steps/session.ts";
export { status } from "./lib/command/status.ts";
export { webRootSolver } from "./lib/steps/web_root.ts";
export { realSystem } from "./lib/command/world.ts";
export { main } from "./lib/command/cli.ts";
