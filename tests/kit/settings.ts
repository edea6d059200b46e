/** The configuration file of a line under test. */

/** What of the configuration differs between tests. */
export interface Settings {
  domains?: string[];
  head?: string;
  timing?: Record<string, string>;
  hooks?: string;
  files?: string;
  /** The section [tlsa]. */
  tlsa?: string;
  directory?: string;
  challengeDir?: string;
  caFile?: string;
}

/** Writes it down.
 *
 * @param where the line's folder, and its CA
 * @param settings what differs from the usual
 */
export function configText(
  where: { folder: string; directory: string; caFile: string; challengeDir: string },
  settings: Settings,
): string {
  const { domains = [], head = "", timing = {}, hooks = "", files = "", tlsa } = settings;
  const { folder } = where;
  const times = {
    "max-key-age-days": "256",
    "staging-hours": "0",
    "renew-cert-before-expiry-days": "15",
    ...timing,
  };
  return `domains =\n${domains.map((each) => `  ${each}\n`).join("")}${head}
[timing]
${Object.entries(times).map(([name, value]) => `${name} = ${value}`).join("\n")}
[hooks]
${hooks}
[acme]
directory = ${settings.directory ?? where.directory}
ca-file = ${settings.caFile ?? where.caFile}
account-key = ${folder}/account.key
challenge-dir = ${settings.challengeDir ?? where.challengeDir}
[dirs]
certs = ${folder}/certs
keys = ${folder}/keys
backups = ${folder}/backups
[files]
live = live
staging = staging
${files}
${tlsa === undefined ? "" : `[tlsa]\n${tlsa}\n`}`;
}
