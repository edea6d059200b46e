/** Unbound as a validating, caching resolver: what the world's clients ask. */
import { type Daemon, startDaemon } from "./daemon.ts";
import { askTlsa } from "./dns.ts";
import type { Zone } from "./zone.ts";
import { zoneName } from "./zone.ts";

/** Starts a resolver for one zone.
 *
 * @param folder an empty one
 * @param address where it listens, port 53
 * @param world `above`: the server that it begins with; `zone`: whom it trusts
 */
export async function startResolver(
  folder: string,
  address: string,
  { above, zone }: { above: string; zone: Zone },
): Promise<Daemon> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/unbound.conf`,
    `server:
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: "${folder}/pid"
  use-syslog: no
  interface: ${address}
  outgoing-interface: ${address}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  incoming-num-tcp: 100
  module-config: "validator iterator"
  trust-anchor-file: "${zone.anchor}"
  local-zone: "test." nodefault
stub-zone:
  name: ${zoneName.split(".")[1]}
  stub-addr: ${above}
remote-control:
  control-enable: no
`,
  );
  return await startDaemon(
    ["unbound", "-d", "-c", `${folder}/unbound.conf`],
    `${folder}/log`,
    async () => (await askTlsa(address, `_443._tcp.www.${zoneName}`)).isValidated,
  );
}
