/** Years of a line in seconds: the real command against the scripted CA with Let's Encrypt's limits, on a clock of its own. */
import { X509Certificate } from "node:crypto";
import { boulder } from "../kit/ca/boulder.ts";
import { letsEncryptLimits } from "../kit/ca/limits.ts";
import type { Settings, TestLine } from "../kit/line.ts";
import { type Behaviour, Refusal, type ScriptedCa } from "../kit/scripted_ca.ts";
import { Simulation } from "../kit/simulation.ts";

const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
const week = 7 * day;

/** What happens in a year beside cron. */
export interface Year {
  days: number;
  /** How often cron runs, milliseconds. */
  every: number;
  /** Of certificates, milliseconds. */
  lifetime: number;
  settings?: Settings;
  /** What happens, by the day on which it does. */
  events?: Record<number, (ca: ScriptedCa, line: TestLine) => void | Promise<unknown>>;
}

/** What the CA and the administrator saw of it. */
export interface Figures {
  orders: number;
  certificates: number;
  /** Most certificates for the names in seven days, */
  inWeek: number;
  /** most failed authorizations of a name in an hour, */
  failuresInHour: number;
  /** how often the CA had to say that it was too much. */
  limited: number;
  /** Runs that said something, as mails from cron. */
  mails: number;
  /** How long the live certificate was expired, hours. */
  expired: number;
  /** Whether there is a good certificate in the end. */
  isWell: boolean;
  /** Certificates for a stolen key that were good when the others were revoked, and were not. */
  forgotten: number;
  keys: number;
  violations: string[];
}

/** The most instants that lie within so long of each other. */
export function most(instants: readonly number[], within: number): number {
  const sorted = instants.toSorted((a, b) => a - b);
  let first = 0;
  return sorted.reduce((largest, instant, last) => {
    while (instant - sorted[first] >= within) first++;
    return Math.max(largest, last - first + 1);
  }, 0);
}

/** A line, its CA and their clock, and what is seen of them. */
class Life implements AsyncDisposable {
  mails = 0;
  expired = 0;
  limited = 0;
  readonly failures = new Map<string, number[]>();
  readonly begun: number;
  private notAfter = 0;

  private constructor(private readonly simulation: Simulation) {
    this.begun = simulation.time;
  }

  static async begin({ lifetime, settings }: Year): Promise<Life> {
    const simulation = await Simulation.begin(settings);
    const { ca } = simulation;
    const life = new Life(simulation);
    ca.use(...boulder(ca));
    ca.renewalInfo = ca.profiles = undefined; // what the line does by itself
    ca.authorizationReuse = 0;
    ca.lifetime = lifetime;
    ca.use(letsEncryptLimits(ca), life.watch());
    return life;
  }

  get ca(): ScriptedCa {
    return this.simulation.ca;
  }

  get line(): TestLine {
    return this.simulation.line;
  }

  get time(): number {
    return this.simulation.time;
  }

  private watch(): Behaviour {
    return {
      answer: async (_call, next) => {
        try {
          return await next();
        } catch (error) {
          if (error instanceof Refusal && error.answer.status === 429) this.limited++;
          throw error;
        }
      },
      validated: ({ identifier: { value }, status }) => {
        if (status !== "invalid") return;
        this.failures.set(value, [...this.failures.get(value) ?? [], this.time]);
      },
    };
  }

  /** One run; what it said is a mail. */
  async run(...args: string[]): Promise<void> {
    const { exit, out, err } = await this.line.run(...args);
    if (exit === 70) throw new Error(err.join("\n"));
    if (out.length + err.length === 0) return;
    this.mails++;
    if (out.length > 0) await this.look();
  }

  /** Which certificate is live now. */
  async look(): Promise<void> {
    const crt = await this.line.read("certs/live.crt").catch(() => undefined);
    if (crt) this.notAfter = Date.parse(new X509Certificate(crt).validTo);
  }

  /** Until the next run, which comes at its time, however long the last one took. */
  wait(every: number): void {
    const next = this.begun + (Math.floor((this.time - this.begun) / every) + 1) * every;
    if (this.notAfter < next) this.expired += next - Math.max(this.time, this.notAfter);
    this.simulation.time = next;
  }

  figures(): Figures {
    const { ca, mails, limited } = this;
    const issued = [...ca.certificates.values()];
    const sets = Map.groupBy(issued, ({ order }) => order.names.toSorted().join());
    const thefts = new Map(
      ca.revocations.filter(({ reason }) => reason === 1).toReversed()
        .map(({ certificate, revokedAt }) => [certificate.keyId, revokedAt]),
    );
    const revoked = new Set(ca.revocations.map(({ certificate }) => certificate));
    return {
      orders: ca.orders.size,
      certificates: issued.length,
      inWeek: Math.max(0, ...sets.values().map((set) => most(set.map(({ issuedAt }) => +issuedAt), week))),
      failuresInHour: Math.max(0, ...this.failures.values().map((each) => most(each, hour))),
      limited,
      mails,
      expired: Math.round(this.expired / hour),
      isWell: this.notAfter > this.time,
      forgotten:
        issued.filter((each) => each.notAfter > thefts.get(each.keyId)! && !revoked.has(each)).length,
      keys: new Set(issued.map(({ keyId }) => keyId)).size,
      violations: ca.violations,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulation[Symbol.asyncDispose]();
  }
}

/** Lets a line live through a year.
 *
 * @param year what happens in it
 * @returns what was seen of it
 */
export async function live(year: Year): Promise<Figures> {
  await using life = await Life.begin(year);
  await life.run("-k", "init");
  const events = Object.entries(year.events ?? {}).map(([at, act]) => ({
    at: life.begun + Number(at) * day,
    act,
  }));
  while (life.time < life.begun + year.days * day) {
    life.wait(year.every);
    while (events.length > 0 && events[0].at <= life.time) {
      await events.shift()!.act(life.ca, life.line);
      await life.look();
    }
    await life.run("-k", "cron");
  }
  return life.figures();
}
