/** The probe: what the world sees of the services, ten times a second.
 *
 * For each service, each time: ask each resolver for the TLSA records, which it may have kept for up to a TTL; then
 * connect and take the certificate that is served. Both happen in this process, which costs some three milliseconds. The
 * verdict is the referee's, one process for each *distinct* pair of records and certificate that was ever seen. Once a
 * second the referee also does all of it by itself.
 *
 * Two resolvers have fetched the records at two moments; others have at others. So the probe also asks every authoritative
 * server, and holds the certificate against each set that any of them gave out within the last TTL: some cache may
 * still have it.
 */
import { askTlsa } from "./dns.ts";
import type { Referee } from "./referee.ts";
import { servedCertificate, type Service, tlsaName } from "./served.ts";

/** One probe that a client would have been lost on. */
export interface Failure {
  /** Milliseconds since the probe started. */
  at: number;
  service: string;
  /** Who has seen it. */
  seen: "by a client" | "through another cache" | "by the referee alone";
  reason: string;
}

/** What a probe found. */
export interface Report {
  /** Milliseconds. */
  duration: number;
  /** Probes of each service. */
  probes: Record<string, number>;
  /** Connections that the referee made itself. */
  connections: number;
  failures: Failure[];
}

/** A probe that runs. */
export interface Probe extends AsyncDisposable {
  /** Those so far. */
  failures: readonly Failure[];
  stop(): Promise<Report>;
}

const period = 100;

/** Starts probing.
 *
 * @param services what is probed
 * @param whom the resolvers, the authoritative servers, and the referee
 */
export function startProbe(
  services: readonly Service[],
  whom: { resolvers: readonly string[]; authorities: readonly string[]; referee: Referee },
): Probe {
  const { resolvers, authorities, referee } = whom;
  const start = performance.now();
  const report: Report = { duration: 0, probes: {}, connections: 0, failures: [] };
  const underWay = new Set<Promise<void>>();
  const fail = (service: Service, seen: Failure["seen"], reason: string, at: number) =>
    report.failures.push({ at: Math.round(at - start), service: tlsaName(service), seen, reason });

  /** Sets that a cache may hold, and until when. */
  const held = new Map<string, Map<string, number>>(services.map((each) => [tlsaName(each), new Map()]));
  async function observe(service: Service): Promise<void> {
    await Promise.all(authorities.map(async (server) => {
      try {
        const { code, records, ttl } = await askTlsa(server, tlsaName(service));
        if (code !== 0 || records.length === 0) return;
        held.get(tlsaName(service))!.set(JSON.stringify(records), performance.now() + ttl * 1000);
      } catch { /* a dead server gives out nothing */ }
    }));
  }

  async function probe(service: Service): Promise<void> {
    const at = performance.now();
    try {
      await observe(service);
      const answers = await Promise.all(resolvers.map((each) => askTlsa(each, tlsaName(service))));
      const possible = [...held.get(tlsaName(service))!].filter(([, until]) => until > performance.now());
      const certificate = await servedCertificate(service);
      for (const { isValidated, records, code } of answers) {
        const reason = code !== 0
          ? `the resolver answers with code ${code}`
          : !isValidated
          ? "the records are not validated"
          : await referee.judge(service, records, certificate);
        if (reason) return void fail(service, "by a client", reason, at);
      }
      for (const [set] of possible) {
        const reason = await referee.judge(service, JSON.parse(set), certificate);
        if (reason) return void fail(service, "through another cache", reason, at);
      }
    } catch (error) {
      fail(service, "by a client", String(error), at);
    }
  }

  async function connect(service: Service): Promise<void> {
    const at = performance.now();
    const reason = await referee.connect(service).catch(String);
    report.connections++;
    if (reason) fail(service, "by the referee alone", reason, at);
  }

  let ticks = 0;
  const tick = () => {
    for (const service of services) {
      const name = tlsaName(service);
      report.probes[name] = (report.probes[name] ?? 0) + 1;
      const work = [probe(service), ...ticks % (1000 / period) === 0 ? [connect(service)] : []];
      for (const each of work) {
        underWay.add(each);
        each.finally(() => underWay.delete(each));
      }
    }
    ticks++;
  };
  const timer = setInterval(tick, period);
  const probing = {
    failures: report.failures,
    async stop() {
      clearInterval(timer);
      report.duration ||= Math.round(performance.now() - start);
      await Promise.all(underWay);
      return report;
    },
    async [Symbol.asyncDispose]() {
      await probing.stop();
    },
  };
  return probing;
}
