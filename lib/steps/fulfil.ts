/** From decisions to effects: the one place where order matters. */
import { day } from "../time.ts";
import { ExpectedError, HookError } from "../errors.ts";
import { readFiles } from "../line/files.ts";
import { confirmServed, dueHooks, runDueHooks } from "./hooks.ts";
import type { KeyPair } from "../x509/key.ts";
import { generate, obtain, type Run } from "./obtain.ts";
import { writeOutputs } from "../line/outputs.ts";
import { type Action, describe } from "../line/decide.ts";
import { revokePending } from "./revoke.ts";
import type { SlotName } from "../line/renewal.ts";
import { promote } from "./install.ts";

/** Waiting times after the first, second, third and every later failed run, milliseconds. */
const backoff = [60_000, 600_000, 6_000_000, day];

/** Keys under way. */
type Keys = Partial<Record<SlotName, Promise<KeyPair>>>;

/** Does what was decided; a part that fails keeps others from being done only where they build on it.
 *
 * @param actions from `plan`
 * @param run what to work with
 * @returns the failures, in the order in which they happened; empty: all is done
 */
export async function execute(actions: readonly Action[], run: Run): Promise<ExpectedError[]> {
  const failures: ExpectedError[] = [];
  const failed = new Set<SlotName>();
  const keys: Keys = {};
  let [changed, hasObtained] = [false, false];
  for (const action of actions) {
    const slot = action.kind === "unstage" ? "staging" : "slot" in action ? action.slot : undefined;
    if (slot && failed.has(slot)) continue;
    const isDone = await collect(failures, () => perform(action, run, keys));
    if (slot && !isDone) failed.add(slot);
    hasObtained ||= isDone && action.kind === "obtain";
    changed ||= slot !== undefined && isDone && action.kind !== "generate";
    // A new key has to be served before anything else is begun.
    if (isDone && action.kind === "unstage") {
      await finish(run, failures);
      changed = false;
    }
  }
  if (changed) await finish(run, failures);
  if (actions.some((each) => each.kind === "revoke")) {
    await collect(failures, () => revokeIdle(run, failures));
  }
  rememberFailures(failures, run, hasObtained);
  return failures;
}

async function perform(action: Action, run: Run, keys: Keys): Promise<void> {
  const { config, state, system } = run;
  switch (action.kind) {
    case "write-outputs":
      writeOutputs(config, await readFiles(config, state.value.contents));
      break;
    case "run-hooks":
      await runDueHooks(config, state, system);
      break;
    case "generate": {
      // Not awaited: a key takes seconds, and the CA validates meanwhile.
      const key = generate(action, run);
      key.catch(() => {});
      keys[action.slot] = key;
      return;
    }
    case "obtain":
      try {
        await obtain(action, run, keys[action.slot]);
      } finally {
        await keys[action.slot]; // a later run goes on with it, whatever became of the order
      }
      break;
    case "unstage": {
      // What servers have until somebody has seen that they don't.
      const { live } = await readFiles(config, state.value.contents);
      state.update({ served: state.value.served ?? live.key?.key?.keyId });
      const notice = await promote(config);
      if (notice) system.warn(`notice: ${notice}`);
      state.update({ staged: undefined });
      break;
    }
    case "revoke":
      return; // at the end
  }
  const line = describe(action);
  if (line) system.log(line);
}

/** Does something whose failure is one of several; returns whether it is done. */
async function collect(failures: ExpectedError[], act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    // Two parts may have failed of the same cause, such as a CA that can't be reached.
    if (!failures.includes(error)) failures.push(error);
    return false;
  }
}

/** After a change: derived files, then the hooks; a hook that failed just now waits for the next run. */
async function finish({ config, state, system, hooks }: Run, failures: ExpectedError[]): Promise<void> {
  await collect(failures, async () => {
    const files = await readFiles(config, state.value.contents);
    if (files.live.crt) writeOutputs(config, files);
    if (hooks && !failures.some((each) => each instanceof HookError)) {
      await runDueHooks(config, state, system);
    }
  });
}

/** What is revoked must not be served any more: all servers have to be told first. */
async function revokeIdle(run: Run, failures: ExpectedError[]): Promise<void> {
  const { config, state, system } = run;
  const files = await readFiles(config, state.value.contents);
  if ((await dueHooks(config, files, state.value)).certchange) {
    if (failures.length > 0) return; // which say why
    return system.warn("notice: the old certificate is revoked once post-certchange has run: use -k");
  }
  await confirmServed(config, files, state, system);
  await revokePending(config, state, await run.contact(config, state, system), system);
}

function rememberFailures(
  failures: ExpectedError[],
  { state, system }: Run,
  hasObtained: boolean,
): void {
  const atCa = failures.filter(({ area, kind }) => area === "ca" && kind !== "ca.slow");
  if (atCa.length === 0) {
    if (hasObtained) state.update({ failures: undefined });
    return;
  }
  const count = (state.value.failures?.count ?? 0) + 1;
  const now = +system.now();
  const wait = backoff[Math.min(count, backoff.length) - 1];
  const asked = atCa.map((each) => +(each.about.retryAfter ?? 0));
  const notBefore = new Date(Math.max(now + wait, ...asked)).toISOString();
  state.update({ failures: { count, last: new Date(now).toISOString(), notBefore } });
}
