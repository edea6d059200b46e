/** What each action does with a line, and with all that it found; what only some of them need is loaded only there. */
import type { Config } from "../config/config.ts";
import type { formats } from "../dane/records.ts";
import { Failure } from "../errors.ts";
import type { Command } from "../line/decide.ts";
import { change } from "../steps/fulfil.ts";
import { type Contact, look, recoverLine } from "../steps/session.ts";
import type { Status } from "./status.ts";
import type { Terminal } from "./terminal.ts";

/** What an action is told by the command line. */
export interface TaskOptions {
  /** Configuration files, and directories of such. */
  configs: string[];
  /** Whether they are one line. */
  isAlone: boolean;
  hooks: boolean;
  /** Whether the limits of the ledger are set aside. */
  force: boolean;
  json: boolean;
  metrics: boolean;
  /** How records are printed. */
  format: typeof formats[number];
  /** How far the action `plan` looks. */
  days: number;
}

/** An action under way: it sees each line, then ends. */
export interface Task {
  /** Works on one line; returns what failed, or an exit status for what has been told already. */
  line(config: Config, world: Terminal): Promise<(Failure | number)[]>;
  /** Told of a line that can't be worked on. */
  failed?(file: string, failure: Failure): void | Promise<void>;
  /** Prints what can be printed only once all lines have been looked at. */
  end?(): void | Promise<void>;
}

/** Actions that change lines; they share one way to the CA.
 *
 * @param command which of them
 */
export const changes = (command: Command | "recover") => ({ hooks, force, isAlone }: TaskOptions): Task => {
  let contact: Promise<Contact> | undefined;
  const makeContact = async () => (await import("../steps/ca.ts")).makeContact();
  return {
    async line(config, world) {
      let lines = 0;
      const log = (line: string) => {
        lines++;
        world.log(line);
      };
      const contactOnce = () => contact ??= makeContact();
      const told = { hooks: hooks || config.hooksAlways, force, contact: contactOnce };
      const failures = command === "recover"
        ? await recoverLine(config, { ...world, log }).then(() => [])
        : await alarmed(
          () => change(config, { ...told, command }, { ...world, log }),
          config,
          told.hooks,
          world,
        );
      const isHookless = !told.hooks && (config.hooks.certchange ?? config.hooks.keychange) !== undefined;
      if (failures.length === 0 && (isHookless || world.isTerminal && isAlone)) {
        const { tellAfter } = await import("./afterwards.ts");
        await tellAfter({ command, config, hooks: told.hooks, wasSilent: lines === 0 }, world);
      }
      return failures;
    },
  };
};

/** Runs the hook for failures where there are any, returned or thrown. */
async function alarmed(
  run: () => Promise<Failure[]>,
  config: Config,
  hooks: boolean,
  world: Terminal,
): Promise<Failure[]> {
  const alarm = async (failures: Failure[]) => {
    if (!hooks || !config.hooks.failure || failures.length === 0) return;
    await (await import("../steps/alarm.ts")).raiseAlarm(failures, config, world);
  };
  try {
    const failures = await run();
    await alarm(failures);
    return failures;
  } catch (error) {
    if (error instanceof Failure) await alarm([error]);
    throw error;
  }
}

/** The action `status`. */
export function statuses({ hooks, json, metrics, configs, isAlone }: TaskOptions, out: Terminal): Task {
  const found: Status[] = [];
  return {
    async line(config, world) {
      const { statusOf } = await import("./status_of.ts");
      const failures: Failure[] = [];
      found.push(await statusOf(config, { hooks, fail: (failure) => failures.push(failure) }, world));
      return failures;
    },
    async failed(file, { message }) {
      if (isAlone && !json && !metrics) return; // what is wrong has been said
      const { unreadable } = await import("./status.ts");
      found.push(unreadable(file, message));
    },
    async end() {
      const isOne = isAlone && configs[0] === found[0]?.config;
      if (json) return (await import("./terminal.ts")).jsonLines(isOne ? found[0] : found).forEach(out.log);
      if (metrics) return (await import("./metrics.ts")).formatMetrics(found, out.now()).forEach(out.log);
      const { formatStatus, formatTable } = await import("./status_text.ts");
      const lines = isAlone ? found.flatMap((each) => formatStatus(each, out.now())) : formatTable(found);
      lines.forEach(out.paint);
    },
  };
}

/** The action `plan`. */
export function forecasts({ hooks, json, days }: TaskOptions, out: Terminal): Task {
  const found: { config: string; at: string; due: string[] }[] = [];
  return {
    async line(config, world) {
      const [{ forecast }, { formatRuns }] = await Promise.all([
        import("./forecast.ts"),
        import("./status_text.ts"),
      ]);
      const runsHooks = hooks || (config.hooks.certchange ?? config.hooks.keychange) !== undefined;
      const { line } = await look(config, world);
      const runs = forecast(line, { config, hooks: runsHooks, now: world.now() }, days);
      if (!json) formatRuns(runs, days).forEach(world.paint);
      for (const { at, steps } of runs) {
        found.push({ config: config.file, at: `${at.toISOString().slice(0, 19)}Z`, due: steps });
      }
      return [];
    },
    async end() {
      if (json) (await import("./terminal.ts")).jsonLines(found).forEach(out.log);
    },
  };
}

/** The action `check`. */
export const findings = (): Task => ({
  async line(config, world) {
    const { check } = await import("./check.ts");
    const found = await check(config, await look(config, world), world);
    found.forEach(({ text }) => world.log(text));
    return found.map(({ isCritical }) => isCritical ? 2 : 1);
  },
});

/** The action `tlsa`; what other programs read is printed free of the names of lines, and in one piece. */
export function records({ format }: TaskOptions, out: Terminal): Task {
  const found: string[] = [];
  return {
    async line(config, world) {
      const [{ formatRecords }, { serviceNames, zoneRecords }] = await Promise.all([
        import("../dane/records.ts"),
        import("../line/zone.ts"),
      ]);
      const { files, memory } = await look(config, world);
      if (!files.live.key?.key) {
        throw new Failure("files.not-begun", `There is no live key in "${config.dirs.keys}"`);
      }
      found.push(...formatRecords(serviceNames(config), await zoneRecords(config, files, memory), format));
      return [];
    },
    end: () => found.flatMap((each) => each.split("\n")).forEach(out.log),
  };
}

/** The action `permissions`: a line that can't be read takes the flags of the others from nobody. */
export function flags({ configs }: TaskOptions, out: Terminal): Task {
  const found: Config[] = [];
  return {
    line(config) {
      found.push(config);
      return Promise.resolve([]);
    },
    async end() {
      if (found.length === 0) return;
      const { permissions } = await import("./permissions.ts");
      out.log((await permissions(found, configs)).join(" "));
    },
  };
}
