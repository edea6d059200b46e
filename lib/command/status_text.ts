/** The status for people. */
import { readable } from "../errors.ts";
import type { SlotName } from "../line/renewal.ts";
import type { SlotStatus, Status } from "./status.ts";

/** Says it in lines.
 *
 * @param status what there is to know
 * @param now the time
 * @returns lines
 */
export function formatStatus(status: Status, now: Date): string[] {
  return [
    ...(["live", "staging"] as SlotName[]).flatMap((name) => formatSlot(name, status[name], now)),
    ...status.due.length > 0 ? status.due.map((each) => `due now   ${each}`) : ["due now   nothing"],
    ...status.notes.map((each) => `note      ${each}`),
  ];
}

function formatSlot(name: SlotName, { key, certificate }: SlotStatus, now: Date): string[] {
  if (!key) return name === "live" ? ["live      nothing"] : [];
  const label = (text: string) => `${text.padEnd(10)}`;
  const lines = [
    `${label(name)}${key.type} ${key.length}, made ${time(key.created)}${
      key.newKeyAfter ? `, new key after ${time(key.newKeyAfter)}` : ""
    }`,
  ];
  if (!certificate) return [...lines, `${label("")}no certificate`];
  return [
    ...lines,
    `${label("")}${certificate.domains.join(" ")}`,
    `${label("")}${bar(certificate, now)} valid until ${time(certificate.notAfter)}`,
    `${label("")}renewed after ${time(certificate.renewAfter)}`,
    `${label("")}TLSA 3 1 1 ${key.spkiSha256}`,
  ];
}

/** How much of a certificate's life is over, in twenty characters; `|` is where it is renewed. */
function bar(certificate: NonNullable<SlotStatus["certificate"]>, now: Date): string {
  const start = Date.parse(certificate.notBefore);
  const cells = 20;
  const cell = (instant: number) =>
    Math.min(
      Math.max(Math.floor((instant - start) / (Date.parse(certificate.notAfter) - start) * cells), 0),
      cells,
    );
  const used = cell(+now);
  const renew = cell(Date.parse(certificate.renewAfter));
  return `[${Array.from({ length: cells }, (_, i) => i < used ? "#" : i === renew ? "|" : ".").join("")}]`;
}

const time = (instant: string) => readable(new Date(instant));
