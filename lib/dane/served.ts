/** Whether the services serve the live key: what DANE clients will meet. */
import { DnsError, isUnroutable } from "./dns.ts";
import { printable } from "../errors.ts";
import { addresses, resolverOf } from "./resolver.ts";
import type { DaneConfig, Network, Service } from "./service.ts";

/** Waiting times between the looks at services that may still be reloading, milliseconds. */
const patience = [200, 500, 1000, 2000, 4000, 8000];

/** What one address of a service presents. */
export interface Presented {
  service: Service;
  /** Such as `mail.example.org:25 (192.0.2.1)`. */
  where: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex; absent: see `problem`. */
  keyId?: string;
  /** The end-entity certificate, DER; there with `keyId`. */
  certificate?: Uint8Array<ArrayBuffer>;
  problem?: string;
}

/** Connects to every service at each of its addresses, side by side.
 *
 * @param dane the section [tlsa]
 * @param system reaches resolver and services
 */
export async function lookAtServices(dane: DaneConfig, system: Network): Promise<Presented[]> {
  const resolver = resolverOf(dane);
  const { readKeyId } = await import("../x509/certificate.ts");
  const found = await Promise.all(dane.services.map(async (service): Promise<Presented[]> => {
    const name = `${service.host}:${service.port}`;
    let all: string[];
    try {
      all = await addresses(system, resolver, service.host);
    } catch (error) {
      if (!(error instanceof DnsError)) throw error;
      return [{ service, where: name, problem: error.message }];
    }
    const presented = await Promise.all(
      all.map(async (address): Promise<Presented & { isUnroutable?: true }> => {
        const where = `${name} (${address})`;
        try {
          const { port, host, protocol } = service;
          const der = await system.peerCertificate({ address, port }, host, protocol);
          return { service, where, keyId: await readKeyId(der), certificate: der };
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          if (isUnroutable(error, address)) {
            return { service, where, problem: "can't be reached: no route to it", isUnroutable: true };
          }
          return { service, where, problem: `can't be looked at: ${printable(why, 120)}` };
        }
      }),
    );
    // A machine without IPv6 has to do with what is served over IPv4.
    const seen = presented.filter((each) => !each.isUnroutable);
    return seen.length > 0 ? seen : presented;
  }));
  return found.flat();
}

/** Waits until every service serves a key: servers take a moment to reload.
 *
 * @param dane the section [tlsa]
 * @param keyId the live key, SHA-256 in hex
 * @param system reaches resolver and services
 * @returns why it is not served everywhere after about a quarter of a minute of waiting; empty: it is
 */
export async function awaitServed(dane: DaneConfig, keyId: string, system: Network): Promise<string[]> {
  for (const wait of [...patience, undefined]) {
    const others = (await lookAtServices(dane, system)).filter((each) => each.keyId !== keyId);
    const problems = others.map(({ where, problem }) => `${where} ${problem ?? "serves another key"}`);
    if (problems.length === 0 || wait === undefined) return problems;
    await system.sleep(wait);
  }
  return [];
}
