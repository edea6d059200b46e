/** What a run leaves undone for a good reason, so that nobody has to wonder. Pure. */
import { readable } from "../errors.ts";
import { type Situation, unstageTime } from "./decide.ts";
import { isCompromised, isLive, type Line } from "./line.ts";
import { certificateDue, heldBackUntil, newKeyReason } from "./renewal.ts";

/** Something that is left; what was asked for by hand and can't be done yet is a failure. */
export interface LeftOver {
  kind: "run.waiting" | "run.limited" | "notice";
  /** The same for the same matter, so that it is not said in each run. */
  name: string;
  text: string;
}

/** Finds what is left.
 *
 * @param situation the end of a run
 */
export function leftOver(situation: Situation): LeftOver[] {
  return [compromise, revocation, ledger].flatMap((find) => find(situation) ?? []);
}

/** A compromised key that is still live: the command says so, `cron` once a day. */
function compromise(situation: Situation): LeftOver | undefined {
  const { line, command } = situation;
  if (!isCompromised(line)) return undefined;
  return {
    kind: command === "compromise" ? "run.waiting" : "notice",
    name: "compromise",
    text: `The compromised key is still live: ${whyLive(line, situation)}`,
  };
}

function whyLive(line: Line, { config, hooks, now }: Situation): string {
  if (line.staging.kind !== "certified") return "there is no new key with a certificate yet";
  const at = unstageTime(line, { config, hooks, now });
  if (at) return `the staging key goes live after ${readable(at)}`;
  const [problem = "DNS has to know it everywhere first"] = line.observed?.problems ?? [];
  return config.dane?.announced ? `the staging key waits: ${problem}` : "the staging key waits for its hook";
}

function revocation({ line, hooks }: Situation): LeftOver | undefined {
  if (hooks || !line.due.certchange || !line.revocations.some((each) => !isLive(each, line.live))) {
    return undefined;
  }
  return {
    kind: "notice",
    name: "revocation",
    text: "the old certificate is revoked once post-certchange has run: use -k",
  };
}

/** An order that is due, and that the ledger holds back. */
function ledger(situation: Situation): LeftOver | undefined {
  const { line, command, now, progress } = situation;
  const until = heldBackUntil(situation);
  if (!until || progress.begun.some((name) => name.startsWith("obtain"))) return undefined;
  const isFirst = command === "init" && line.live.kind === "empty";
  const isKeyDue = !["init", "renew"].includes(command) && line.staging.kind === "empty" &&
    newKeyReason(situation) !== undefined;
  const due = isFirst || isKeyDue || (["live", "staging"] as const).some((slot) => {
    const each = certificateDue(slot, situation);
    return each && each.at <= now;
  });
  if (!due) return undefined;
  return {
    kind: command === "cron" ? "notice" : "run.limited",
    name: "ledger",
    text: `No certificate is asked for before ${
      readable(until)
    }: orders for these names, issued or failed, are near the CA's limits`,
  };
}
