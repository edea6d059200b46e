/** The configuration of one certificate line: INI text in, checked values out. */
import { day, hour } from "../time.ts";
import { readDomains } from "./names.ts";
import { ConfigError } from "../errors.ts";
import { type Entry, readIni } from "./ini.ts";
import type { KeyType } from "../x509/key.ts";
import { type DaneConfig, readDane } from "../dane/service.ts";
import { suggest } from "./suggestion.ts";

/** A part of a derived file. */
export type OutputPart = "chain" | "leaf" | "crt" | "key" | "dh";

/** What a configuration file says. Durations are in milliseconds. */
export interface Config {
  file: string;
  domains: string[];
  keyType: KeyType;
  timing: { maxKeyAge: number; staging: number; renewBefore: number };
  hooks: { certchange?: string; keychange?: string };
  acme: { directory: string; accountKey: string; challengeDir: string; caFile?: string };
  dirs: { certs: string; keys: string; backups: string };
  files: { live: string; staging: string; outputs: OutputPart[][]; dhParams?: string };
  /** What must be announced before a staged key goes live, and served afterwards; absent: only time counts. */
  dane?: DaneConfig;
  /** What was put right silently in effect, but not in word. */
  notices: string[];
}

const known: Record<string, string[]> = {
  "": ["domains", "key-type", "key-length"],
  timing: ["max-key-age-days", "staging-hours", "renew-cert-before-expiry-days"],
  hooks: ["post-certchange", "post-keychange"],
  acme: ["directory", "account-key", "challenge-dir", "ca-file"],
  dirs: ["certs", "keys", "backups"],
  files: ["live", "staging", "outputs", "dh-params"],
  tlsa: ["services", "resolver", "parameters", "check"],
};
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";
const keyLengths = { rsa: [2048, 3072, 4096], ecdsa: [256, 384] };
const outputParts: OutputPart[] = ["chain", "leaf", "crt", "key", "dh"];

/** Reads a configuration.
 *
 * @param text the file's text
 * @param file its path, for messages and for the hooks
 * @returns the checked configuration
 * @throws {ConfigError} anything is wrong; the message is `file:line: message`
 */
export function parseConfig(text: string, file: string): Config {
  const fail = (line: number, message: string): never => {
    throw new ConfigError(`${file}${line ? `:${line}` : ""}: ${message}`);
  };
  const { sections, entries } = readIni(text, fail);
  for (const [section, line] of sections) {
    if (section === "default") {
      fail(line, 'Write the keys of [DEFAULT] before the first section, without "[DEFAULT]"');
    }
    if (!(section in known)) {
      fail(line, `Unknown section [${section}]${suggest(section, Object.keys(known))}`);
    }
  }
  for (const { section, key, line } of entries) {
    if (known[section].includes(key)) continue;
    const home = Object.keys(known).find((each) => known[each].includes(key));
    const where = home === undefined
      ? suggest(key, known[section])
      : home
      ? `: it belongs to section [${home}]`
      : ": it belongs before the first section";
    fail(line, `Unknown key "${key}"${where}`);
  }
  const notices: string[] = [];
  const find = (section: string, key: string) =>
    entries.find((entry) => entry.section === section && entry.key === key);
  const need = (section: string, key: string): Entry =>
    find(section, key) ?? fail(
      sections.get(section) ?? 0,
      `Key "${key}" is missing${section ? ` in section [${section}]` : " before the first section"}`,
    );
  const bad = (entry: Entry, rule: string): never =>
    fail(entry.line, `${entry.key} must be ${rule}: current value is "${entry.value}"`);

  const path = (entry: Entry): string => {
    if (!entry.value.startsWith("/")) {
      bad(entry, "an absolute path (a relative one would depend on the working directory)");
    }
    if (/[\0\n]/.test(entry.value)) bad(entry, "one path on one line");
    if (/\/\.\.?(\/|$)/.test(entry.value)) bad(entry, 'a path without "." and ".."');
    return entry.value.length > 1 ? entry.value.replace(/\/+$/, "").replace(/\/{2,}/g, "/") : entry.value;
  };
  const optionalPath = (section: string, key: string) => {
    const entry = find(section, key);
    return entry && path(entry);
  };
  const number = (entry: Entry, minimum: number, maximum: number): number => {
    const value = /^\d+(\.\d+)?$/.test(entry.value) ? Number(entry.value) : NaN;
    if (!(value >= minimum && value <= maximum)) bad(entry, `a number from ${minimum} to ${maximum}`);
    return value;
  };
  const oneOf = <T extends string | number>(entry: Entry, values: T[]): T =>
    values.find((each) => String(each) === entry.value) ?? bad(entry, alternatives(values));
  const fileName = (key: string): string => {
    const entry = find("files", key);
    if (!entry) return key;
    if (!/^[^/\s.][^/\s]*$/.test(entry.value)) {
      bad(entry, 'a file name without "/", white space or a dot in front');
    }
    return entry.value;
  };

  const domains = readDomains(need("", "domains"), notices, fail);
  const typeEntry = find("", "key-type");
  const type = typeEntry ? oneOf(typeEntry, ["rsa", "ecdsa"] as const satisfies string[]) : "rsa";
  const lengthEntry = find("", "key-length");
  const length = lengthEntry ? oneOf(lengthEntry, keyLengths[type]) : type === "rsa" ? 4096 : 256;

  const stagingEntry = find("timing", "staging-hours");
  const files = { live: fileName("live"), staging: fileName("staging") };
  if (files.live === files.staging) {
    const entry = find("files", "staging") ?? find("files", "live")!;
    fail(entry.line, `The names of the live and the staging files must differ: both are "${files.live}"`);
  }
  const dirs = {
    certs: path(need("dirs", "certs")),
    keys: path(need("dirs", "keys")),
    backups: path(need("dirs", "backups")),
  };
  for (const other of ["certs", "keys"] as const) {
    if (dirs.backups === dirs[other]) {
      fail(
        need("dirs", "backups").line,
        `backups must be a directory of its own: ${other} is "${dirs[other]}" too`,
      );
    }
  }
  const accountKey = need("acme", "account-key");
  for (const name of [files.live, files.staging]) {
    // RFC 8555 §11.1
    if (path(accountKey) === `${dirs.keys}/${name}.key`) {
      fail(accountKey.line, `The account key must not be a certificate key: "${accountKey.value}"`);
    }
  }
  const dhParams = optionalPath("files", "dh-params");
  const outputs = readOutputs(find("files", "outputs"), dhParams, bad);
  const directory = find("acme", "directory");
  if (directory && URL.parse(directory.value)?.protocol !== "https:") bad(directory, "a URL with https");

  return {
    file,
    domains,
    keyType: { type, length },
    timing: {
      maxKeyAge: number(need("timing", "max-key-age-days"), 1, 36_500) * day,
      staging: stagingEntry ? number(stagingEntry, 0, 8760) * hour : 0,
      renewBefore: number(need("timing", "renew-cert-before-expiry-days"), 0, 365) * day,
    },
    hooks: {
      certchange: optionalPath("hooks", "post-certchange"),
      keychange: optionalPath("hooks", "post-keychange"),
    },
    acme: {
      directory: directory?.value ?? letsEncrypt,
      accountKey: path(accountKey),
      challengeDir: path(need("acme", "challenge-dir")),
      caFile: optionalPath("acme", "ca-file"),
    },
    dirs,
    files: { ...files, outputs, dhParams },
    dane: sections.has("tlsa")
      ? readDane(need("tlsa", "services"), (key) => find("tlsa", key), notices, fail)
      : undefined,
    notices,
  };
}

function readOutputs(
  entry: Entry | undefined,
  dhParams: string | undefined,
  bad: (e: Entry, rule: string) => never,
) {
  const outputs = (entry?.value.split(/\s+/) ?? []).filter((word) => word).map((word) =>
    word.split("+").map((part) =>
      outputParts.find((each) => each === part) ?? bad(entry!, alternatives(outputParts))
    )
  );
  for (const parts of outputs) {
    if (parts.length === 1 && (parts[0] === "crt" || parts[0] === "key")) {
      bad(entry!, `a combination: "${parts[0]}" alone is there already`);
    }
    if (parts.includes("dh") && !dhParams) bad(entry!, 'without "dh" as long as dh-params is not set');
  }
  return outputs;
}

const alternatives = (values: readonly (string | number)[]) =>
  `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
