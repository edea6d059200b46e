/** A run: read the line, decide one step, do it, read again, until nothing is left to do. */
import type { Config } from "../config/config.ts";
import { Failure, printable } from "../errors.ts";
import { begin, describe, fresh, nameOf, next, type Progress, type Step } from "../line/decide.ts";
import { leftOver } from "../line/left_over.ts";
import type { Line } from "../line/line.ts";
import { isTold, withTold } from "../line/told.ts";
import { day } from "../time.ts";
import { rememberDerived } from "./derived.ts";
import { type Options, type Session, withSession, type World } from "./session.ts";

/** How each step is done; what only some runs need is loaded only there. */
const deeds: { [K in Step["kind"]]: (step: Step & { kind: K }, session: Session) => Promise<void> } = {
  "write-outputs": async (_, session) => (await import("./derived.ts")).writeDerived(session),
  "run-hook": async ({ hook }, session) => (await import("./hooks.ts")).runHook(hook, session),
  "confirm-served": async (_, session) => (await import("./rollover.ts")).confirmServed(session),
  "start-clock": async (_, session) => (await import("./rollover.ts")).startClock(session),
  "ask-dns": async (_, session) => (await import("./rollover.ts")).askDns(session),
  "ask-renewal-info": async (_, session) => (await import("./renewal_info.ts")).askRenewalInfo(session),
  "unstage": async (_, session) => (await import("./rollover.ts")).unstage(session),
  "obtain": async (step, session) => (await import("./obtain.ts")).obtain(step, session),
  "revoke": async (_, session) => (await import("./revoke.ts")).revokePending(session),
};

/** Does with a line what it is told to, and all that is due.
 *
 * @param config the line
 * @param options what the run is told to do
 * @param world the outside world
 * @returns the failures, in the order in which they happened; empty: all is done
 * @throws {Failure} nothing could be begun
 */
export async function change(config: Config, options: Options, world: World): Promise<Failure[]> {
  return await withSession(config, options, world, async (session) => {
    await prepare(session);
    rememberDerived(session);
    const run = await fulfil(session);
    remember(run, session);
    return [...run.failures, ...tellLeftOver(run, session)];
  });
}

/** What an action asks for beyond what is due. */
async function prepare(session: Session): Promise<void> {
  const { command, config, world, memory } = session;
  if (config.acme.dnsHook && memory.value.orders.some(({ records = [] }) => records.length > 0)) {
    await (await import("./dns_hook.ts")).removeStaleRecords(session);
  }
  if (command === "init") {
    const { createAccountKey } = await import("./ca.ts");
    await createAccountKey(config, world);
    for (const notice of config.notices) world.warn(`notice: ${notice}`);
  }
  if (command === "revoke" || command === "compromise") {
    const { askForRevocation } = await import("./revoke.ts");
    askForRevocation(command, await session.read(), session);
  }
}

/** What a run has come to. */
export interface Run {
  failures: Failure[];
  progress: Progress;
  line: Line;
}

/** Takes one step after the other. A step that fails waits for the next run, and keeps back only what builds on it.
 *
 * @param session what to work with
 * @param watch told of each step before it is taken
 * @returns what failed, what was begun, and the line as it is then
 */
export async function fulfil(session: Session, watch: (step: Step) => void = () => {}): Promise<Run> {
  const failures: Failure[] = [];
  let progress: Progress = fresh;
  let line = await session.read();
  const decide = () => next({ ...session, line, progress, now: session.world.now() });
  for (let step; (step = decide()); line = await session.read()) {
    watch(step);
    progress = begin(progress, step);
    try {
      await take(step, session);
      const done = describe(step);
      if (done) session.world.log(done);
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      // Two steps may have failed of the same cause, such as a CA that can't be reached.
      if (!failures.includes(failure)) failures.push(failure);
      progress = { ...progress, failed: [...progress.failed, nameOf(step)] };
    }
  }
  return { failures, progress, line };
}

function take<K extends Step["kind"]>(step: Step & { kind: K }, session: Session): Promise<void> {
  return deeds[step.kind](step, session);
}

/** Waiting times after the first, second, third and every later failed run, milliseconds: a table without arithmetic. */
const backoff = [60_000, 600_000, 6_000_000, day];

/** What the next run has to know of this one. */
function remember({ failures, progress }: Run, { memory, world, files: { contents } }: Session): void {
  const atCa = failures.filter(({ area }) => area === "ca");
  const hasAsked = progress.begun.some((name) => name.startsWith("obtain") || name === "revoke");
  if (atCa.length === 0) return memory.update({ contents, ...hasAsked ? { failures: undefined } : {} });
  const count = (memory.value.failures?.count ?? 0) + 1;
  const now = +world.now();
  const wait = backoff[Math.min(count, backoff.length) - 1];
  const asked = atCa.map(({ about }) => +(about.retryAfter ?? 0));
  memory.update({
    contents,
    failures: {
      count,
      last: new Date(now).toISOString(),
      retryAfter: new Date(Math.max(now + wait, ...asked)).toISOString(),
      message: printable(atCa[0].message, 4000),
    },
  });
}

/** Says what is left undone, and why: a failure where it was asked for, else one line a day. */
function tellLeftOver({ failures, progress, line }: Run, session: Session): Failure[] {
  const { command, memory, world } = session;
  const now = world.now();
  const left = leftOver({ ...session, line, progress, now });
  // A person who asks has to see it, whatever cron has said today.
  const isNew = (name: string) => command !== "cron" || !isTold(memory.value.told, name, now);
  const notices = left.filter((each) => each.kind === "notice" && isNew(each.name) && failures.length === 0);
  for (const { text } of notices) world.warn(`notice: ${text}`);
  const names = notices.map(({ name }) => name);
  if (names.length > 0) memory.update({ told: withTold(memory.value.told, names, now) });
  return left.flatMap(({ kind, text }) => kind === "notice" ? [] : [new Failure(kind, text)]);
}
