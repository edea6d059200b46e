/** Whether what a configuration names can lie where it says, all of it together. */
import type { Config } from "./settings.ts";
import type { Ini } from "./ini.ts";

/** Notes every path that doesn't fit another. Values that are wrong in themselves are undefined here, against their type, and fit all. */
export function checkPlaces(config: Config, ini: Ini): void {
  checkNames(config, ini);
  checkBackups(config, ini);
  checkSpareDir(config, ini);
  checkChallengeDir(config, ini);
  checkInputs(config, ini);
}

function checkNames({ files: { live, staging } }: Config, ini: Ini): void {
  if (live !== staging) return;
  const files = ini.section("files");
  files.refuse(
    files.has("staging") ? "staging" : "live",
    `The names of the live and the staging files must differ: both are "${live}"`,
  );
}

function checkBackups({ dirs }: Config, ini: Ini): void {
  for (const other of ["certs", "keys"] as const) {
    if (dirs.backups !== undefined && dirs.backups === dirs[other]) {
      ini.section("dirs").refuse(
        "backups",
        `backups must be a directory of its own: ${other} is "${dirs[other]}" too`,
      );
    }
  }
}

function checkSpareDir({ dirs, timing: { spareKey, spareDir } }: Config, ini: Ini): void {
  if (spareDir === undefined) return;
  const timing = ini.section("timing");
  if (!spareKey) timing.refuse("spare-dir", "spare-dir must be left out where spare-key is not yes");
  for (const [other, directory] of Object.entries(dirs)) {
    if (spareDir !== directory) continue;
    timing.refuse("spare-dir", `spare-dir must be a directory of its own: ${other} is "${directory}" too`);
  }
}

/** The web server shows everybody what is in the challenge directory, and whoever may write to it may replace what is below it. */
function checkChallengeDir({ dirs, timing, acme: { challengeDir } }: Config, ini: Ini): void {
  for (const [other, directory] of Object.entries({ ...dirs, "spare-dir": timing.spareDir })) {
    const isIn = isWithin(challengeDir, directory) && other !== "certs";
    if (!isIn && !isWithin(directory, challengeDir)) continue;
    ini.section("acme").refuse(
      "challenge-dir",
      `challenge-dir must lie apart from ${other}, which is "${directory}": current value is "${challengeDir}"`,
    );
  }
}

/** What somebody else made must not be a file that this line itself writes: the first run would replace it. */
function checkInputs({ acme, hooks, files, dirs }: Config, ini: Ini): void {
  const endings = ["key", "crt", ...(files.outputs ?? []).map((parts) => parts.join("+"))];
  const names = [files.live, files.staging].flatMap((name) => endings.map((ending) => `${name}.${ending}`));
  const written = [dirs.keys, dirs.certs].flatMap((directory) => names.map((name) => `${directory}/${name}`));
  const own = `${dirs.keys}/.${files.live}.`; // memory and lock
  const refuse = (section: string, key: string, path: string | undefined) => {
    if (path === undefined || !written.includes(path) && !path.startsWith(own)) return;
    // For the account key also RFC 8555 §11.1.
    ini.section(section).refuse(
      key,
      `${key} must be no file that the line itself writes: current value is "${path}"`,
    );
  };
  refuse("acme", "account-key", acme.accountKey);
  refuse("acme", "eab-key-file", acme.externalAccount?.keyFile);
  refuse("files", "dh-params", files.dhParams);
  refuse("acme", "dns-hook", acme.dnsHook);
  refuse("hooks", "post-certchange", hooks.certchange);
  refuse("hooks", "post-keychange", hooks.keychange);
  refuse("hooks", "post-failure", hooks.failure);
}

/** Whether a path is a directory or lies below it. */
const isWithin = (path?: string, directory?: string): boolean =>
  path !== undefined && directory !== undefined &&
  `${path}/`.startsWith(directory === "/" ? "/" : `${directory}/`);
