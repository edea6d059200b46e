/** Meets a fault, and judges the run that met it and the one after it. */
import { contents, type Outcome, type TestLine } from "../../kit/line.ts";
import type { RequestKind, ScriptedCa } from "../../kit/scripted_ca.ts";
import type { Row } from "./fault.ts";

/** What the CA has counted between two moments. */
interface Count {
  requests: number;
  orders: number;
  issued: number;
}

/** A run with a fault in the way, and the next without. */
interface Meeting {
  row: Row;
  kind: RequestKind;
  struck: number;
  first: Outcome & Count;
  next: Outcome;
  both: Count;
  /** Files of the line that differ after the first run. */
  changed: string[];
  /** What lies in the web root after the first run. */
  challengeFiles: string[];
  /** What became of the first order. */
  order?: string;
  /** Orders that are under way after both runs, as far as the line remembers. */
  open: string[];
  /** What the CA found wrong with the requests. */
  violations: string[];
}

const isOne = (err: string[]) =>
  err[0]?.startsWith("error: ") && (err.length === 1 || err.length === 2 && err[1].startsWith("hint: "));
const failed = ({ first }: Meeting) => first.exit !== 0;

/** What must hold, whatever the fault: nothing, or what contradicts it. */
const expectations: Record<string, (meeting: Meeting) => unknown> = {
  "the fault strikes": ({ struck }) => struck === 0 && "it never did",
  "it ends as the row says": ({ row, kind, first }) => {
    // Whether finalizing was heard, only the order knows: it is read again.
    const exits = kind === "finalize" && !row.isOutside ? [0] : row.exits;
    return !exits.includes(first.exit) && `exit ${first.exit}: ${first.err.join(" / ")}`;
  },
  "it says what the row says": (meeting) => {
    const { row: { says }, first: { err } } = meeting;
    return failed(meeting) && says && !says.test(err.join("\n")) && err.join(" / ");
  },
  "a failure is one error, and at most one hint": (meeting) =>
    failed(meeting) && !isOne(meeting.first.err) && meeting.first.err.join(" / "),
  "success is silent on standard error": (meeting) =>
    !failed(meeting) && meeting.first.err.length > 0 && meeting.first.err.join(" / "),
  "a failure leaves every file as it was": (meeting) => {
    const { row: { isRefused }, changed } = meeting;
    const unexpected = isRefused ? changed.filter((path) => !path.includes("/backups")) : changed;
    return failed(meeting) && unexpected.join();
  },
  "what was issued and refused is kept": ({ row, changed }) => row.isRefused && changed.length === 0,
  "no raw bytes reach the terminal": ({ first: { out, err } }) =>
    [...out, ...err].find((text) => /[^\x20-\x7e\u00a0-\uffff]/.test(text)),
  "requests are few": ({ row, first }) => first.requests > (row.requests ?? 60) && first.requests,
  "there is one order": ({ first }) => first.orders > 1 && first.orders,
  "no challenge file stays": ({ challengeFiles }) => challengeFiles.join(),
  "the next run succeeds, and says no more": ({ next: { exit, err } }) =>
    (exit !== 0 || err.length > 0) && `${exit} ${err.join(" / ")}`,
  "the next run takes up the order, unless there is nothing to take up": (meeting) => {
    const { row, kind, order, both } = meeting;
    const isNew = !failed(meeting) || row.isLost || row.isRefused || kind === "newOrder" && !row.isOutside ||
      order === "invalid"; // the CA looked for the challenge too late
    return both.orders > (isNew ? 2 : 1) && both.orders;
  },
  "what was issued in the first run is fetched in the second": (meeting) => {
    const { row, both: { issued } } = meeting;
    return issued > (failed(meeting) && !row.isRefused ? 1 : 2) && issued;
  },
  "nothing is under way in the end": ({ open }) => open.join(),
  "the CA found nothing wrong": ({ violations }) => violations.join(),
};

/** Tells what contradicts the expectations.
 *
 * @returns one line for each
 */
export const judge = (meeting: Meeting): string[] =>
  Object.entries(expectations).flatMap(([what, contradiction]) => {
    const found = contradiction(meeting);
    return found ? [`${what}: ${found}`] : [];
  });

const hour = 3_600_000;

/** Renews with a fault in the way, then without: weeks after the last time, so that nothing is held back. */
export async function meet(ca: ScriptedCa, line: TestLine, row: Row, kind: RequestKind): Promise<Meeting> {
  if (kind === "newAccount") await forgetAccount(line);
  line.offset += 9 * 24 * hour;
  const before = contents(line);
  const begin = countOf(ca);
  const wasHit = obstruct(ca, row, kind);
  const run = await line.run("renew");
  const struck = wasHit();
  const first = { ...run, ...since(ca, begin) };
  const changed = difference(before, contents(line));
  const challengeFiles = [...Deno.readDirSync(ca.challengeDir)].map(({ name }) => name);
  line.offset += 2 * hour;
  const next = await line.run("renew");
  const order = [...ca.orders.values()].at(begin.orders)?.status;
  const violations = ca.violations.splice(0);
  const both = since(ca, begin);
  const open = await openOrders(line);
  return { row, kind, struck, first, next, both, changed, challengeFiles, order, open, violations };
}

/** Paths whose description is in one list only. */
function difference(before: string, after: string): string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const lines = [...old.filter((each) => !now.includes(each)), ...now.filter((each) => !old.includes(each))];
  return [...new Set(lines.map((each) => each.split(" ")[0]))];
}

/** Puts the fault in the way; the result takes it away again, and tells how often it struck. */
function obstruct(ca: ScriptedCa, row: Row, kind: RequestKind): () => number {
  let struck = 0;
  const strikes = (each: RequestKind) => each === kind && struck < (row.times ?? Infinity);
  if (row.isOutside) ca.intercepts = strikes;
  ca.fault = (exchange) => {
    if (!strikes(exchange.kind)) return;
    struck++;
    return row.strike(exchange.answer, exchange);
  };
  return () => {
    ca.fault = ca.intercepts = undefined;
    return struck;
  };
}

async function openOrders(line: TestLine): Promise<string[]> {
  const { orders } = JSON.parse(await line.read("keys/.live.state.json"));
  return orders.filter((each: { outcome: string }) => each.outcome === "open")
    .map((each: { url: string }) => each.url);
}

/** Without an account to remember, newAccount is asked for as well. */
async function forgetAccount({ folder }: TestLine): Promise<void> {
  const path = `${folder}/keys/.live.state.json`;
  const { account: _, ...state } = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify(state));
}

const countOf = (ca: ScriptedCa): Count => ({
  requests: ca.requests.length,
  orders: ca.orders.size,
  issued: ca.issued,
});

function since(ca: ScriptedCa, begin: Count): Count {
  const now = countOf(ca);
  return {
    requests: now.requests - begin.requests,
    orders: now.orders - begin.orders,
    issued: now.issued - begin.issued,
  };
}
