/** From decisions to effects: the one place where order matters. */
import type { Contact } from "./account_key.ts";
import { obtainCertificate } from "./acme.ts";
import type { Config } from "./config.ts";
import { checkWritable } from "./disk.ts";
import { AcmeError, CertificateError, ExpectedError, LineError, TransportError } from "./errors.ts";
import { openKey, readFiles } from "./files.ts";
import { runDueHooks } from "./hooks.ts";
import { webRootSolver } from "./http01.ts";
import { exportKey, generateKey, type KeyPair, spkiHash } from "./keys.ts";
import { writeOutputs } from "./outputs.ts";
import { revokePending } from "./revoke.ts";
import { type Action, describe } from "./plan.ts";
import { type SlotName } from "./slot.ts";
import type { StateFile } from "./state.ts";
import { installCertificate, paths, promote, writeNewKey } from "./store.ts";
import type { System } from "./transport.ts";

/** What a run works with. */
export interface Run {
  config: Config;
  state: StateFile;
  system: System;
  /** The way to the CA. */
  contact: Contact;
  /** Whether hooks run (`-k`). */
  hooks: boolean;
}

/** Waiting times after the first, second, third and every later failed run, milliseconds. */
const backoff = [60_000, 600_000, 6_000_000, 86_400_000];

/** Keys under way, and files that may have changed. */
type Keys = Partial<Record<SlotName, Promise<KeyPair>>>;

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
  const keys: Keys = {};
  let changed = false;
  for (const action of actions) {
    const slot = action.kind === "unstage" ? "staging" : "slot" in action ? action.slot : undefined;
    if (slot && failed.has(slot)) continue;
    const isDone = await collect(failures, () => perform(action, run, keys));
    if (slot && !isDone) failed.add(slot);
    changed ||= slot !== undefined && isDone;
  }
  if (changed) await finish(run, failures);
  // What is revoked must not be served any more: all servers have to be told first.
  const isHookDue = failures.some((each) => each.name === "HookError");
  if (actions.some((each) => each.kind === "revoke") && !isHookDue) {
    await collect(
      failures,
      async () => await revokePending(config, state, await run.contact(config, state, system), system),
    );
  }
  rememberFailures(failures, run, actions);
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
    if (hooks && !failures.some((each) => each.name === "HookError")) {
      await runDueHooks(config, state, system);
    }
  });
}

async function generate(action: Action & { kind: "generate" }, run: Run): Promise<KeyPair> {
  const { config, state, system } = run;
  const { type, length } = config.keyType;
  system.progress(`Generating a key: ${type} ${length}`);
  const pair = await generateKey(config.keyType);
  const [spki, pem] = [await spkiHash(pair.spki), await exportKey(pair)];
  // The creation time first: a key that the state doesn't know would count from its file's time.
  state.update({ keys: { ...state.value.keys, [spki]: system.now().toISOString() } });
  writeNewKey(paths(config)[action.slot].key, pem);
  system.log(describe(action)!);
  return pair;
}

async function obtain(
  { slot, domains }: Action & { kind: "obtain" },
  run: Run,
  generated?: Promise<KeyPair>,
): Promise<void> {
  const { config, state, system } = run;
  for (const directory of Object.values(config.dirs)) checkWritable(directory);
  checkWritable(config.acme.challengeDir);
  const key = generated ?? readKey(slot, run);
  key.catch(() => {}); // heard of where it is needed, though the CA may fail first
  const account = await run.contact(config, state, system);

  // Until there is a key, the order can be for any.
  let spki = generated ? undefined : await spkiHash((await key).spki);
  const stored = state.value.orders[slot];
  const fits = stored?.domains.join() === domains.join() &&
    (stored.spki === spki || stored.spki === undefined);
  const orders = (order?: typeof stored) => ({ orders: { ...state.value.orders, [slot]: order } });
  let [url, tokens]: [string, string[]] = ["", []];
  const remember = () => state.update(orders({ url, spki, domains, tokens }));
  const request = async () => {
    const pair = await key;
    spki = await spkiHash(pair.spki);
    if (url) remember(); // before the CA hears of this key
    const { createCsr } = await import("./csr.ts"); // like this key: loaded while the CA validates
    return await createCsr(pair, domains);
  };
  const solver = webRootSolver(config.acme.challengeDir, (present) => {
    tokens = present;
    remember();
  });
  const order = async (resume?: string) => {
    url = "";
    const chain = await obtainCertificate(account, {
      domains,
      csr: request(),
      solver,
      resume,
      onOrder(orderUrl) {
        url = orderUrl ?? "";
        if (url) remember();
        else state.update(orders());
      },
    });
    const { checkChain } = await import("./certificate.ts");
    return (await checkChain(chain, { spki: spki!, domains, now: system.now() })).pem;
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
    state.update({ staged: { spki: spki!, since: system.now().toISOString() } });
  }
}

async function readKey(slot: SlotName, { config, state }: Run): Promise<KeyPair> {
  const { key } = (await readFiles(config, state.value.contents))[slot];
  if (!key?.key) throw new LineError(`There is no key in "${paths(config)[slot].key}"`);
  return await openKey(key);
}

/** Whether a staged key counts as announced without its hook: there is none, or this line never runs hooks. */
function startsClock({ config, state, hooks }: Run): boolean {
  return !config.hooks.keychange || !hooks && state.value.hooks.keychange === undefined;
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
