/** A year of cron, undisturbed and with faults: what the CA gets to see of it, and the administrator. */
import { assertEquals } from "../kit/assert.ts";
import { webRoot } from "../kit/ca/validation.ts";
import { refuse, type ScriptedCa } from "../kit/scripted_ca.ts";
import type { TestLine } from "../kit/line.ts";
import { isWhole } from "../crash/extent.ts";
import { day, type Figures, hour, live, most, type Year } from "./years.ts";

const cadences = { "twice a day": 12 * hour, "hourly": hour, "each five minutes": hour / 12 };
const lifetimes = { "90 days": 90 * day, "64 days": 64 * day, "45 days": 45 * day, "160 hours": 160 * hour };

interface Scenario extends Pick<Year, "settings" | "events"> {
  what: string;
  /** Whether the certificate may expire meanwhile. */
  isDown?: true;
}

/** From the fortieth day on, for a hundred days: longer than any certificate lives. */
const fault = (what: string, begin: (ca: ScriptedCa) => void): Scenario => ({
  what,
  isDown: true,
  events: {
    40: begin,
    140: (ca) => {
      ca.fault = ca.content = undefined;
      ca.validators = { "http-01": webRoot(ca.challengeDir) };
    },
  },
});
const staging = { "max-key-age-days": "100", "staging-hours": "48" };
const stolen = (ca: ScriptedCa, line: TestLine) => line.run("-k", "compromise").then(() => void ca);

const scenarios: Scenario[] = [
  { what: "nothing happens" },
  { what: "keys are staged", settings: { timing: staging } },
  { what: "a key is stolen", settings: { timing: staging }, events: { 60: stolen } },
  { what: "a key is stolen, and nothing is staged", events: { 60: stolen } },
  fault("a certificate that is refused", (ca) => {
    ca.content = (content) => ({ ...content, domains: [...content.domains!, "evil.example"] });
  }),
  fault("404 at the download", (ca) => {
    ca.fault = ({ kind, answer }) => kind === "certificate" && void refuse(404, "malformed")(answer);
  }),
  fault("a wrong web root", (ca) => {
    ca.validators = { "http-01": () => "404" };
  }),
  fault("the CA is down", (ca) => {
    ca.fault = ({ answer }) => void refuse(503, "serverInternal")(answer);
  }),
];

/** What must hold in any year. */
const expectations: Record<string, (seen: Figures, scenario: Scenario) => boolean> = {
  "at most four certificates in seven days": ({ inWeek }) => inWeek <= 4,
  "at most one failed authorization of a name in an hour": ({ failuresInHour }) => failuresInHour <= 1,
  "the CA never has to say that it is too much": ({ limited }) => limited === 0,
  "the certificate never expires, unless a fault lasts": ({ expired }, { isDown }) =>
    expired === 0 || isDown === true,
  "all is well in the end, without a hand": ({ isWell }) => isWell,
  "no certificate for a stolen key is forgotten": ({ forgotten }) => forgotten === 0,
  "every request is right": ({ violations }) => violations.length === 0,
};

interface Point {
  scenario: Scenario;
  cadence: keyof typeof cadences;
  lifetime: keyof typeof lifetimes;
}
const keys = <T extends object>(of: T) => Object.keys(of) as (keyof T)[];
const whole: Point[] = scenarios.flatMap((scenario) =>
  keys(cadences).flatMap((cadence) => keys(lifetimes).map((lifetime) => ({ scenario, cadence, lifetime })))
);
// One of each, since a year with a run each five minutes takes minutes itself.
const some: Point[] = scenarios.map((scenario, i) => ({
  scenario,
  cadence: "twice a day",
  lifetime: keys(lifetimes)[i % 4],
}));

for (const { scenario, cadence, lifetime } of isWhole ? whole : some) {
  Deno.test(`a year: ${scenario.what}; cron ${cadence}; ${lifetime}`, async () => {
    const seen = await live({
      days: 365,
      every: cadences[cadence],
      lifetime: lifetimes[lifetime],
      settings: scenario.settings,
      events: scenario.events,
    });
    const { orders, certificates, inWeek, failuresInHour, limited, mails, expired } = seen;
    if (Deno.env.get("SWEEP")) {
      const row = [orders, certificates, inWeek, failuresInHour, limited, expired, mails];
      console.log(`| ${scenario.what} | ${cadence} | ${lifetime} | ${row.join(" | ")} |`);
    }
    const broken = Object.entries(expectations).filter(([, holds]) => !holds(seen, scenario));
    assertEquals(broken.map(([what]) => what), [], JSON.stringify(seen));
  });
}

Deno.test("the most within so long of each other", () => {
  assertEquals(most([], 10), 0);
  assertEquals(most([0, 10, 20], 10), 1);
  assertEquals(most([0, 9, 20, 21, 22], 10), 3);
});
