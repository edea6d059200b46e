import { assertEquals, assertThrows } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { Failure } from "../../lib/errors.ts";
import { type Command, nameOf, type Step } from "../../lib/line/decide.ts";
import type { Line, Slot } from "../../lib/line/line.ts";
import { plan } from "../../lib/line/paper.ts";
import { margin } from "../../lib/line/renewal.ts";

const hour = 3_600_000;
const day = 24 * hour;
const now = new Date("2027-01-01T00:00:00Z");
const from = (ms: number) => new Date(+now + ms);

function config(timing: Record<string, number> = {}) {
  const times = {
    "max-key-age-days": 256,
    "staging-hours": 48,
    "renew-cert-before-expiry-days": 15,
    ...timing,
  };
  const lines = Object.entries(times).map(([key, value]) => `${key} = ${value}`).join("\n");
  return parseConfig(
    `domains = b.example.org a.example.org\nkey-type = ecdsa\n[timing]\n${lines}
[acme]\naccount-key = /a/account.key\nchallenge-dir = /c
[dirs]\ncerts = /d/certs\nkeys = /d/keys\nbackups = /d/backups\n`,
    "line.conf",
  );
}

const key = (age: number) => ({
  keyId: "aa",
  keyType: { type: "ecdsa" as const, length: 256 },
  created: from(-age),
});
function certified(options: { age?: number; left?: number; life?: number; domains?: string[] } = {}): Slot {
  const { age = 100 * day, left = 60 * day, life = 90 * day } = options;
  const domains = options.domains ?? ["a.example.org", "b.example.org"];
  const notAfter = from(left);
  return {
    kind: "certified",
    key: key(age),
    certificate: {
      notAfter,
      notBefore: new Date(+notAfter - life),
      names: domains,
      keyId: "aa",
      serial: "01",
    },
  };
}
const line = (change: Partial<Line> = {}): Line => ({
  live: certified(),
  staging: { kind: "empty" },
  due: { certchange: false, keychange: false },
  isDnsKnown: true,
  isServed: true,
  hasAnnounced: false,
  outputsStale: false,
  damaged: [],
  isInterrupted: false,
  revocations: [],
  ...change,
});
const short = (step: Step) => `${nameOf(step)}${"newKey" in step ? " with a new key" : ""}`;

/** What only looks or remembers: named where a row is about it. */
const preparing = ["start-clock", "ask-dns", "confirm-served"];

interface Row {
  name: string;
  line: Partial<Line>;
  want: string[];
  command?: Command;
  timing?: Record<string, number>;
  hooks?: boolean;
  /** Whether DNS is asked before a staging key goes live. */
  gated?: boolean;
}

const emptySlot: Slot = { kind: "empty" };
const keyOnly: Slot = { kind: "key", key: key(day) };
const newKey = ["obtain staging with a new key"];
const due = { certchange: true, keychange: false };
const rows: Row[] = [
  {
    name: "init makes key and certificate of a new line",
    command: "init",
    line: { live: emptySlot },
    want: [
      "obtain live with a new key",
    ],
  },
  { name: "init keeps a key that is there", command: "init", line: { live: keyOnly }, want: ["obtain live"] },
  { name: "init does nothing twice", command: "init", line: {}, want: [] },
  { name: "renew asks for live", command: "renew", line: {}, want: ["obtain live"] },
  {
    name: "renew asks for the staged key too",
    command: "renew",
    line: { staging: certified() },
    want: [
      "obtain live",
      "obtain staging",
    ],
  },
  { name: "cron is silent when nothing is due", line: {}, want: [] },
  { name: "cron waits 1 ms before the margin", line: { live: certified({ left: 15 * day + 1 }) }, want: [] },
  { name: "cron renews at the margin", line: { live: certified({ left: 15 * day }) }, want: ["obtain live"] },
  {
    name: "cron renews an expired certificate",
    line: { live: certified({ left: -day }) },
    want: ["obtain live"],
  },
  { name: "cron gets a missing certificate", line: { live: keyOnly }, want: ["obtain live"] },
  {
    name: "cron renews when names changed",
    line: { live: certified({ domains: ["a.example.org"] }) },
    want: [
      "obtain live",
    ],
  },
  {
    name: "the margin is at most a third of 30 days",
    line: { live: certified({ life: 30 * day, left: 10 * day + 1 }) },
    want: [],
  },
  {
    name: "a third of 30 days is due",
    line: { live: certified({ life: 30 * day, left: 10 * day }) },
    want: ["obtain live"],
  },
  {
    name: "the margin is half of 6 days",
    line: { live: certified({ life: 6 * day, left: 3 * day + 1 }) },
    want: [],
  },
  {
    name: "half of 6 days is due",
    line: { live: certified({ life: 6 * day, left: 3 * day }) },
    want: ["obtain live"],
  },
  { name: "a key 1 ms too young stays", line: { live: certified({ age: 256 * day - 1 }) }, want: [] },
  {
    name: "a key of the maximal age is followed",
    line: { live: certified({ age: 256 * day }) },
    want: newKey,
  },
  {
    name: "a key that gets too old within the margin goes with a due certificate",
    line: {
      live: certified({ age: 241 * day, left: 15 * day }),
    },
    want: ["obtain live", ...newKey],
  },
  {
    name: "… but not 1 ms earlier",
    line: { live: certified({ age: 241 * day - 1, left: 15 * day }) },
    want: ["obtain live"],
  },
  {
    name: "without staging the new key goes live at once, and live needs no other certificate",
    line: {
      live: certified({ age: 256 * day, left: day }),
    },
    timing: { "staging-hours": 0 },
    want: [...newKey, "unstage"],
  },
  {
    name: "another key type asks for a new key",
    line: {
      live: { ...certified(), key: { ...key(0), keyType: { type: "rsa", length: 4096 } } } as Slot,
    },
    want: newKey,
  },
  {
    name: "a staging key without certificate gets one and blocks nothing",
    line: {
      live: certified({ left: day }),
      staging: keyOnly,
    },
    want: ["obtain live", "obtain staging"],
  },
  {
    name: "plan() waits while the staging key is young",
    line: {
      staging: certified(),
      announced: from(-48 * hour + 1),
    },
    want: [],
  },
  {
    name: "plan() unstages when the time has passed",
    line: { staging: certified(), announced: from(-48 * hour) },
    want: [
      "unstage",
    ],
  },
  {
    name: "plan() never unstages what is not announced",
    line: { staging: certified({ age: 200 * day }) },
    want: [],
  },
  {
    name: "a due key hook keeps the staging key waiting",
    line: {
      staging: certified(),
      announced: from(-100 * hour),
      due: { certchange: false, keychange: true },
    },
    want: ["run-hook keychange"],
  },
  {
    name: "a due certificate hook does so until it has succeeded",
    line: {
      live: certified({ left: day }),
      staging: certified(),
      announced: from(-100 * hour),
      due,
    },
    want: ["run-hook certchange", "unstage"],
  },
  {
    name: "what is due after unstaging is done in the same run",
    line: {
      staging: certified({ left: 14 * day }),
      announced: from(-48 * hour),
    },
    want: ["unstage", "obtain live"],
  },
  { name: "hooks that are off are not run", line: { due }, hooks: false, want: [] },
  {
    name: "live is renewed while a staging key waits",
    line: {
      live: certified({ left: day }),
      staging: certified(),
      announced: now,
    },
    want: ["obtain live"],
  },
  {
    name: "an expired staging certificate is renewed before it goes live",
    line: {
      staging: certified({ left: 0 }),
      announced: from(-48 * hour),
    },
    want: ["obtain staging", "unstage"],
  },
  {
    name: "a staging key never makes another",
    line: {
      live: certified({ age: 300 * day }),
      staging: certified(),
      announced: now,
    },
    want: [],
  },
  {
    name: "a clock set back starts the wait again",
    line: { staging: certified(), announced: from(10 * day) },
    want: [],
  },
  {
    name: "a failed run is not repeated before its time",
    line: {
      live: certified({ left: 10 * day }),
      retryAfter: from(1),
    },
    want: [],
  },
  {
    name: "… but is at its time",
    line: { live: certified({ left: 10 * day }), retryAfter: now },
    want: ["obtain live"],
  },
  {
    name: "… and in the last tenth of the life in any case",
    line: {
      live: certified({ left: 9 * day - 1 }),
      retryAfter: from(hour),
    },
    want: ["obtain live"],
  },
  {
    name: "renew by hand ignores it",
    command: "renew",
    line: { retryAfter: from(hour) },
    want: ["obtain live"],
  },
  // DNS: time alone, and the hook alone, open nothing.
  {
    name: "the gate is shut before DNS has been asked",
    gated: true,
    line: { staging: certified(), announced: from(-1000 * hour) },
    want: [],
  },
  {
    name: "the gate is shut while somebody doesn't know the key",
    gated: true,
    line: { staging: certified(), observed: { problems: ["ns1 has no TLSA for it"] } },
    want: [],
  },
  {
    name: "the gate is shut 1 ms before two TTLs have passed",
    gated: true,
    timing: { "staging-hours": 0 },
    line: { staging: certified(), observed: { at: from(1), problems: [] } },
    want: [],
  },
  {
    name: "the gate opens after two TTLs",
    gated: true,
    timing: { "staging-hours": 0 },
    line: { staging: certified(), observed: { at: from(0), problems: [] } },
    want: ["unstage"],
  },
  {
    name: "… but not before staging-hours",
    gated: true,
    line: { staging: certified(), observed: { at: from(1), problems: [] } },
    want: [],
  },
  {
    name: "… and a hook that is due comes first",
    gated: true,
    line: { staging: certified(), due, observed: { at: from(-1000 * hour), problems: [] } },
    want: ["run-hook certchange", "start-clock", "ask-dns", "unstage"],
  },
  {
    name: "with the gate a new key never goes live at once",
    gated: true,
    timing: { "staging-hours": 0 },
    line: { live: certified({ age: 300 * day }) },
    want: newKey,
  },
  {
    name: "without it, and without staging-hours, it does",
    timing: { "staging-hours": 0 },
    line: { live: certified({ age: 300 * day }) },
    want: [...newKey, "unstage"],
  },
  // What is to be revoked has to be replaced first.
  {
    name: "a condemned certificate is replaced, then revoked",
    line: { revocations: [{ serial: "01", reason: 4 }] },
    want: ["obtain live", "revoke"],
  },
  {
    name: "one that is not live any more is revoked",
    line: { revocations: [{ serial: "02", reason: 4 }] },
    want: ["revoke"],
  },
  {
    name: "after a failure that waits as well",
    line: { revocations: [{ serial: "02", reason: 4 }], retryAfter: from(hour) },
    want: [],
  },
  {
    name: "… but not where it is asked for by hand",
    command: "revoke",
    line: { revocations: [{ serial: "02", reason: 4 }], retryAfter: from(hour) },
    want: ["revoke"],
  },
  {
    name: "a compromised key makes way for a new one",
    line: { revocations: [{ keyId: "aa", reason: 1 }] },
    want: newKey,
  },
  {
    name: "a compromised key without staging is replaced and revoked at once",
    command: "compromise",
    timing: { "staging-hours": 0 },
    line: { revocations: [{ keyId: "aa", reason: 1 }], retryAfter: from(hour) },
    want: [...newKey, "unstage", "revoke"],
  },
  {
    name: "a compromised key waits for DNS, and is not revoked before",
    gated: true,
    line: {
      staging: certified(),
      observed: { problems: ["ns1"] },
      revocations: [{ keyId: "aa", reason: 1 }],
    },
    want: [],
  },
  {
    name: "a compromised key goes as soon as DNS allows, and the next is staged",
    gated: true,
    line: {
      staging: { ...certified(), key: { ...key(day), keyId: "bb" } } as Slot,
      observed: { at: from(0), problems: [] },
      revocations: [{ keyId: "aa", reason: 1 }],
    },
    want: ["start-clock", "ask-dns", "unstage", "confirm-served", ...newKey, "start-clock", "revoke"],
  },
  {
    name: "the next after a compromised one is staged as long as that one is not revoked",
    line: { revocations: [{ keyId: "bb", reason: 1 }] },
    want: [...newKey, "revoke"],
  },
  {
    name: "stale derived files come first",
    line: { outputsStale: true, due },
    want: ["write-outputs", "run-hook certchange"],
  },
];

const dane = { services: [], parameters: [], announced: true, served: true };
for (const { name, line: change, want, command = "cron", timing, hooks = true, gated } of rows) {
  Deno.test(`plan(): ${name}`, () => {
    const settings = { ...config(timing), dane: gated ? dane : undefined };
    const steps = plan(line(change), { command, config: settings, hooks, now }).map(short);
    const isExact = want.some((each) => preparing.includes(each));
    assertEquals(isExact ? steps : steps.filter((each) => !preparing.includes(each)), want);
  });
}

for (const command of ["cron", "renew"] as const) {
  Deno.test(`plan(): ${command} without a live key says what to do`, () => {
    assertThrows(
      () => plan(line({ live: emptySlot }), { command, config: config(), hooks: true, now }),
      (error: unknown) => error instanceof Failure && error.kind === "files.not-begun",
    );
  });
}

Deno.test("margin() never exceeds the share of the lifetime", () => {
  for (const life of [1, 5, 9.99, 10, 30, 45, 90, 365].map((days) => days * day)) {
    const span = { notBefore: now, notAfter: from(life) };
    assertEquals(margin(span, 15 * day) <= life / 2, true);
    assertEquals(margin(span, 0), 0);
  }
});
