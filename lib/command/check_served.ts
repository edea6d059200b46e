/** What those who connect meet: the services of [tlsa], or without it each name on port 443. */
import type { Config } from "../config/config.ts";
import { lookAtServices, type Presented } from "../dane/served.ts";
import type { DaneConfig } from "../dane/service.ts";
import { readable } from "../errors.ts";
import type { Certificate, Line } from "../line/line.ts";
import type { World } from "../steps/session.ts";
import { isAddress } from "../x509/name.ts";
import type { Finding } from "./finding.ts";

/** Connects to each service at each of its addresses.
 *
 * @param config the configuration
 * @param line has a live certificate
 * @param world reaches resolver and services
 */
export async function servedFindings(
  config: Config,
  { live }: Line,
  world: World,
): Promise<Finding[]> {
  if (live.kind !== "certified") return [];
  const [{ readCertificate }, { encodePem }] = await Promise.all([
    import("../x509/certificate.ts"),
    import("../x509/pem.ts"),
  ]);
  const presented = await lookAtServices(config.dane ?? webServers(config), world);
  const measure = { live: live.certificate, now: world.now(), isDane: config.dane !== undefined };
  const findings = await Promise.all(presented.map(async (each) => {
    const { certificate } = each;
    const served = certificate && await readCertificate(encodePem("CERTIFICATE", certificate));
    return judge(each, served, measure);
  }));
  return findings.flat();
}

/** Where browsers go. */
function webServers({ domains }: Config): DaneConfig {
  const hosts = domains.filter((each) => !each.startsWith("*.") && !isAddress(each));
  const services = hosts.map((host) => ({
    name: `_443._tcp.${host}`,
    host,
    port: 443,
    protocol: "tls" as const,
  }));
  return { services, parameters: [], announced: false, served: true };
}

interface Measure {
  live: Certificate;
  now: Date;
  /** Whether clients go by the key alone (RFC 7671 §5.1), or by names and dates. */
  isDane: boolean;
}

function judge(
  { service: { host }, where, problem }: Presented,
  served: Certificate | undefined,
  { live, now, isDane }: Measure,
): Finding[] {
  const finding = (text: string, isCritical: boolean) => [{ text: `${where} ${text}`, isCritical }];
  if (problem || !served) return finding(`${problem}: is it up?`, false);
  if (served.serial === live.serial) return [];
  if (served.keyId !== live.keyId && isDane) return finding("serves another key: reload that server", true);
  if (served.notAfter <= now) {
    return finding(
      `serves a certificate that expired ${readable(served.notAfter)}: reload that server`,
      true,
    );
  }
  if (!covers(served.names, host)) {
    return finding(
      `serves a certificate for ${served.names.slice(0, 3).join(" ")}: is it the server of that name?`,
      true,
    );
  }
  return served.keyId === live.keyId
    ? finding(
      `serves an earlier certificate, valid until ${readable(served.notAfter)}: reload that server`,
      false,
    )
    : finding("serves another key: reload that server, or does another one answer for it?", false);
}

/** RFC 6125 §6.4.3: a wildcard stands for one label. */
const covers = (names: readonly string[], host: string): boolean =>
  names.includes(host) || names.includes(`*.${host.slice(host.indexOf(".") + 1)}`);
