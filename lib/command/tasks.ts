/** What each action does with a line, and with all that it found; what only some of them need is loaded only there. */
import type { Contact } from "../steps/ca.ts";
import type { Config } from "../config/config.ts";
import type { formats } from "../dane/records.ts";
import { Failure } from "../errors.ts";
import type { Command } from "../line/decide.ts";
import { change, look } from "../steps/session.ts";
import type { Status } from "./status.ts";
import type { World } from "../steps/world.ts";

/** What an action is told by the command line. */
export interface TaskOptions {
  /** Configuration files, and directories of such. */
  configs: string[];
  hooks: boolean;
  json: boolean;
  /** How records are printed. */
  format: typeof formats[number];
}

/** An action under way: it sees each line, then ends. */
export interface Task {
  /** Works on one line; returns what failed, or an exit status for what has been told already. */
  line(config: Config, world: World): Promise<(Failure | number)[]>;
  /** Told of a line that can't be worked on. */
  failed?(file: string, failure: Failure): void;
  /** Prints what can be printed only once all lines have been looked at. */
  end?(): void | Promise<void>;
}

/** Actions that change lines; they share one way to the CA.
 *
 * @param command which of them
 */
export const changes = (command: Command | "recover") => ({ hooks }: TaskOptions): Task => {
  let contact: Promise<Contact> | undefined;
  const options = {
    hooks,
    contact: () => contact ??= import("../steps/ca.ts").then(({ makeContact }) => makeContact()),
  };
  return { line: async (config, world) => await change(command, config, options, world) };
};

/** The action `status`. */
export function shows({ hooks, json, configs }: TaskOptions, out: World): Task {
  const statuses: Status[] = [];
  return {
    async line(config, world) {
      const [{ status }, { formatStatus }] = await Promise.all([
        import("./status.ts"),
        import("./status_text.ts"),
      ]);
      const now = world.now();
      // Without -k on the command line the status is that of the usual run, which has it.
      const usual = hooks || (config.hooks.certchange ?? config.hooks.keychange) !== undefined;
      const failures: Failure[] = [];
      const each = status(
        (await look(config, world)).line,
        { config, hooks: usual, now },
        (failure) => failures.push(failure),
      );
      if (json) statuses.push(each);
      else formatStatus(each, now).forEach(world.log);
      return failures;
    },
    failed(config, { message }) {
      statuses.push({ config, live: {}, staging: {}, hooksDue: [], due: [], notes: [], error: message });
    },
    async end() {
      if (!json) return;
      const { jsonLines } = await import("./terminal.ts");
      const isOne = configs.length === 1 && configs[0] === statuses[0]?.config;
      jsonLines(isOne ? statuses[0] : statuses).forEach(out.log);
    },
  };
}

/** The action `check`. */
export const checks = (): Task => ({
  async line(config, world) {
    const { check } = await import("./check.ts");
    const findings = await check(config, await look(config, world), world);
    findings.forEach(world.log);
    return findings.map(() => 1);
  },
});

/** What other programs read is printed free of the names of lines, and in one piece. */
export const prints = (what: "records" | "flags") => (args: TaskOptions, out: World): Task =>
  what === "records" ? records(args, out) : flags(args, out);

/** The action `tlsa`. */
function records({ format }: TaskOptions, out: World): Task {
  const found: string[] = [];
  return {
    async line(config, world) {
      const [{ formatRecords }, { serviceNames, zoneRecords }] = await Promise.all([
        import("../dane/records.ts"),
        import("../line/zone.ts"),
      ]);
      const { files, state } = await look(config, world);
      if (!files.live.key?.key) {
        throw new Failure("files.not-begun", `There is no live key in "${config.dirs.keys}"`);
      }
      found.push(...formatRecords(serviceNames(config), await zoneRecords(config, files, state), format));
      return [];
    },
    end: () => found.forEach(out.log),
  };
}

/** The action `permissions`: a line that can't be read takes the flags of the others from nobody. */
function flags({ configs }: TaskOptions, out: World): Task {
  const found: Config[] = [];
  return {
    line(config) {
      found.push(config);
      return Promise.resolve([]);
    },
    async end() {
      if (found.length === 0) return;
      const { permissions } = await import("./permissions.ts");
      out.log(permissions(found, configs).join(" "));
    },
  };
}
