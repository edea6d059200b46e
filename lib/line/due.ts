/** Which hooks are due: those whose files differ from what they were when the hook last exited 0. */
import type { Config } from "../config/config.ts";
import { sha256 } from "../x509/key.ts";
import { type Files, matches } from "./files.ts";
import type { HookName } from "./line.ts";
import type { Memory } from "./memory.ts";
import { outputs } from "./outputs.ts";

/** Which configured hooks are due.
 *
 * @param config the configuration
 * @param files what they depend on
 * @param memory what was remembered when they last succeeded
 */
export async function dueHooks(
  config: Config,
  files: Files,
  { hooks }: Pick<Memory, "hooks">,
): Promise<Record<HookName, boolean>> {
  const now = await fingerprints(config, files);
  const isDue = (name: HookName) =>
    // Before the first certificate there is nothing to serve or to announce.
    matches(files.live.key, files.live.crt) && config.hooks[name] !== undefined && now[name] !== hooks[name];
  return { certchange: isDue("certchange"), keychange: isDue("keychange") };
}

/** What the zone must hold beside the keys: a service that is added needs records too. */
const records = ({ dane }: Config): string[] =>
  dane ? [...dane.services.map(({ name }) => name), ...dane.parameters.map((each) => each.join(" "))] : [];

/** What each hook depends on, as one hash: certificates and derived files; the set of keys, and where they are announced.
 *
 * @param config names the derived files
 * @param files both pairs
 */
export async function fingerprints(config: Config, files: Files): Promise<Record<HookName, string>> {
  const { live, staging } = files;
  const derived = outputs(config, files).map((each) => each.bytes);
  const certificates = [live.crt?.bytes, staging.crt?.bytes, ...derived];
  return {
    certchange: await hash(certificates.map((bytes) => bytes?.toBase64() ?? "")),
    keychange: await hash([live.key?.key?.keyId ?? "", stagedKeyId(files) ?? "", ...records(config)]),
  };
}

/** The staged key, once there is a certificate for it. */
export const stagedKeyId = ({ staging }: Files): string | undefined =>
  matches(staging.key, staging.crt) ? staging.key?.key?.keyId : undefined;

const hash = (parts: string[]) => sha256(new TextEncoder().encode(JSON.stringify(parts)));
