/** The whole line as a decision sees it, from files and memory. */
import type { Config } from "../config/config.ts";
import { inspect } from "../disk/read.ts";
import { dueHooks } from "./due.ts";
import { type Files, matches, type Pair, readFiles } from "./files.ts";
import { heldBack } from "./ledger.ts";
import type { KeyFacts, Line, Slot } from "./line.ts";
import type { Memory } from "./memory.ts";
import { staleOutputs } from "./outputs.ts";
import { pathsOf } from "./paths.ts";
import { windowOf } from "./renewal_memory.ts";

/** Reads the files of a line and puts it together.
 *
 * @param config the configuration
 * @param memory what is remembered
 * @param now the time, for what the ledger holds back
 * @param files where they have been read just now
 * @returns everything that a decision depends on, and what it is made of
 */
export async function readLine(
  config: Config,
  memory: Memory,
  now: Date,
  files?: Files,
): Promise<{ line: Line; files: Files }> {
  files ??= await readFiles(config, memory.contents);
  return { line: await toLine(config, files, memory, now), files };
}

async function toLine(config: Config, files: Files, memory: Memory, now: Date): Promise<Line> {
  const at = pathsOf(config);
  const live = toSlot(files.live, at.live.key, memory);
  const staging = toSlot(files.staging, at.staging.key, memory);
  const isAnnounced = staging.kind === "certified" && memory.announced?.keyId === staging.key.keyId;
  return {
    live,
    staging,
    announced: isAnnounced ? new Date(memory.announced!.since) : undefined,
    observed: staging.kind === "certified" ? observedOf(staging.key.keyId, memory) : undefined,
    isDnsKnown: memory.rollover !== undefined,
    isServed: live.kind === "empty" || memory.served === live.key.keyId,
    damaged: [
      ...files.live.key && !files.live.key.key ? [at.live.key] : [],
      ...files.live.crt && !matches(files.live.key, files.live.crt) ? [at.live.crt] : [],
    ],
    isInterrupted: !matches(files.live.key, files.live.crt) &&
      (matches(files.live.key, files.staging.crt) || matches(files.staging.key, files.live.crt)),
    due: await dueHooks(config, files, memory),
    hasAnnounced: memory.hooks.keychange !== undefined,
    outputsStale: live.kind === "certified" && staleOutputs(config, files, memory.outputs).length > 0,
    revocations: memory.revocations,
    ...ofBoth(live, staging, { config, memory, now }),
    retryAfter: memory.failures && new Date(memory.failures.retryAfter),
    heldBack: heldBack(memory.orders, { directory: config.acme.directory, names: config.domains, now }),
  };
}

/** What the CA says of the certificates, and where they came from. */
function ofBoth(
  live: Slot,
  staging: Slot,
  { config: { acme }, memory, now }: { config: Config; memory: Memory; now: Date },
): Pick<Line, "renewalInfo" | "origins"> {
  const certificates = Object.entries({ live, staging }).flatMap(([name, slot]) =>
    slot.kind === "certified" ? [[name, slot.certificate] as const] : []
  );
  const { directory } = acme;
  return {
    ...acme.renewalInfo
      ? {
        renewalInfo: Object.fromEntries(
          certificates.map(([name, each]) => [name, windowOf(each, memory, { directory, now })]),
        ),
      }
      : {},
    origins: Object.fromEntries(certificates.map(([name, { serial }]) => [name, memory.origins?.[serial]])),
  };
}

function observedOf(keyId: string, { observed }: Memory): Line["observed"] {
  if (observed?.keyId !== keyId) return undefined;
  const { at, problems } = observed;
  return { at: at === undefined ? undefined : new Date(at), problems };
}

/** The time of the key file stands in where the memory doesn't know when a key was created. */
function toSlot({ key: file, crt }: Pair, path: string, memory: Memory): Slot {
  if (!file?.key) return { kind: "empty" };
  const known = memory.keys[file.key.keyId];
  const created = known ? new Date(known) : inspect(path)?.mtime ?? new Date(0);
  const key: KeyFacts = { ...file.key, created };
  return matches(file, crt)
    ? { kind: "certified", key, certificate: crt!.certificate! }
    : { kind: "key", key };
}
