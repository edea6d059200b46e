/** The words of the command line: its options and actions, in two tables that all else about them comes from. */
import { formats } from "../dane/records.ts";
import {
  changes,
  findings,
  flags,
  forecasts,
  records,
  statuses,
  type Task,
  type TaskOptions,
} from "./tasks.ts";
import type { Terminal } from "./terminal.ts";

/** What an option is called and means. */
export interface Option {
  /** The letter that stands for it. */
  short?: string;
  /** What its value is called; absent: it has none. */
  value?: string;
  /** The only values that it takes. */
  words?: readonly string[];
  /** For the usage. */
  help: string;
  /** Whether it goes with every action; else with those that name it. */
  isGeneral?: boolean;
}

/** Where configurations are unless the command line says so. */
export const defaultConfig = "/etc/letsencrypt-tiny";

/** The options. */
export const options = {
  config: {
    short: "c",
    value: "FILE",
    help: "the configuration of one certificate line; may be given several times, or be a directory: " +
      `then it stands for each *.conf in it; ${defaultConfig} unless given`,
    isGeneral: true,
  },
  hooks: { short: "k", help: "run the hooks", isGeneral: true },
  force: { help: "set aside the program's own limits: it keeps below those of the CA" },
  json: { help: "for programs, as JSON" },
  metrics: { help: "for the textfile collector of Prometheus' node_exporter" },
  format: { value: "FORMAT", words: formats, help: `one of ${formats.join(", ")}; the first unless given` },
  jitter: {
    value: "MINUTES",
    help: "wait a random time first, at most this long, where nobody sits and waits",
  },
  days: { value: "DAYS", help: "how far to look, 90 days unless given" },
  help: { short: "h", help: "print this, or with an action what there is to say of it", isGeneral: true },
  version: { short: "v", help: "print the version", isGeneral: true },
  debug: { help: "say where in the program an error comes from", isGeneral: true },
} as const satisfies Record<string, Option>;
/** The long name of an option. */
export type OptionName = keyof typeof options;

/** What an action is called, means and does. */
export interface Action {
  /** What it does, for a list. */
  help: string;
  /** What else there is to say of it; sentences. */
  details?: string;
  /** The options that go with it, beside the general ones. */
  options?: readonly OptionName[];
  /** Whether it changes lines: then many are under way side by side. */
  isChange: boolean;
  /** Whether it may ask the CA, and so needs the roots that are trusted about it. */
  asksCa: boolean;
  /** Begins it, once for all lines. */
  begin(options: TaskOptions, out: Terminal): Task;
}

const change = { isChange: true, asksCa: true };
const look = { isChange: false, asksCa: false };

/** The actions. */
export const actions = {
  init: {
    help: "make account key, directories, first key and certificate",
    details: "It accepts the CA's terms, and may be repeated after any failure.",
    options: ["force"],
    ...change,
    begin: changes("init"),
  },
  renew: {
    help: "get a new certificate for the same key now, with today's names",
    details: "For a staged key too, if there is one.",
    options: ["force"],
    ...change,
    begin: changes("renew"),
  },
  cron: {
    help: "do what is due, and nothing else",
    details: "It prints nothing where nothing is due, and one line for each thing done.",
    options: ["jitter", "force"],
    ...change,
    begin: changes("cron"),
  },
  status: {
    help: "show what is there, what cron would do and when, and why not yet",
    details: "It only reads, and needs no network.",
    options: ["json", "metrics"],
    ...look,
    begin: statuses,
  },
  plan: {
    help: "show what cron will do in the days to come",
    details:
      "If nothing fails, DNS knows new keys within a day, and cron runs twice a day. It only reads, and needs no network.",
    options: ["days", "json"],
    ...look,
    begin: forecasts,
  },
  recover: {
    help: "finish or undo an interrupted run, offline",
    details: "It takes no longer than a server that starts can wait.",
    isChange: true,
    asksCa: false,
    begin: changes("recover"),
  },
  tlsa: {
    help: "print the TLSA records that the zone must hold now",
    options: ["format"],
    ...look,
    begin: records,
  },
  check: {
    help: "look at files, certificate and DNS, and at what servers show: certificates and challenge files",
    details:
      "It is silent if all is well; else it prints a line for each finding, with its cure, and exits with 1 " +
      "for a warning, with 2 where users notice it or soon will, as monitoring plug-ins do.",
    isChange: false,
    asksCa: true,
    begin: findings,
  },
  revoke: {
    help: "replace the live certificate, and revoke the old one once the hooks have succeeded",
    options: ["force"],
    ...change,
    begin: changes("revoke"),
  },
  compromise: {
    help: "somebody has the live key: replace it as soon as DNS allows, and revoke all its certificates",
    options: ["force"],
    ...change,
    begin: changes("compromise"),
  },
  permissions: {
    help: "print the Deno flags that this configuration needs",
    ...look,
    begin: flags,
  },
} as const satisfies Record<string, Action>;
/** The name of an action. */
export type ActionName = keyof typeof actions;

/** The names of the actions. */
export const actionNames = Object.keys(actions) as ActionName[];
/** The options that go with an action beside the general ones.
 *
 * @param name the action
 */
export const optionsOf = (name: ActionName): readonly OptionName[] => (actions[name] as Action).options ?? [];
