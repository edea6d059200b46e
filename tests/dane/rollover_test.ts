/** The gate: two TTLs after the last moment at which a cache may have got records without the new key, by no clock's word alone. */
import fc from "../kit/fast_check.ts";
import { assert, assertEquals } from "../kit/assert.ts";
import { hour, minute } from "../../lib/time.ts";
import type { Sight } from "../../lib/dane/announced.ts";
import { elapsed, remember, shortestWait, switchAt } from "../../lib/dane/rollover.ts";
import { isRolloverMemory, type RolloverMemory } from "../../lib/dane/rollover_memory.ts";

const [web, mail] = ["_443._tcp.www.example.org", "_25._tcp.mail.example.org"];
const begin = Date.UTC(2026, 10, 1);

/** What DNS says of one service in a run. */
interface Said {
  ttl?: number;
  /** A server has no record of the new key. */
  lacks?: boolean;
  /** A server gives no answer. */
  silent?: boolean;
}

const sight = ({ ttl = 0, lacks, silent }: Said): Sight => ({
  ttl,
  missing: lacks ? ["ns1 has no TLSA for it"] : [],
  unanswered: silent ? ["ns2 gives no answer"] : [],
  records: [],
});

/** One run: when it is, and what DNS says of each service. */
interface Run {
  at: number;
  said: Record<string, Said>;
  /** The staged key; `null`: none. */
  keyId?: string | null;
  /** By how much the wall clock is wrong. */
  wrong?: number;
  /** Since when the machine is up; default: an hour before the first run. */
  boot?: number;
}

/** Goes through runs, and says after each of them when the key may go live, in milliseconds from the beginning. */
function follow(runs: Run[], { wait = shortestWait } = {}): (number | undefined)[] {
  let memory: RolloverMemory | undefined;
  return runs.map(({ at, said, keyId = "new", wrong = 0, boot = -hour }) => {
    const observation = new Map(Object.entries(said).map(([name, each]) => [name, sight(each)]));
    const clock = { wall: new Date(begin + at + wrong), uptime: at - boot };
    memory = remember(memory, observation, { clock, keyId: keyId ?? undefined });
    // What is remembered is written as JSON, and read by its schema.
    memory = JSON.parse(JSON.stringify(memory));
    assert(isRolloverMemory(memory));
    if (keyId === null) return undefined;
    const opens = switchAt(memory, { services: Object.keys(said), keyId, wait });
    return opens && +opens - begin - wrong;
  });
}

const known = { ttl: hour };
const row = (at: number, said: Said, more: Partial<Run> = {}): Run => ({
  at,
  said: { [web]: said },
  ...more,
});
const only = (at: number, ...services: [string, Said][]): Run => ({ at, said: Object.fromEntries(services) });

const rows: [what: string, runs: Run[], opens: (number | undefined)[], options?: { wait: number }][] = [
  ["nobody knows it", [row(0, { ttl: hour, lacks: true })], [undefined]],
  ["all know it: two TTLs", [row(0, known), row(hour, known), row(2 * hour, known)], Array(3).fill(2 * hour)],
  ["one server doesn't answer at first: not begun", [row(0, { ttl: hour, silent: true }), row(hour, known)], [
    undefined,
    3 * hour,
  ]],
  [
    "a server forgets it: once more from the beginning",
    [row(0, known), row(hour, { ttl: hour, lacks: true }), row(1.5 * hour, known)],
    [2 * hour, undefined, 3.5 * hour],
  ],
  [
    "a server gives no answer: this run is held up, nothing else",
    [row(0, known), row(2 * hour, { ttl: hour, silent: true }), row(2.5 * hour, known)],
    [2 * hour, undefined, 2 * hour],
  ],
  [
    "the TTL is lowered together with the record: two of the old one",
    [
      row(0, { ttl: 24 * hour }, { keyId: null }),
      row(hour, { ttl: minute }),
      row(40 * hour, { ttl: minute }),
    ],
    [undefined, 49 * hour, 49 * hour],
  ],
  [
    "the TTL is lowered while nobody has the record yet",
    [
      row(0, { ttl: 24 * hour, lacks: true }),
      row(hour, { ttl: minute, lacks: true }),
      row(3 * hour, {
        ttl: minute,
      }),
    ],
    [undefined, undefined, 51 * hour],
  ],
  [
    "the TTL was lowered twice: both are waited for",
    [
      row(0, { ttl: 48 * hour }, { keyId: null }),
      row(hour, { ttl: 24 * hour }, { keyId: null }),
      row(97 * hour, { ttl: minute }, { keyId: null }),
      row(98 * hour, { ttl: minute }),
    ],
    [undefined, undefined, undefined, 146 * hour],
  ],
  [
    "a TTL that was lowered long ago is forgotten",
    [
      row(0, { ttl: 24 * hour }, { keyId: null }),
      row(hour, { ttl: minute }, { keyId: null }),
      row(49 * hour, { ttl: minute }),
    ],
    [undefined, undefined, 49 * hour + shortestWait],
  ],
  [
    "a TTL that only a silent server gave is not taken for lowered",
    [
      row(0, { ttl: 24 * hour }, { keyId: null }),
      row(hour, { ttl: minute, silent: true }, { keyId: null }),
      row(60 * hour, { ttl: minute }),
    ],
    [undefined, undefined, 108 * hour],
  ],
  [
    "the TTL is raised together with the record",
    [row(0, { ttl: minute }, { keyId: null }), row(hour, { ttl: 10 * hour })],
    [undefined, 21 * hour],
  ],
  [
    "the TTL is lowered while the key waits: two of the old one from then on",
    [row(0, { ttl: 10 * hour }), row(5 * hour, { ttl: minute }), row(24 * hour, { ttl: minute })],
    [20 * hour, 25 * hour, 25 * hour],
  ],
  ["TTL 0: five minutes", [row(0, { ttl: 0 })], [5 * minute]],
  ["a TTL of a minute: five minutes", [row(0, { ttl: minute })], [5 * minute]],
  ["staging-hours, where they are longer", [row(0, known)], [30 * hour], { wait: 30 * hour }],
  [
    "a service that is added while a key waits begins its own wait",
    [
      only(0, [web, known]),
      only(1.9 * hour, [web, known], [mail, known]),
      only(3 * hour, [web, known], [
        mail,
        known,
      ]),
    ],
    [2 * hour, 3.9 * hour, 3.9 * hour],
  ],
  [
    "a service that is taken away and comes back brings its old TTL along",
    [
      only(0, [web, known], [mail, { ttl: 24 * hour }]),
      only(hour, [web, known]),
      only(2 * hour, [web, known], [mail, { ttl: minute }]),
    ],
    [48 * hour, 2 * hour, 50 * hour],
  ],
  [
    "of several services the last counts",
    [only(0, [web, { ttl: hour }], [mail, { ttl: 3 * hour }])],
    [6 * hour],
  ],
  [
    "another key is staged: from the beginning",
    [row(0, known), row(hour, known, { keyId: "newer" }), row(2 * hour, known)],
    [2 * hour, 3 * hour, 4 * hour],
  ],
  [
    "nothing was staged meanwhile: from the beginning",
    [row(0, known), row(hour, known, { keyId: null }), row(2 * hour, known)],
    [2 * hour, undefined, 4 * hour],
  ],
  [
    "the clock runs ten years ahead in one run: nothing gained",
    [row(0, known), row(hour, known, { wrong: 87600 * hour }), row(1.5 * hour, known)],
    [2 * hour, 2 * hour, 2.5 * hour],
  ],
  [
    "the clock ran ahead when the wait began",
    [row(0, known, { wrong: 87600 * hour }), row(hour, known), row(2 * hour, known)],
    [2 * hour, 3 * hour, 3 * hour],
  ],
  [
    "the clock was behind when the wait began: what the machine's uptime says counts",
    [row(0, known, { wrong: -87600 * hour }), row(hour, known)],
    [2 * hour, 2 * hour],
  ],
  [
    "after a boot what has passed since then counts, at most",
    [row(0, known), row(1.9 * hour, known, { boot: 1.8 * hour }), row(3 * hour, known, { boot: 1.8 * hour })],
    [2 * hour, 3.8 * hour, 3.8 * hour],
  ],
  [
    "after a boot with a clock that is ahead",
    [row(0, known), row(hour, known, { boot: 0.9 * hour, wrong: 87600 * hour })],
    [2 * hour, 2.9 * hour],
  ],
];
for (const [what, runs, opens, options] of rows) {
  Deno.test(`switchAt(): ${what}`, () => {
    const found = follow(runs, options);
    assertEquals(
      found.map((each) => each && Math.round(each) / hour),
      opens.map((each) => each && each / hour),
    );
  });
}

Deno.test("switchAt(): not without services, nor for one that nobody has looked at", () => {
  const clock = { wall: new Date(begin), uptime: hour };
  const memory = remember(undefined, new Map([[web, sight(known)]]), { clock, keyId: "new" });
  const options = { keyId: "new", wait: 0 };
  assertEquals(+switchAt(memory, { ...options, services: [web] })!, begin + 2 * hour);
  assertEquals(switchAt(memory, { ...options, services: [] }), undefined);
  assertEquals(switchAt(memory, { services: [web], keyId: "another", wait: 0 }), undefined);
  assertEquals(switchAt(memory, { ...options, services: [web, mail] }), undefined);
  assertEquals(switchAt(memory, { ...options, services: ["constructor"] }), undefined);
});

Deno.test("elapsed(): the smaller of two clocks, and never less than nothing", () => {
  const clock = (wall: number, uptime: number) => ({ wall: new Date(begin + wall), uptime });
  assertEquals(elapsed(clock(0, 100), clock(50, 150)), 50);
  assertEquals(elapsed(clock(0, 100), clock(5000, 150)), 50);
  assertEquals(elapsed(clock(0, 100), clock(50, 5000)), 50);
  assertEquals(elapsed(clock(0, 100), clock(-50, 150)), 0);
  assertEquals(elapsed(clock(0, 100), clock(500, 30)), 30);
});

/** Random lives of one service: what passes between runs, and what DNS says in each. */
const history = fc.array(
  fc.record({
    passes: fc.integer({ min: 1, max: 30 * hour }),
    ttl: fc.constantFrom(0, minute, hour, 3 * hour, 24 * hour),
    lacks: fc.boolean(),
    silent: fc.boolean(),
    keyId: fc.constantFrom("new", "new", "new", null),
    wrong: fc.constantFrom(0, 0, 0, hour, -hour, 87600 * hour, -87600 * hour),
    boots: fc.constantFrom(false, false, false, true),
  }),
  { minLength: 1, maxLength: 40 },
);
type Life = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** The same life, told run by run. */
function tell(life: Life): Run[] {
  let at = 0;
  let boot = -hour;
  return life.map(({ passes, ttl, lacks, silent, keyId, wrong, boots }) => {
    if (boots) boot = at + passes / 2;
    at += passes;
    return row(at, { ttl, lacks, silent }, { keyId, wrong, boot });
  });
}

Deno.test("property: never open within two TTLs after the last sight of a larger one, or of records without the key", () => {
  fc.assert(
    fc.property(history, (life) => {
      const runs = tell(life);
      const opens = follow(runs);
      for (const [i, { at, said }] of runs.entries()) {
        if (opens[i] === undefined || opens[i]! > at) continue;
        const current = said[web].ttl!;
        for (const { at: then, said: { [web]: { ttl = 0, lacks } } } of runs.slice(0, i)) {
          if (ttl > current || lacks) {
            assert(at - then >= 2 * ttl, `open ${at - then} ms after a TTL of ${ttl}`);
          }
          if (lacks) assert(at - then >= 2 * current && at - then >= shortestWait, "open too early");
        }
        assert(!said[web].silent && !said[web].lacks, "open where the check does not hold");
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("property: no clock that is set, and no boot, makes the wait shorter", () => {
  fc.assert(
    fc.property(history, (life) => {
      const isOpen = (runs: Run[]) => {
        const opens = follow(runs);
        return runs.map(({ at }, i) => opens[i] !== undefined && opens[i]! <= at);
      };
      const honest = isOpen(tell(life.map((each) => ({ ...each, wrong: 0, boots: false }))));
      const found = isOpen(tell(life));
      assert(found.every((open, i) => !open || honest[i]), JSON.stringify([found, honest]));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("property: it opens in the end, whatever was before, though a server misses each fourth look", () => {
  fc.assert(
    fc.property(history, (life) => {
      const before = tell(life.map((each) => ({ ...each, wrong: 0, boots: false })));
      const { at } = before.at(-1)!;
      const after = Array.from(
        { length: 30 },
        (_, i) => row(at + (i + 1) * 12 * hour, { ttl: hour, silent: i % 4 === 1 }),
      );
      const runs = [...before, ...after];
      const opens = follow(runs);
      assert(runs.some(({ at }, i) => i >= before.length && opens[i] !== undefined && opens[i]! <= at));
    }),
    { numRuns: 500 },
  );
});
