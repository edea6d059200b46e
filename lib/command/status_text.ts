/** The status for people: as much as fits into 80 columns. */
import { fileName } from "../disk/names.ts";
import { readable } from "../errors.ts";
import type { SlotName } from "../line/line.ts";
import { day } from "../time.ts";
import { beside, wrap } from "./columns.ts";
import type { Run } from "./forecast.ts";
import type { SlotStatus, Status } from "./status.ts";
import { inWords } from "./step_words.ts";
import type { Colour, Part } from "./terminal.ts";
import type { Verdict } from "./verdict.ts";

const column = 15;
const colours: Record<Verdict, Colour> = { ok: "green", waiting: "yellow", "needs a hand": "red" };

/** One line at length.
 *
 * @param status what there is to know
 * @param now the time
 * @returns lines
 */
export function formatStatus(status: Status, now: Date): Part[][] {
  const { verdict, live, staging, due, next, error, lastFailure } = status;
  const days = live.certificate?.daysLeft;
  return [
    [
      `${name(status.config)}: `,
      { text: verdict, colour: colours[verdict] },
      days === undefined ? "" : `, ${left(days)}`,
    ],
    ...error ? entry("error", error) : [],
    ...lastFailure ? entry("failed", `${time(lastFailure.at)}: ${lastFailure.text}`) : [],
    ...status.notes.flatMap((each) => entry("note", each)),
    ...slot("live", live, now),
    ...slot("staging", staging, now),
    [],
    ...due.length > 0 ? due.flatMap((each) => entry("due now", inWords(each))) : entry("due now", "nothing"),
    ...next ? entry("due next", comesNext(next)) : [],
    ...live.certificate
      ? [[{
        text: "[###..|..]: # is the part of its life that is over, | where it is renewed",
        colour: "dim" as const,
      }]]
      : [],
  ];
}

/** Many lines, a row for each, and under them what is not well.
 *
 * @param all what there is to know of each
 */
export function formatTable(all: readonly Status[]): Part[][] {
  const longest = Math.max(...all.map(({ config }) => name(config).length), 4);
  const names = Math.min(longest, 32) + 2;
  const fit = (text: string) => text.length > names - 2 ? `${text.slice(0, names - 3)}…` : text;
  const rows = all.map(({ config, verdict, live: { certificate } }): Part[] => [
    fit(name(config)).padEnd(names),
    (certificate ? time(certificate.notAfter) : "-").padEnd(25),
    String(certificate?.daysLeft ?? "-").padStart(5) + "  ",
    { text: verdict, colour: colours[verdict] },
  ]);
  const reasons = all.filter(({ verdict }) => verdict !== "ok").flatMap(({ config, reasons, error }) =>
    // Why a line can't be read has been said as an error.
    reasons.filter((each) => each !== error).flatMap((each) =>
      wrap(`${name(config)}: ${each}`).map((line, i) => [i === 0 ? line : `  ${line}`])
    )
  );
  return [
    [`${"line".padEnd(names)}${"valid until".padEnd(25)} days  verdict`],
    ...rows,
    ...reasons.length > 0 ? [[], ...reasons] : [],
  ];
}

/** Why nothing was done, to somebody who ran `cron` by hand.
 *
 * @param status what there is to know
 */
export const formatCalm = ({ notes, next }: Status): Part[][] => [
  ["Nothing is due now"],
  ...notes.flatMap((each) => entry("note", each)),
  ...next ? entry("due next", comesNext(next)) : [],
];

/** What is to come, a run a line.
 *
 * @param runs those that do something
 * @param days how far they were looked for
 */
export function formatRuns(runs: readonly Run[], days: number): Part[][] {
  if (runs.length === 0) return [[`Nothing is to be done in ${count(days)}`]];
  return runs.flatMap(({ at, steps }) =>
    steps.flatMap((step, i) =>
      beside(i === 0 ? `${at.toISOString().slice(0, 16).replace("T", " ")} UTC` : "", inWords(step), 22)
    ).map((line) => [line])
  );
}

/** What `init` and `renew` have brought about.
 *
 * @param status what there is to know
 */
export function formatSummary({ live: { key, certificate }, due, next, notes }: Status): Part[][] {
  if (!key || !certificate) return [];
  return [
    [],
    ...entry("certificate", certificate.path),
    ...entry("key", key.path),
    ...entry("valid until", `${time(certificate.notAfter)}: ${left(certificate.daysLeft)}`),
    ...certificate.issuer ? entry("issued by", certificate.issuer) : [],
    ...notes.flatMap((each) => entry("note", each)),
    ...due.flatMap((each) => entry("due now", inWords(each))),
    ...next ? entry("due next", comesNext(next)) : [],
  ];
}

function slot(name: SlotName, { key, certificate }: SlotStatus, now: Date): Part[][] {
  if (!key) return [];
  const age = Math.max(Math.floor((+now - Date.parse(key.created)) / day), 0);
  const replaced = key.newKeyAfter ? `, replaced after ${time(key.newKeyAfter)}` : "";
  return [
    [],
    [name],
    ...certificate
      ? [
        ...entry("  names", certificate.domains.join(" ")),
        ...entry("  certificate", certificate.path),
        ...certificate.issuer ? entry("  issued by", certificate.issuer) : [],
        ...entry("  valid until", `${time(certificate.notAfter)}: ${left(certificate.daysLeft)}`),
        ...entry(
          "  renewed",
          Date.parse(certificate.renewAfter) > +now ? `after ${time(certificate.renewAfter)}` : "now",
        ),
        ...entry("", bar(certificate, now)),
      ]
      : entry("  certificate", "none"),
    ...entry("  key", key.path),
    ...entry("", `${key.type} ${key.length}, ${age === 0 ? "made today" : `${count(age)} old`}${replaced}`),
    ...entry("  TLSA 3 1 1", key.spkiSha256),
  ];
}

const entry = (label: string, text: string): Part[][] => beside(label, text, column).map((line) => [line]);

/** How much of a certificate's life is over, in forty characters; `|` is where it is renewed. */
function bar(certificate: NonNullable<SlotStatus["certificate"]>, now: Date): string {
  const start = Date.parse(certificate.notBefore);
  const cells = 40;
  const cell = (instant: number) =>
    Math.min(
      Math.max(Math.floor((instant - start) / (Date.parse(certificate.notAfter) - start) * cells), 0),
      cells,
    );
  const used = cell(+now);
  const renew = cell(Date.parse(certificate.renewAfter));
  return `[${Array.from({ length: cells }, (_, i) => i === renew ? "|" : i < used ? "#" : ".").join("")}]`;
}

const name = (config: string) => fileName(config).replace(/\.conf$/, "");
const count = (days: number) => days === 1 ? "1 day" : `${days} days`;
const left = (days: number) => days < 0 ? `expired ${count(-days)} ago` : `${count(days)} left`;
const time = (instant: string) => readable(new Date(instant));

/** Reasons are those of today. */
const comesNext = ({ after, due }: NonNullable<Status["next"]>): string =>
  `${time(after)}: ${due.map((each) => inWords(each.replace(/:.*/, ""))).join(", ")}`;
