/** The configuration of one certificate line: INI text in, checked values out. */
import { day, hour } from "../time.ts";
import type { KeyType } from "../x509/key.ts";
import { readChallenge, readDns } from "./challenge.ts";
import { domains } from "./names.ts";
import { Ini } from "./ini.ts";
import type { Entry } from "./entry.ts";
import type { Section } from "./section.ts";
import { readTlsa } from "./tlsa_section.ts";
import { checkPlaces } from "./places.ts";
import { type AcmeConfig, type Config, type OutputPart, outputParts, type TimingConfig } from "./settings.ts";
import {
  alternatives,
  contacts,
  fileName,
  httpsUrl,
  number,
  oneLine,
  oneOf,
  onOff,
  path,
  program,
  word,
  yesNo,
} from "./values.ts";

export type { Config, OutputPart };

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";
const home = "/etc/letsencrypt-tiny";

/** What is read and checked, but what nothing acts upon yet. Each key goes from here with the change that gives it its effect. */
const notYet: ReadonlySet<string> = new Set([
  "acme.challenge-listen",
  "timing.spare-key",
  "timing.spare-dir",
]);

/** Reads a configuration.
 *
 * @param text the file's text
 * @param file its path, for messages and for the hooks
 * @param without keys that are said to have no effect yet
 * @returns the checked configuration
 * @throws {Failure} `config.entry`: something is wrong; `about.mistakes` has all of it, each as `file:line: message`
 */
export function parseConfig(text: string, file: string, without = notYet): Config {
  const ini = new Ini(text, file, without);
  const line = ini.section("");
  const acme = readAcme(ini.section("acme"));
  const config: Config = {
    file,
    domains: line.need("domains", domains(acme.challenge)),
    keyType: readKeyType(line),
    timing: readTiming(ini.section("timing")),
    hooks: readHooks(ini.section("hooks")),
    hooksAlways: ini.section("hooks").read("run", oneOf("always", "asked")) === "always",
    acme,
    dns: readDns(ini.section("dns")),
    dirs: readDirs(ini.section("dirs"), file),
    files: readFiles(ini.section("files")),
    dane: readTlsa(ini.section("tlsa")),
    notices: [],
  };
  if (acme.challenge === "dns-persist-01" && without.size > 0) {
    ini.section("acme").refuse("challenge", "dns-persist-01 can't be used yet: write http-01 or dns-01");
  }
  checkPlaces(config, ini);
  return { ...config, notices: ini.finish() };
}

function readKeyType(line: Section): KeyType {
  const type = line.read("key-type", oneOf("rsa", "ecdsa")) ?? "rsa";
  return type === "rsa"
    ? { type, length: line.read("key-length", oneOf(2048, 3072, 4096)) ?? 4096 }
    : { type, length: line.read("key-length", oneOf(256, 384)) ?? 256 };
}

const readTiming = (timing: Section): TimingConfig => ({
  maxKeyAge: timing.read("max-key-age-days", number(1, 36_500, day)),
  staging: timing.read("staging-hours", number(0, 8760, hour)) ?? 0,
  renewBefore: timing.read("renew-cert-before-expiry-days", number(0, 365, day)),
  spareKey: timing.read("spare-key", yesNo) ?? false,
  spareDir: timing.read("spare-dir", path),
});

const readHooks = (hooks: Section): Config["hooks"] => ({
  certchange: hooks.read("post-certchange", program),
  keychange: hooks.read("post-keychange", program),
  failure: hooks.read("post-failure", program),
});

function readAcme(acme: Section): AcmeConfig {
  const isBound = acme.together("eab-kid", "eab-key-file");
  const keyId = acme.read("eab-kid", word);
  const keyFile = acme.read("eab-key-file", path);
  return {
    directory: acme.read("directory", httpsUrl) ?? letsEncrypt,
    accountKey: acme.need("account-key", path),
    ...readChallenge(acme),
    caFile: acme.read("ca-file", path),
    profile: acme.read("profile", word),
    renewalInfo: acme.read("renewal-info", onOff) ?? true,
    contact: acme.read("contact", contacts) ?? [],
    externalAccount: isBound ? { keyId: keyId!, keyFile: keyFile! } : undefined,
    preferredChain: acme.read("preferred-chain", oneLine),
  };
}

/** Directories that aren't named lie side by side in one that is called as the file is. */
function readDirs(dirs: Section, file: string): Config["dirs"] {
  const name = file.replace(/^.*\//, "").replace(/\.conf$/, "");
  const read = (key: string) => dirs.read(key, path) ?? `${home}/${name}/${key}`;
  return { certs: read("certs"), keys: read("keys"), backups: read("backups") };
}

function readFiles(files: Section): Config["files"] {
  const dhParams = files.read("dh-params", path);
  return {
    live: files.read("live", fileName) ?? "live",
    staging: files.read("staging", fileName) ?? "staging",
    outputs: files.read("outputs", readOutputs(dhParams !== undefined)) ?? [],
    dhParams,
  };
}

const readOutputs = (hasDhParams: boolean) => (entry: Entry): OutputPart[][] =>
  entry.each((word) => {
    const parts = word.value.split("+").map((part) =>
      outputParts.find((each) => each === part) ?? word.mustBe(alternatives(outputParts))
    );
    if (parts.length === 1 && (parts[0] === "crt" || parts[0] === "key")) {
      word.mustBe(`a combination: "${parts[0]}" alone is there already`);
    }
    if (parts.includes("dh") && !hasDhParams) {
      word.mustBe('without "dh" as long as dh-params is not set');
    }
    return parts;
  }, /\S+/g);
