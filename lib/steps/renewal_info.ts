/** Asking the CA when it wants certificates to be renewed, RFC 9773: its only word that one is about to be revoked. */
import { askRenewalInfo as ask, certIdOf, chooseTime, type RenewalInfo } from "../acme/renewal_info.ts";
import { Failure, printable, readable } from "../errors.ts";
import type { SlotName } from "../line/line.ts";
import { isToCheck, type KnownWindow, windowsOf } from "../line/renewal_memory.ts";
import { day } from "../time.ts";
import { renewalInfoAt } from "./ca.ts";
import type { Session } from "./session.ts";

/** Asks about each certificate for which the last answer is no longer good. Nothing that goes wrong here fails a run.
 *
 * @param session whose pairs were read just now
 */
export async function askRenewalInfo(session: Session): Promise<void> {
  const { memory, world, files } = session;
  const now = world.now();
  const url = await findUrl(session);
  if (!url) return;
  const connection = await session.bareConnection();
  for (const slot of ["live", "staging"] as const) {
    const certificate = files[slot].crt?.certificate;
    const certId = certificate && certIdOf(certificate);
    if (!certId || certificate.notAfter <= now) continue;
    const known = memory.value.renewalInfo?.windows[certId];
    if (known && !isToCheck(known, now)) continue;
    const found = await ask(connection, { certId, renewalInfo: url });
    tell(slot, known, found, session);
    remember(certId, toKnown(known, found), session);
    if (found.failure?.kind === "ca.not-found") forgetUrl(session);
  }
}

/** Where to ask is remembered, so that a run costs one request; the CA's directory is read again after a day. */
async function findUrl(session: Session): Promise<string | undefined> {
  const { config, memory, world } = session;
  const { directory } = config.acme;
  const known = memory.value.renewalInfo;
  const isFresh = known?.directory === directory && Date.parse(known.readAt) + day > +world.now();
  if (isFresh) return known.url;
  try {
    const { directory: { renewalInfo: url } } = await session.connection();
    memory.update({ renewalInfo: renewalInfoAt(directory, url, session) });
    return url;
  } catch (failure) {
    if (!(failure instanceof Failure) || failure.area !== "ca") throw failure;
    return known?.directory === directory ? known.url : undefined; // whoever needs the CA says that it can't be reached
  }
}

function forgetUrl({ memory }: Session): void {
  const known = memory.value.renewalInfo;
  if (known) memory.update({ renewalInfo: { ...known, readAt: new Date(0).toISOString() } });
}

/** The time within a window is chosen once, and kept as long as the window stays. */
function toKnown(before: KnownWindow | undefined, { window, nextCheck, failure }: RenewalInfo): KnownWindow {
  const next = { nextCheck: nextCheck.toISOString() };
  if (!window) {
    return { ...before, ...next, failure: printable(failure?.message ?? "no answer", 300) };
  }
  const [start, end] = [window.start.toISOString(), window.end.toISOString()];
  const isSame = before?.start === start && before.end === end;
  return {
    ...next,
    ...{
      start,
      end,
      selected: isSame && before.selected ? before.selected : chooseTime(window).toISOString(),
    },
    ...window.explanationURL ? { explanationURL: window.explanationURL } : {},
  };
}

/** A window that moved earlier is one line, with the CA's reason. */
function tell(
  slot: SlotName,
  before: KnownWindow | undefined,
  { window }: RenewalInfo,
  { world }: Session,
): void {
  if (!window || !before?.start || Date.parse(before.start) <= +window.end) return;
  const why = window.explanationURL ? `: ${window.explanationURL}` : "";
  world.log(`The CA wants the ${slot} certificate renewed earlier, before ${readable(window.end)}${why}`);
}

/** What is known of certificates that are in neither slot any more goes. */
function remember(certId: string, entry: KnownWindow, { memory, files }: Session): void {
  const known = memory.value.renewalInfo!;
  const present = windowsOf(files).filter((each) => each !== certId);
  const kept = present.flatMap((each) => known.windows[each] ? [[each, known.windows[each]]] : []);
  memory.update({ renewalInfo: { ...known, windows: { ...Object.fromEntries(kept), [certId]: entry } } });
}
