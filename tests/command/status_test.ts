/** What a person and a monitor see of lines in every situation: as pictures of a terminal with 80 columns. */
import { formatMetrics } from "../../lib/command/metrics.ts";
import { type Options, type Status, status, unreadable } from "../../lib/command/status.ts";
import { forecast } from "../../lib/command/forecast.ts";
import {
  formatCalm,
  formatRuns,
  formatStatus,
  formatSummary,
  formatTable,
} from "../../lib/command/status_text.ts";
import { harmless, type Part } from "../../lib/command/terminal.ts";
import { realSystem } from "../../lib/command/world.ts";
import { parseConfig } from "../../lib/config/config.ts";
import type { Failure } from "../../lib/errors.ts";
import type { Line, Slot } from "../../lib/line/line.ts";
import { assert, assertEquals } from "../kit/assert.ts";

const day = 86_400_000;
const start = Date.parse("2027-01-01T12:00:00Z");
const now = new Date(start + 10 * day);
const at = (days: number) => new Date(start + days * day);

const config = parseConfig(
  `domains = example.org www.example.org
key-type = ecdsa
[timing]
max-key-age-days = 256
staging-hours = 48
renew-cert-before-expiry-days = 15
[acme]
account-key = /etc/ssl/private/account.key
challenge-dir = /srv/acme
[dirs]
certs = /etc/ssl/mycerts/letsencrypt
keys = /etc/ssl/private/letsencrypt
backups = /etc/ssl/old/letsencrypt
`,
  "/etc/letsencrypt-tiny/example.org.conf",
);

const certified = (letter: string, begin: number, end: number): Slot => ({
  kind: "certified",
  key: { keyId: letter.repeat(64), keyType: { type: "ecdsa", length: 256 }, created: at(begin) },
  certificate: {
    names: ["example.org", "www.example.org"],
    notBefore: at(begin),
    notAfter: at(end),
    serial: "03ab",
    keyId: letter.repeat(64),
  },
});

const calm: Line = {
  live: certified("a", 0, 90),
  staging: { kind: "empty" },
  damaged: [],
  isInterrupted: false,
  due: { certchange: false, keychange: false },
  isDnsKnown: true,
  isServed: true,
  hasAnnounced: false,
  outputsStale: false,
  revocations: [],
};

function see(change: Partial<Line>, options: Partial<Options> = {}): Status {
  const issuers = { live: "Let's Encrypt E7", staging: "Let's Encrypt E8" };
  return status({ ...calm, ...change }, { config, hooks: true, now, issuers, ...options });
}

const texts = (lines: Part[][]) =>
  lines.map((line) => line.map((part) => typeof part === "string" ? part : part.text).join(""));

Deno.test("status: a calm line", () => {
  assertEquals(
    texts(formatStatus(see({}), now)).join("\n"),
    `example.org: ok, 80 days left

live
  names        example.org www.example.org
  certificate  /etc/ssl/mycerts/letsencrypt/live.crt
  issued by    Let's Encrypt E7
  valid until  2027-04-01 12:00:00 UTC: 80 days left
  renewed      after 2027-03-17 12:00:00 UTC
               [####.............................|......]
  key          /etc/ssl/private/letsencrypt/live.key
               ecdsa 256, 10 days old, replaced after 2027-09-14 12:00:00 UTC
  TLSA 3 1 1   aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

due now        nothing
due next       2027-03-17 12:00:00 UTC: get a live certificate
[###..|..]: # is the part of its life that is over, | where it is renewed`,
  );
});

Deno.test("status: the verdict, and what it rests on", () => {
  const staging = certified("b", 9, 99);
  const { certificate: named } = certified("a", 0, 90) as Extract<Slot, { kind: "certified" }>;
  const rows: [string, Partial<Line>, number, Status["verdict"], RegExp?][] = [
    ["calm", {}, 10, "ok"],
    ["due", {}, 76, "waiting", /^obtain live: expires 2027-04-01/],
    ["late", {}, 83, "needs a hand", /^the live certificate expires 2027-04-01 12:00:00 UTC: run cron/],
    ["expired", { damaged: ["/k"] }, 91, "needs a hand", /^the live certificate expired 2027-04-01/],
    ["nothing", { live: { kind: "empty" } }, 10, "needs a hand", /^there is no live key: run init$/],
    ["damaged", { damaged: ["/k"] }, 10, "needs a hand", /^"\/k" is damaged/],
    ["interrupted", { isInterrupted: true, damaged: ["/k"] }, 10, "waiting", /^a run was interrupted/],
    [
      "names",
      {
        live: {
          ...certified("a", 0, 90),
          certificate: { ...named, names: ["example.org", "old.example.org"] },
        } as Slot,
      },
      10,
      "waiting",
      /^the certificate is not yet for www\.example\.org$/,
    ],
    ["hook", { due: { certchange: true, keychange: false } }, 10, "waiting", /^post-certchange has not/],
    ["failed", { retryAfter: at(11) }, 10, "waiting", /^an earlier run failed: .* 2027-01-12 12:00:00 UTC$/],
    ["staged", { staging, announced: at(9) }, 10, "waiting", /goes live after 2027-01-12 12:00:00 UTC$/],
    ["clock", {}, -10, "needs a hand", /^The live certificate is not valid before 2027-01-01/],
  ];
  for (const [what, change, days, verdict, reason] of rows) {
    const failures: Failure[] = [];
    const options = { config, hooks: true, now: at(days) };
    const found = status({ ...calm, ...change }, options, (failure) => failures.push(failure));
    assertEquals([what, found.verdict], [what, verdict]);
    assert(reason ? reason.test(found.reasons[0]) : found.reasons.length === 0, `${what}: ${found.reasons}`);
    assertEquals(failures.map(({ message }) => message), found.error ? [found.error] : []);
    // What is said first is what is gravest, and nothing is wider than the terminal.
    const lines = texts(formatStatus(found, at(days)));
    assert(lines[0].startsWith(`example.org: ${verdict}`), lines[0]);
    assertEquals(lines.filter((line) => line.length > 80), []);
  }
});

Deno.test("status: what is due next is not what is due already, and comes after the wait", () => {
  const waiting = see({ retryAfter: at(77) }, { now: at(76) });
  assertEquals([waiting.due, waiting.next], [[], {
    after: "2027-03-19T12:00:00Z",
    due: ["obtain live: expires 2027-04-01 12:00:00 UTC"],
  }]);
  const staged = see({ staging: certified("b", 9, 99), announced: at(9) });
  assertEquals([staged.due, staged.next], [[], { after: "2027-01-12T12:00:00Z", due: ["unstage"] }]);
  const heldBack = { cron: at(79), byHand: at(78) };
  const held = see({ heldBack }, { now: at(76) });
  assertEquals([held.verdict, held.due, held.next?.after, held.notes], [
    "waiting",
    [],
    "2027-03-21T12:00:00Z",
    [
      "no order is placed before 2027-03-21 12:00:00 UTC: it would go beyond what the CA allows",
    ],
  ]);
  assertEquals(see({ heldBack: { cron: at(20) } }).verdict, "ok");
  const due = see({}, { now: at(76) });
  assertEquals(due.next?.due.includes(due.due[0]) ?? false, false);
});

Deno.test("status: the last failure, with its time and its words", () => {
  const failure = { at: at(75), text: "The CA refused: unauthorized: www.example.org: 203.0.113.5: Timeout" };
  const found = see({ retryAfter: at(76) }, { now: at(75.5), failure });
  assertEquals(found.lastFailure, { at: "2027-03-17T12:00:00Z", text: failure.text });
  assertEquals(texts(formatStatus(found, at(75.5))).slice(0, 5), [
    "example.org: waiting, 14 days left",
    "failed         2027-03-17 12:00:00 UTC: The CA refused: unauthorized:",
    "               www.example.org: 203.0.113.5: Timeout",
    "note           an earlier run failed: the CA is left alone until 2027-03-18",
    "               12:00:00 UTC",
  ]);
});

Deno.test("status of several lines: a row for each, and under them what is not well", () => {
  const long = "a-name-that-is-longer-than-any-column-should-be.example.org";
  const all = [
    see({}),
    { ...see({}, { now: at(91) }), config: "/x/mail.example.org.conf" },
    { ...see({ live: { kind: "empty" } }), config: `/x/${long}.conf` },
    unreadable("/x/broken.conf", "said as an error"),
  ];
  assertEquals(
    texts(formatTable(all)).join("\n"),
    `line                              valid until               days  verdict
example.org                       2027-04-01 12:00:00 UTC     80  ok
mail.example.org                  2027-04-01 12:00:00 UTC     -1  needs a hand
a-name-that-is-longer-than-any-…  -                            -  needs a hand
broken                            -                            -  needs a hand

mail.example.org: the live certificate expired 2027-04-01 12:00:00 UTC: run cron
  and read what it says
${long}: there is no live
  key: run init`,
  );
});

Deno.test("after init and renew: where everything is, and what comes next", () => {
  assertEquals(
    texts(formatSummary(see({ due: { certchange: true, keychange: false } }))).join("\n"),
    `
certificate    /etc/ssl/mycerts/letsencrypt/live.crt
key            /etc/ssl/private/letsencrypt/live.key
valid until    2027-04-01 12:00:00 UTC: 80 days left
issued by      Let's Encrypt E7
note           post-certchange has not succeeded yet with these files
due now        run the hooks
due next       2027-03-17 12:00:00 UTC: get a live certificate`,
  );
});

Deno.test("cron by hand: why nothing was done, and what comes next", () => {
  const staged = see({ staging: certified("b", 9, 99), announced: at(9) });
  assertEquals(
    texts(formatCalm(staged)).join("\n"),
    `Nothing is due now
note           staging key goes live after 2027-01-12 12:00:00 UTC
due next       2027-01-12 12:00:00 UTC: the staging key goes live`,
  );
});

Deno.test("plan: the rules followed through time", () => {
  const runs = (change: Partial<Line>, options: Partial<Options>, days: number) =>
    forecast({ ...calm, ...change }, { config, hooks: true, now, ...options }, days);
  assertEquals(runs({}, {}, 60), []);
  assertEquals(texts(formatRuns([], 60)), ["Nothing is to be done in 60 days"]);
  const year = runs({}, {}, 365);
  const words = texts(formatRuns(year, 365));
  assertEquals(
    words.slice(0, 4).join("\n"),
    `2027-03-17 12:00 UTC  get a live certificate: expires 2027-04-01 12:00:00 UTC
2027-05-31 12:00 UTC  get a live certificate: expires 2027-06-15 12:00:00 UTC
2027-08-14 12:00 UTC  get a live certificate: expires 2027-08-29 12:00:00 UTC
2027-09-14 12:00 UTC  make a staging key: the live key is 256 days old`,
  );
  // It goes live after staging-hours; and never is there a gap between certificates.
  assertEquals(year.filter(({ steps }) => steps.includes("unstage")).map(({ at: each }) => +each), [
    +at(258),
  ]);
  assert(year.every(({ steps }) => steps.every((step) => !step.includes("expired"))));
  assertEquals(words.filter((line) => line.length > 80), []);
});

Deno.test("colours: on a terminal, for our own words only", () => {
  const said: string[] = [];
  const world = { ...realSystem(), log: (line: string) => void said.push(line) };
  const line: Part[] = ["\x1b[31mevil: ", { text: "ok\x1b[0m", colour: "green" }];
  harmless(world).paint(line);
  harmless(world, { isTerminal: true, hasColours: true }).paint(line);
  assertEquals(said, ["\\u{1b}[31mevil: ok\\u{1b}[0m", "\\u{1b}[31mevil: \x1b[32mok\\u{1b}[0m\x1b[0m"]);
  const colours = (found: Status) =>
    formatStatus(found, now).flat().filter((part) => typeof part !== "string");
  assertEquals(colours(see({}))[0], { text: "ok", colour: "green" });
  assertEquals(colours(see({ live: { kind: "empty" } }))[0], { text: "needs a hand", colour: "red" });
});

/** The grammar of Prometheus' text format, version 0.0.4: what was read, by name and labels. */
function readMetrics(lines: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  const types = new Set<string>();
  let open = "";
  for (const line of lines) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (comment) {
      const [, kind, name, text] = comment;
      if (kind === "HELP") assert(!/\\(?![\\n])/.test(text), line);
      else {
        assert(text === "gauge" && !types.has(name), line);
        types.add(open = name);
      }
      continue;
    }
    const label = /[a-z_]+="(?:[^"\\\n]|\\["\\n])*"/.source;
    const match = new RegExp(`^([a-z_]+)(?:\\{(${label}(?:,${label})*)\\})? (-?\\d+)$`).exec(line);
    assert(match, line);
    assertEquals(match[1], open, line);
    const id = `${match[1]}{${match[2] ?? ""}}`;
    assert(!found.has(id), line);
    found.set(id, Number(match[3]));
  }
  return found;
}

const strange = { ...see({}), config: '/x/a "quoted" \\ name\nwith a line\u202e.conf' };
const metrics = () =>
  formatMetrics([
    see({ staging: certified("b", 9, 99), announced: at(9), retryAfter: at(11) }),
    { ...see({ live: { kind: "empty" } }), config: "/x/empty.conf" },
    strange,
  ], now);

Deno.test("metrics: the text format, with the values of the status", () => {
  const found = readMetrics(metrics());
  const value = (name: string, labels: string) => found.get(`letsencrypt_tiny_${name}{${labels}}`);
  const own = `config="${config.file}"`;
  assertEquals(value("verdict", own), 1);
  assertEquals(value("verdict", 'config="/x/empty.conf"'), 2);
  assertEquals(value("certificate_not_after_seconds", `${own},slot="live"`), +at(90) / 1000);
  assertEquals(value("certificate_not_after_seconds", `${own},slot="staging"`), +at(99) / 1000);
  assertEquals(value("certificate_not_after_seconds", 'config="/x/empty.conf",slot="live"'), undefined);
  assertEquals(value("unstage_after_seconds", own), +at(11) / 1000);
  assertEquals(value("ca_wait_until_seconds", own), +at(11) / 1000);
  assertEquals(value("status_seconds", ""), +now / 1000);
  assertEquals(found.size, 24, [...found.keys()].join("\n"));
});

const python = "import sys\nfrom prometheus_client.parser import text_string_to_metric_families as parse\n" +
  "print(sum(len(family.samples) for family in parse(sys.stdin.read())))";
const hasParser = await new Deno.Command("/usr/bin/python3", {
  args: ["-c", "import prometheus_client.parser"],
  stderr: "null",
}).output().then(({ success }) => success, () => false);
if (!hasParser) {
  console.error("SKIPPED: metrics read by Prometheus' own parser need python3-prometheus-client");
}

Deno.test({
  name: "metrics: Prometheus' own parser reads them",
  ignore: !hasParser,
  async fn() {
    const child = new Deno.Command("/usr/bin/python3", {
      args: ["-c", python],
      stdin: "piped",
      stdout: "piped",
    })
      .spawn();
    await new Response(`${metrics().join("\n")}\n`).body!.pipeTo(child.stdin);
    const { stdout, success } = await child.output();
    assertEquals([success, new TextDecoder().decode(stdout).trim()], [true, "24"]);
  },
});
