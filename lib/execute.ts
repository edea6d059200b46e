/** From decisions to effects: the one place where order matters. */
import type { Account } from "./account.ts";
import { contactCa } from "./account_key.ts";
import { obtainCertificate } from "./acme.ts";
import { checkChain } from "./certificate.ts";
import type { Config } from "./config.ts";
import { createCsr } from "./csr.ts";
import { checkWritable } from "./disk.ts";
import { AcmeError, CertificateError, ExpectedError, LineError, TransportError } from "./errors.ts";
import { runDueHooks } from "./hooks.ts";
import { removeChallenges, webRootSolver } from "./http01.ts";
import { exportKey, generateKey, spkiHash } from "./keys.ts";
import { writeOutputs } from "./outputs.ts";
import { type Action, describe, type SlotName } from "./plan.ts";
import type { StateFile } from "./state.ts";
import { installCertificate, paths, promote, readPair, writeNewKey } from "./store.ts";
import type { System } from "./transport.ts";

/** What a run works with. */
export interface Run {
  config: Config;
  state: StateFile;
  system: System;
  /** Whether hooks run (`-k`). */
  hooks: boolean;
}

/** Waiting times after the first, second, third and every later failed run, milliseconds. */
const backoff = [60_000, 600_000, 6_000_000, 86_400_000];

/** Does what was decided; a part that fails keeps others from being done only where they build on it.
 *
 * @param actions from `plan`
 * @param run what to work with
 * @returns the failures, in the order in which they happened; empty: all is done
 */
export async function execute(actions: readonly Action[], run: Run): Promise<ExpectedError[]> {
  const { config, state, system } = run;
  const failures: ExpectedError[] = [];
  const failed = new Set<SlotName>();
  const ca = oncePerRun(() => contactCa(config, state, system));
  let changed = false;

  for (const action of actions) {
    const slot = action.kind === "unstage" ? "staging" : "slot" in action ? action.slot : undefined;
    if (slot && failed.has(slot)) continue;
    try {
      switch (action.kind) {
        case "write-outputs":
          writeOutputs(config);
          break;
        case "run-hooks":
          await runDueHooks(config, state, system);
          break;
        case "generate":
          await generate(action.slot, run);
          break;
        case "obtain":
          await obtain(action.slot, action.domains, run, ca);
          break;
        case "unstage": {
          const notice = await promote(config);
          if (notice) system.warn(`notice: ${notice}`);
          state.update({ staged: undefined });
          break;
        }
      }
      changed ||= slot !== undefined;
      const line = describe(action);
      if (line) system.log(line);
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      // Two parts may have failed of the same cause, such as a CA that can't be reached.
      if (!failures.includes(error)) failures.push(error);
      if (slot) failed.add(slot);
    }
  }
  rememberFailures(failures, run, actions);
  if (changed) await finish(run, failures);
  return failures;
}

/** After a change: derived files, then the hooks; a hook that failed just now waits for the next run. */
async function finish({ config, state, system, hooks }: Run, failures: ExpectedError[]): Promise<void> {
  try {
    if ((await readPair(config, "live")).crt) writeOutputs(config);
    if (hooks && !failures.some((each) => each.name === "HookError")) {
      await runDueHooks(config, state, system);
    }
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    failures.push(error);
  }
}

async function generate(slot: SlotName, { config, state, system }: Run): Promise<void> {
  const { type, length } = config.keyType;
  system.progress(`Generating a key: ${type} ${length}`);
  const pair = await generateKey(config.keyType);
  // The creation time first: a key that the state doesn't know would count from its file's time.
  const keys = { ...state.value.keys, [await spkiHash(pair.spki)]: system.now().toISOString() };
  state.update({ keys });
  writeNewKey(paths(config)[slot].key, await exportKey(pair));
}

async function obtain(
  slot: SlotName,
  domains: readonly string[],
  run: Run,
  ca: () => Promise<Account>,
): Promise<void> {
  const { config, state, system } = run;
  const { key } = await readPair(config, slot);
  if (!key?.key) throw new LineError(`There is no key in "${paths(config)[slot].key}"`);
  const { pair, spki } = key.key;
  for (const directory of Object.values(config.dirs)) checkWritable(directory);
  checkWritable(config.acme.challengeDir);
  const account = await ca();

  const stored = state.value.orders[slot];
  const fits = stored?.spki === spki && stored.domains.join() === domains.join();
  const orders = (order?: typeof stored) => ({ orders: { ...state.value.orders, [slot]: order } });
  let url = "";
  const remember = (tokens: string[]) => state.update(orders({ url, spki, domains, tokens }));
  const order = async (resume?: string) => {
    const chain = await obtainCertificate(account, {
      domains,
      csr: createCsr(pair, domains),
      solver: webRootSolver(config.acme.challengeDir, remember),
      resume,
      onOrder(orderUrl) {
        if (orderUrl === undefined) return state.update(orders());
        url = orderUrl;
        remember([]);
      },
    });
    return (await checkChain(chain, { spki, domains, now: system.now() })).pem;
  };
  let pem;
  try {
    pem = await order(fits ? stored.url : undefined);
  } catch (error) {
    // An order stays for the next run, so that nothing is ordered twice; one that then fails again gives way to a new one.
    if (!fits || !(error instanceof ExpectedError) || error.exit !== 1) throw error;
    state.update(orders());
    pem = await order();
  }
  await installCertificate(config, slot, pem);
  state.update(orders());
  if (slot === "staging" && startsClock(run)) {
    state.update({ staged: { spki, since: system.now().toISOString() } });
  }
}

/** Whether a staged key counts as announced without its hook: there is none, or this line never runs hooks. */
function startsClock({ config, state, hooks }: Run): boolean {
  return !config.hooks.keychange || !hooks && state.value.hooks.keychange === undefined;
}

/** Removes the challenge files that an interrupted run left in the web root. */
export function removeStaleChallenges({ config, state }: Run): void {
  for (const [slot, order] of Object.entries(state.value.orders)) {
    if (!order || order.tokens.length === 0) continue;
    removeChallenges(config.acme.challengeDir, order.tokens);
    state.update({ orders: { ...state.value.orders, [slot]: { ...order, tokens: [] } } });
  }
}

function rememberFailures(
  failures: ExpectedError[],
  { state, system }: Run,
  actions: readonly Action[],
): void {
  const atCa = failures.filter((each) =>
    each instanceof AcmeError || each instanceof TransportError || each instanceof CertificateError
  );
  if (atCa.length === 0) {
    if (actions.some((each) => each.kind === "obtain") && failures.length === 0) {
      state.update({ failures: undefined });
    }
    return;
  }
  const count = (state.value.failures?.count ?? 0) + 1;
  const now = +system.now();
  const wait = backoff[Math.min(count, backoff.length) - 1];
  const asked = atCa.map((each) => "notBefore" in each ? +(each.notBefore as Date ?? 0) : 0);
  const notBefore = new Date(Math.max(now + wait, ...asked)).toISOString();
  state.update({ failures: { count, last: new Date(now).toISOString(), notBefore } });
}

function oncePerRun<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}
