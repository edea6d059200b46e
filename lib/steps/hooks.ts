/** Running a hook, and remembering that it succeeded. */
import { Failure } from "../errors.ts";
import { dueHooks, fingerprints, stagedKeyId } from "../line/due.ts";
import { readFiles } from "../line/files.ts";
import type { HookName } from "../line/line.ts";
import { serviceNames, zoneRecords } from "../line/zone.ts";
import type { Session } from "./session.ts";

/** Runs a hook that is due. Its fingerprint is taken before it starts: what changes while it runs makes it due again.
 *
 * @param hook which
 * @param session what to work with
 * @throws {Failure} the hook failed, and stays due
 */
export async function runHook(hook: HookName, session: Session): Promise<void> {
  const { config, memory, world, files } = session;
  const program = config.hooks[hook]!;
  const fingerprint = (await fingerprints(config, files))[hook];
  const status = await world.runHook(program, await environment(hook, session));
  if (status !== 0) {
    throw new Failure("hook.failed", `Hook post-${hook} failed: "${program}" ended with status ${status}`, {
      path: program,
    });
  }
  const staged = hook === "keychange" ? stagedKeyId(files) : undefined;
  // In one step with the hook: else a crash in between would leave a key that waits for ever.
  memory.update({
    hooks: { ...memory.value.hooks, [hook]: fingerprint },
    ...staged ? { announced: { keyId: staged, since: world.now().toISOString() } } : {},
  });
  const after = await readFiles(config, memory.value.contents);
  if ((await dueHooks(config, after, memory.value))[hook]) {
    world.warn(
      `warning: files of the line have changed while post-${hook} ran: it will be run again; it must not change them itself`,
    );
  }
}

/** What a hook is told; nothing in it comes from the CA. */
async function environment(hook: HookName, session: Session): Promise<Record<string, string>> {
  const { config, at, files, memory } = session;
  const { formatRecords } = await import("../dane/records.ts");
  const records = formatRecords(serviceNames(config), await zoneRecords(config, files, memory.value));
  const values: Record<string, string> = {
    EVENT: `post-${hook}`,
    CONFIG: config.file,
    DOMAINS: config.domains.join(" "),
    LIVE_CRT: at.live.crt,
    LIVE_KEY: at.live.key,
    TLSA: records.join("\n"),
    ...stagedKeyId(files) ? { STAGING_CRT: at.staging.crt, STAGING_KEY: at.staging.key } : {},
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`LETSENCRYPT_TINY_${name}`, value]),
  );
}
