/** What an action does with one certificate line; what only some runs need is loaded only there. */
import { checkAccess } from "./safety.ts";
import type { Contact } from "./ca.ts";
import { day } from "../time.ts";
import type { Config } from "../config/config.ts";
import { type ExpectedError, LineError, printable, readable, WaitError } from "../errors.ts";
import { type Files, readFiles } from "../line/files.ts";
import { startClock } from "./hooks.ts";
import { removeStaleChallenges } from "./web_root.ts";
import { exists } from "../disk/read.ts";
import { readLine } from "../line/read.ts";
import { lock } from "../disk/lock.ts";
import type { Run } from "./obtain.ts";
import {
  type Action,
  type Command,
  isCompromised,
  type Line,
  plan,
  type Revocation,
  unstageTime,
} from "../line/decide.ts";
import { recover } from "./recover.ts";
import { openState, type State, type StateFile, withoutFuture } from "../line/memory.ts";
import { makeDirectories, paths, removeTemporaries } from "./install.ts";
import type { RolloverMemory } from "../dane/rollover_memory.ts";
import type { World } from "./world.ts";

/** Changes a line: lock, clean up, recover, decide once, act in order.
 *
 * @param command the action
 * @param config the line
 * @param options `hooks`: whether they run (`-k`); `contact`: the way to the CA, loaded when it is needed
 * @param system the outside world
 * @returns the failures; empty: all is done
 * @throws {ExpectedError} nothing could be begun
 */
export async function change(
  command: Command | "recover",
  config: Config,
  options: { hooks: boolean; contact: () => Promise<Contact> },
  system: World,
): Promise<ExpectedError[]> {
  const { hooks } = options;
  if (command === "init") makeDirectories(config);
  if (!exists(config.dirs.keys)) {
    throw new LineError(`The directory "${config.dirs.keys}" does not exist`, {
      hint: "run init to begin this line",
    });
  }
  using _held = await lock(paths(config).lock, system);
  const state = openState(paths(config).state, system);
  // A server that starts needs a matching pair, whatever else needs a hand: recovery alone touches nothing but the pairs.
  if (command !== "recover") { for (const warning of checkAccess(config, { hooks })) system.warn(warning); }
  const challengeDir = config.acme.challengeDir!;
  using _tidy = system.onSignal(() => removeStaleChallenges(challengeDir, state));
  if (command !== "recover") {
    removeTemporaries(config);
    removeStaleChallenges(challengeDir, state);
  }
  const { done, files } = await recover(config, system.now(), state.value);
  for (const line of done) system.log(line);
  if (command === "recover") return [];
  state.update({ contents: files.contents });
  if (command === "init") {
    const { createAccountKey } = await import("./ca.ts");
    await createAccountKey(config, system);
    for (const notice of config.notices) system.warn(`notice: ${notice}`);
  }
  let line = await readLine(config, files, state.value);
  // The CA's word that it is at least this late: the clock is not behind now, so it ran ahead when it wrote such things.
  if (line.live.kind === "certified" && line.live.certificate.notBefore <= system.now()) {
    const mended = withoutFuture(state.value, system.now());
    if (mended !== state.value) {
      state.update(mended);
      line = await readLine(config, files, state.value);
    }
  }
  if (command === "revoke" || command === "compromise") {
    state.update({ revocations: withRevocation(command, line, state.value.revocations) });
    line = await readLine(config, files, state.value);
  }
  if (!["init", "renew"].includes(command) && config.dane?.announced && line.live.kind !== "empty") {
    await observeGate(config, { files, isStaged: isGateAsked(line, hooks) }, state, system);
    line = await readLine(config, files, state.value);
  }
  if (line.staging.kind === "certified" && !line.announced) {
    await startClock(config, state, { hooks, now: system.now() });
    line = await readLine(config, files, state.value);
  }
  const actions = plan(line, { command, config, hooks, now: system.now() });
  const failures = await act(actions, { config, state, system, hooks }, options.contact);
  if (command === "compromise") failures.push(...await stillCompromised(config, state, hooks, system));
  return failures;
}

async function act(
  actions: Action[],
  run: Omit<Run, "contact">,
  contact: () => Promise<Contact>,
): Promise<ExpectedError[]> {
  if (actions.length === 0) return [];
  const { execute } = await import("./fulfil.ts");
  return await execute(actions, { ...run, contact: await contact() });
}

/** Adds what is to be revoked: the live certificate, which is superseded, or all for the live key, which others have. */
function withRevocation(
  command: "revoke" | "compromise",
  { live }: Line,
  known: Revocation[] = [],
): Revocation[] {
  const asked: Revocation[] = live.kind === "empty"
    ? []
    : command === "compromise"
    ? [{ keyId: live.key.keyId, reason: 1 }]
    : live.kind === "certified"
    ? [{ serial: live.certificate.serial, reason: 4 }]
    : [];
  // Said again while the first is under way, it means the first: not what has taken its place.
  const isUnderWay = known.some((each) => asked.some(({ reason }) => each.reason === reason));
  const isEarlierKey = known.some((each) =>
    "keyId" in each && live.kind !== "empty" && each.keyId !== live.key.keyId
  );
  if (command === "compromise" && isEarlierKey) {
    throw new WaitError("The compromise of an earlier key is still under way: the live key is another one", {
      hint: "cron -k finishes it; say compromise again then, if somebody has the live key too",
    });
  }
  return isUnderWay ? known : [...known, ...asked];
}

/** What has to happen before the compromised key is out of use; `cron` sees to it. */
async function stillCompromised(
  config: Config,
  state: StateFile,
  hooks: boolean,
  system: World,
): Promise<ExpectedError[]> {
  const line = await readLine(config, await readFiles(config, state.value.contents), state.value);
  if (!isCompromised(line)) return [];
  const now = system.now();
  const at = unstageTime(line, { config, hooks, now });
  const [problem = "DNS has to know it everywhere first"] = line.observed?.problems ?? [];
  const why = line.staging.kind !== "certified"
    ? "there is no new key with a certificate yet"
    : at
    ? `the staging key goes live after ${readable(at)}`
    : config.dane?.announced
    ? `the staging key waits: ${problem}`
    : "the staging key waits for its hook";
  return [
    new WaitError(`The compromised key is still live: ${why}`, {
      hint: "cron goes on with it, and status says how far it is",
    }),
  ];
}

/** Whether a staged key is looked for in DNS: a hook that is due comes first. */
const isGateAsked = ({ staging, due }: Line, hooks: boolean): boolean =>
  staging.kind === "certified" && (!hooks || !due.certchange && !due.keychange);

/** Asks DNS for the keys: how long its caches keep records is to be known before a key is staged. Where one is, remembers
 * from when on it may go live, and says once a day why not yet.
 */
async function observeGate(
  config: Config,
  { files, isStaged }: { files: Files; isStaged: boolean },
  state: StateFile,
  system: World,
): Promise<void> {
  const keyId = isStaged ? files.staging.key!.key!.keyId : undefined;
  const { rollover, at, problems } = await lookAtDns(config, { files, keyId }, state, system);
  if (rollover) state.update({ rollover });
  if (!keyId) return;
  const { observed } = state.value;
  const told = observed?.keyId === keyId ? observed.told : undefined;
  const now = system.now();
  const isToTell = problems.length > 0 && !(told && Date.parse(told) + day > +now);
  state.update({
    observed: {
      keyId: keyId,
      at: at?.toISOString(),
      problems: problems.slice(0, 20),
      told: isToTell ? now.toISOString() : told,
    },
  });
  if (isToTell) { for (const problem of problems.slice(0, 5)) system.log(`staging key waits: ${problem}`); }
}

/** Whatever goes wrong here keeps the staging key waiting, and nothing else: the live one is renewed as usual. */
async function lookAtDns(
  { dane, timing }: Config,
  { files, keyId }: { files: Files; keyId?: string },
  state: StateFile,
  system: World,
): Promise<{ rollover?: RolloverMemory; at?: Date; problems: string[] }> {
  const { observe, problemsIn } = await import("../dane/announced.ts");
  const { remember, shortestWait, switchAt } = await import("../dane/rollover.ts");
  const { isRolloverMemory } = await import("../dane/rollover_memory.ts");
  const { readChain } = await import("../x509/certificate.ts");
  try {
    const candidates = [
      ...keyId ? [{ called: "it", crt: files.staging.crt }] : [],
      ...files.live.crt?.certificate ? [{ called: "the live key", crt: files.live.crt }] : [],
    ].map(({ called, crt }) => ({ called, chain: readChain(new TextDecoder().decode(crt!.bytes)) }));
    const observation = await observe(dane!, candidates, system);
    const { rollover: before } = state.value;
    const clock = { wall: system.now(), uptime: system.uptime() };
    const rollover = remember(isRolloverMemory(before) ? before : undefined, observation, { clock, keyId });
    const services = dane!.services.map(({ name }) => name);
    const wait = Math.max(timing.staging, system.shortestWait ?? shortestWait);
    return {
      rollover,
      at: keyId ? switchAt(rollover, { services, keyId, wait }) : undefined,
      problems: problemsIn(observation).map(({ text }) => text),
    };
  } catch (error) {
    return { problems: [`DNS can't be asked: ${printable(error instanceof Error ? error.message : "")}`] };
  }
}

/** Looks at a line: no lock, no recovery, no network.
 *
 * @param config the line
 * @param system for what is wrong with the state
 * @returns everything that a decision depends on, and what it is made of
 */
export async function look(
  config: Config,
  system: World,
): Promise<{ line: Line; files: Files; state: State }> {
  const { value } = openState(paths(config).state, { warn: system.warn, readOnly: true });
  const files = await readFiles(config, value.contents);
  return { line: await readLine(config, files, value), files, state: value };
}
