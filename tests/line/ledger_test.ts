/** What the ledger holds back, what it finds under way, and what it forgets. */
import { assertEquals } from "../kit/assert.ts";
import { hasDelayedEnough, heldBack, openOrder, withEntry } from "../../lib/line/ledger.ts";
import { emptyMemory } from "../../lib/line/memory.ts";
import type { LedgerEntry } from "../../lib/line/schema.ts";

const hour = 3_600_000;
const day = 24 * hour;
const now = new Date("2027-03-01T00:00:00Z");
const directory = "https://ca.example/directory";
const names = ["a.example", "b.example"];
let made = 0;

const entry = (
  ago: number,
  outcome: LedgerEntry["outcome"],
  change: Partial<LedgerEntry> = {},
): LedgerEntry => ({
  at: new Date(+now - ago).toISOString(),
  slot: "live",
  directory,
  names,
  url: `https://ca.example/order/${++made}`,
  tokens: [],
  delays: 0,
  outcome,
  ...change,
});

/** Hours from now until the next order may be placed: by itself, and by hand. */
const wait = (...orders: LedgerEntry[]) => {
  const { cron, byHand } = heldBack(orders, { directory, names, now });
  return [cron, byHand].map((each) => each && (+each - +now) / hour);
};
const free = [undefined, undefined];
const installed = (...days: number[]) => days.map((each) => entry(each * day, "installed"));
const failed = (...minutes: number[]) => minutes.map((each) => entry(each * hour / 60, "failed"));

const cases: [what: string, orders: LedgerEntry[], expected: (number | undefined)[]][] = [
  ["nothing", [], free],
  ["three certificates in a week", installed(1, 2, 3), free],
  ["four in a week: the oldest of them counts", installed(1, 2, 3, 5), [48, 48]],
  ["five in a week: two have to go", installed(1, 2, 3, 5, 6), [48, 48]],
  ["four, one of them a week old to the hour", installed(1, 2, 3, 7), free],
  ["four, that our checks refused", [1, 2, 3, 4].map((each) => entry(each * day, "refused")), [72, 72]],
  ["four, in another order of names", [
    ...installed(1, 2, 3),
    entry(4 * day, "installed", { names: names.toReversed() }),
  ], [72, 72]],
  [
    "four, one for other names",
    [...installed(1, 2, 3), entry(day, "installed", { names: ["a.example"] })],
    free,
  ],
  [
    "four, one of another CA",
    [...installed(1, 2, 3), entry(day, "installed", { directory: "https://b/" })],
    free,
  ],
  ["four, one given up", [...installed(1, 2, 3), entry(day, "given-up")], free],
  ["four, one still open", [...installed(1, 2, 3), entry(hour, "open")], free],
  ["four, one from the future", [...installed(1, 2, 3), entry(-day, "installed")], free],
  ["one failure: a person may try again", failed(15), [0.75, undefined]],
  ["three failures", failed(6, 12, 18), [0.9, undefined]],
  ["four failures", failed(6, 12, 18, 30), [0.9, 0.5]],
  ["a failure an hour ago", failed(60), free],
  ["a failure of one of the names", [entry(hour / 2, "failed", { names: ["b.example", "c.example"] })], [
    0.5,
    undefined,
  ]],
  ["a failure of other names", [entry(hour / 2, "failed", { names: ["c.example"] })], free],
  ["both: the longer wait counts", [...installed(1, 2, 3, 5), ...failed(6)], [48, 48]],
];
for (const [what, orders, expected] of cases) {
  Deno.test(`heldBack(): ${what}`, () => assertEquals(wait(...orders), expected));
}

Deno.test("openOrder() finds the one of the slot that is under way, and two runs are enough", () => {
  const orders = [entry(2 * hour, "failed"), entry(hour, "open", { slot: "staging" }), entry(hour, "open")];
  assertEquals(openOrder({ ...emptyMemory, orders }, "live"), orders[2]);
  assertEquals(openOrder({ ...emptyMemory, orders: orders.slice(0, 2) }, "live"), undefined);
  assertEquals([0, 1, 2, 3].map((delays) => hasDelayedEnough(entry(0, "open", { delays }))), [
    false,
    false,
    true,
    true,
  ]);
});

Deno.test("withEntry() keeps a week and a day, what is under way longer, and each order once", () => {
  const [old, open, recent] = [
    entry(9 * day, "installed"),
    entry(9 * day, "open"),
    entry(7.5 * day, "installed"),
  ];
  const changed = { ...recent, outcome: "refused" as const };
  assertEquals(withEntry([old, open, recent], changed, now), [open, changed]);
});
