/** The manual page, in the language of mdoc(7). */
import {
  type Action,
  actionNames,
  actions,
  defaultConfig,
  type Option,
  options,
  optionsOf,
} from "../../../lib/command/actions.ts";
import { wrap } from "../../../lib/command/columns.ts";
import { exitStatuses } from "./exit_statuses.ts";

/** When this file was last changed in what it says. */
const date = "November 25, 2026";

/** Text that roff takes for nothing else. */
const plain = (text: string) =>
  text.replaceAll("\\", "\\e").replace(/^[.']/gm, "\\&$&").replaceAll("`", "").replaceAll("-", "\\-");

const sentence = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}`.replace(/[^.]$/, "$&.");

/** Lines that are short enough, each sentence in lines of its own: as mdoc wants it. */
const prose = (text: string) =>
  sentence(text).split(/(?<=\.) (?=[A-Z])/).flatMap((each) =>
    plain(each).split("\n").flatMap((line) => wrap(line))
  )
    .join("\n");

function flagItem(name: string): string {
  const { short, value, help }: Option = options[name as keyof typeof options];
  const argument = value ? ` Ar ${value}` : "";
  const letter = short ? `Fl ${short}${argument} , ` : "";
  return `.It ${letter}Fl Fl ${name}${argument}\n${prose(help)}`;
}

function actionItem(name: (typeof actionNames)[number]): string {
  const { help, details = "" }: Action = actions[name];
  const its = optionsOf(name);
  const list = its.length > 0 ? ["", ".Bl -tag -width Ds", ...its.map(flagItem), ".El"].join("\n") : "";
  return `.It Cm ${name}\n${prose(`${sentence(help)} ${details}`.trim())}${list}`;
}

const general = Object.entries(options as Record<string, Option>).filter(([, { isGeneral }]) => isGeneral);

/** The whole page.
 *
 * @param sample the sample of a configuration
 */
export function manual(sample: string): string {
  return [head(), configuration(sample), surroundings, exits(), examples].join("");
}

const head = () =>
  `.\\" Made by deno task texts from the tables of the program and the sample of a configuration.
.Dd ${date}
.Dt LETSENCRYPT-TINY 8
.Os
.Sh NAME
.Nm letsencrypt-tiny
.Nd keep certificates up to date by ACME, and their keys known to DNS
.Sh SYNOPSIS
.Nm
.Op Fl k
.Op Fl c Ar FILE
.Ar action
.Sh DESCRIPTION
.Nm
keeps certificate lines up to date.
A certificate line is a sequence of certificates, possibly for different
private keys, each the successor of the one before.
Servers point at its tip, one fixed pair of files: always the newest.
A new key is staged until DNS knows it, where that is wanted.
Nothing is printed unless something happens.
.Pp
The options are:
.Bl -tag -width Ds
${general.map(([name]) => flagItem(name)).join("\n")}
.El
.Pp
The actions are:
.Bl -tag -width Ds
${actionNames.map(actionItem).join("\n")}
.El
`;

const configuration = (sample: string) =>
  `.Sh CONFIGURATION
A value may go on over indented lines.
Lines that begin with # or ; are comments.
Paths are absolute.
The sample has every key:
.Bd -literal
${plain(sample.trimEnd())}
.Ed
`;

const surroundings = `.Sh ENVIRONMENT
Hooks are told by
.Ev LETSENCRYPT_TINY_EVENT
what has happened, and with the same prefix
.Ev CONFIG , DOMAINS , LIVE_CRT , LIVE_KEY , STAGING_CRT , STAGING_KEY
and
.Ev TLSA .
Nothing in them comes from the CA.
.Pp
With
.Ev NO_COLOR
set, no colours are used.
.Sh FILES
.Bl -tag -width Ds
.It Pa ${defaultConfig}/*.conf
Configurations, one for each certificate line.
.It Pa CERTS/live.crt , KEYS/live.key
What servers use.
.It Pa CERTS/staging.crt , KEYS/staging.key
The next pair, while one is staged.
.It Pa KEYS/.live.state.json
What is remembered between runs.
.It Pa BACKUPS
Every key and certificate that was live.
Nothing is ever deleted there.
.El
`;

const exits = () =>
  `.Sh EXIT STATUS
.Bl -tag -width "129, 130, 143"
${exitStatuses.map(([status, meaning]) => `.It ${status}\n${prose(meaning)}`).join("\n")}
.El
`;

const examples = `.Sh EXAMPLES
Begin a line, then let cron do the rest, twice a day:
.Bd -literal -offset indent
letsencrypt\\-tiny \\-c ${plain(defaultConfig)}/example.org.conf init
17 4,16 * * * root letsencrypt\\-tiny \\-k cron
.Ed
.Pp
Have monitoring told how all lines are:
.Dl letsencrypt\\-tiny status \\-\\-metrics > /var/lib/node_exporter/certificates.prom
.Sh STANDARDS
RFC 8555 (ACME), RFC 6698 and RFC 7671 (DANE), RFC 7672 (DANE for mail).
`;
