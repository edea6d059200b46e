/** The same zone in Knot DNS, for its hook: one server that signs. */
import { command, type Daemon, startDaemon } from "./daemon.ts";
import { askTlsa } from "./dns.ts";
import { ttl, zoneName } from "./zone.ts";

/** Starts Knot.
 *
 * @param folder an empty one
 * @param address where it listens, port 53
 * @returns the server, and the settings of its sample hook
 */
export async function startKnot(
  folder: string,
  address: string,
): Promise<Daemon & { settings: Record<string, string> }> {
  await Deno.mkdir(folder, { recursive: true });
  const config = `${folder}/knot.conf`;
  await Deno.writeTextFile(
    config,
    `server:
  rundir: ${folder}
  listen: ${address}@53
control:
  listen: ${folder}/control
database:
  storage: ${folder}
log:
- target: stderr
  any: info
policy:
- id: one-key
  single-type-signing: on
zone:
- domain: ${zoneName}
  storage: ${folder}
  file: zone
  dnssec-signing: on
  dnssec-policy: one-key
`,
  );
  await Deno.writeTextFile(
    `${folder}/zone`,
    `$TTL ${ttl}
@ IN SOA ns1 hostmaster 1 300 300 86400 ${ttl}
@ IN NS ns1
ns1 IN A ${address}
`,
  );
  const daemon = await startDaemon(
    ["knotd", "-c", config],
    `${folder}/log`,
    async () => (await askTlsa(address, `_443._tcp.www.${zoneName}`)).code === 3,
  );
  await command("knotc", "-c", config, "status");
  return { ...daemon, settings: { zone: zoneName, ttl: String(ttl), knotc: `"knotc -b -c ${config}"` } };
}
