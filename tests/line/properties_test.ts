/** What holds for every line, configuration, clock and failure: the rules as a whole. */
import { Failure } from "../../lib/errors.ts";
import {
  begin,
  fresh,
  nameOf,
  next,
  type Progress,
  type Situation,
  type Step,
  unstageTime,
} from "../../lib/line/decide.ts";
import type { Line } from "../../lib/line/line.ts";
import { assume, follow } from "../../lib/line/paper.ts";
import { goesLiveAtOnce } from "../../lib/line/renewal.ts";
import { day, hour } from "../../lib/time.ts";
import { assert, assertEquals } from "../kit/assert.ts";
import fc from "../kit/fast_check.ts";
import { configWith, line, now, options } from "./random_line.ts";

type Options = Omit<Situation, "line" | "progress">;

/** One run: each step succeeds, fails, or leaves a line that nobody has foreseen. */
interface Run {
  steps: { step: Step; before: Situation; isDone: boolean }[];
  end: Situation;
}

function run(first: Line, options: Options, fates: readonly (boolean | Line)[]): Run | undefined {
  const steps: Run["steps"] = [];
  let progress: Progress = fresh;
  let current = withHooksOf(options.config, first);
  for (let i = 0;; i++) {
    const before = { ...options, line: current, progress };
    let step;
    try {
      step = next(before);
    } catch (error) {
      if (error instanceof Failure) return undefined; // nothing can be decided from such a line
      throw error;
    }
    if (!step) return { steps, end: before };
    assert(i < 40, `no rest after ${steps.map(({ step }) => nameOf(step)).join(", ")}`);
    const fate = fates[i % Math.max(fates.length, 1)] ?? true;
    progress = begin(progress, step);
    if (fate === false) progress = { ...progress, failed: [...progress.failed, nameOf(step)] };
    else current = fate === true ? assume(current, step, options) : withHooksOf(options.config, fate);
    steps.push({ step, before, isDone: fate !== false });
  }
}

/** A hook that is not configured is never due, nor is any before there is a certificate. */
const withHooksOf = ({ hooks }: Options["config"], line: Line): Line => {
  const { kind } = line.live;
  return {
    ...line,
    due: {
      certchange: line.due.certchange && kind === "certified" && hooks.certchange !== undefined,
      keychange: line.due.keychange && kind === "certified" && hooks.keychange !== undefined,
    },
  };
};

const fate = fc.boolean();
const anyFate = fc.oneof(fc.boolean(), line);
const count = ({ steps }: Run, name: string) => steps.filter(({ step }) => nameOf(step) === name).length;

Deno.test("the loop comes to rest, whatever a step leaves behind", () => {
  fc.assert(
    fc.property(line, options, fc.array(anyFate, { minLength: 1, maxLength: 20 }), (line, options, fates) => {
      run(line, options, fates);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a run obtains one certificate for a slot, and unstages, revokes and asks DNS once at most", () => {
  fc.assert(
    fc.property(line, options, fc.array(anyFate, { minLength: 1, maxLength: 20 }), (line, options, fates) => {
      const done = run(line, options, fates);
      if (!done) return;
      for (const name of ["obtain live", "obtain staging", "unstage", "revoke", "ask-dns"]) {
        assert(count(done, name) <= 1, name);
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("nothing goes live that has not been announced, nor with [tlsa] what DNS does not know in this very run", () => {
  fc.assert(
    fc.property(line, options, fc.array(fate, { minLength: 1, maxLength: 20 }), (line, options, fates) => {
      const done = run(line, options, fates);
      for (const { step, before } of done?.steps ?? []) {
        if (step.kind !== "unstage" || goesLiveAtOnce(before.config)) continue;
        const { line, config, hooks, progress } = before;
        assert(!hooks || !line.due.certchange && !line.due.keychange, "a hook is due");
        if (config.dane?.announced) {
          assert(
            progress.begun.includes("ask-dns") && line.observed?.at && line.observed.at <= now,
            "not in DNS",
          );
        } else assert(line.announced && +line.announced + config.timing.staging <= +now, "not announced");
        assert(+unstageTime(line, before)! <= +now);
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("DNS is asked before anything has changed", () => {
  fc.assert(
    fc.property(line, options, fc.array(anyFate, { minLength: 1, maxLength: 20 }), (line, options, fates) => {
      const names = run(line, options, fates)?.steps.map(({ step }) => step.kind) ?? [];
      const asked = names.indexOf("ask-dns");
      assert(asked === -1 || !names.slice(0, asked).some((each) => each === "obtain" || each === "unstage"));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a hook that is due is run, or a failure says why not", () => {
  fc.assert(
    fc.property(line, options, fc.array(fate, { minLength: 1, maxLength: 20 }), (line, options, fates) => {
      const done = run(line, options, fates);
      if (!done || !options.hooks) return;
      const { due } = done.end.line;
      if (due.certchange || due.keychange) assert(done.end.progress.failed.length > 0, JSON.stringify(due));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("what fails for a staged key does not keep the live certificate from being renewed", () => {
  fc.assert(
    fc.property(line, options, (line, options) => {
      if (options.command !== "cron" || goesLiveAtOnce(options.config)) return;
      const due = run(line, options, [true])?.steps.some(({ step }) => nameOf(step) === "obtain live");
      const failing = run(line, options, [false]);
      if (due && failing) {
        assert(count(failing, "obtain live") === 1 || line.due.certchange || line.due.keychange);
      }
    }),
    { numRuns: 1000 },
  );
});

const hooks = "post-certchange = /h/cert\npost-keychange = /h/key\n";
for (const days of [90, 64, 45, 6]) {
  for (const staging of [0, 48]) {
    for (const gated of [false, true]) {
      const title = `${days} days, staging-hours = ${staging}${gated ? ", DNS asked" : ""}`;
      Deno.test(`a year of cron twice a day on paper, certificates of ${title}`, () => {
        const config = configWith({ staging, gated, hooks });
        const lifetime = days * day;
        let current: Line = follow(
          { ...begun, live: { kind: "empty" }, staging: { kind: "empty" } },
          { command: "init", config, hooks: true, now },
          { lifetime },
        ).line;
        const obtained = [+now];
        for (let at = +now; at < +now + 366 * day; at += 12 * hour) {
          const time = new Date(at);
          const { live } = current;
          assert(
            live.kind === "certified" && +live.certificate.notAfter > at,
            `expired on ${time.toISOString()}`,
          );
          const { steps, line } = follow(
            current,
            { command: "cron", config, hooks: true, now: time },
            { lifetime, dnsWait: 6 * hour },
          );
          obtained.push(...steps.filter(({ kind }) => kind === "obtain").map(() => at));
          current = line;
        }
        const inWeek = obtained.map((at) =>
          obtained.filter((each) => each >= at && each < at + 7 * day).length
        );
        assert(Math.max(...inWeek) <= 4, `${Math.max(...inWeek)} certificates in a week`);
        const key = current.live.kind === "certified" && current.live.key.created;
        assert(key && +key > +now + 220 * day, "the key was replaced when it was too old");
        assertEquals([current.due, current.outputsStale], [{ certchange: false, keychange: false }, false]);
      });
    }
  }
}

const begun: Line = {
  live: { kind: "empty" },
  staging: { kind: "empty" },
  isDnsKnown: false,
  isServed: false,
  damaged: [],
  isInterrupted: false,
  due: { certchange: false, keychange: false },
  hasAnnounced: false,
  outputsStale: false,
  revocations: [],
};
