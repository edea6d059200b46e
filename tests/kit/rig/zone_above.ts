/** The zone above, which says where the servers of the zone are: not always what the zone says itself. */
import { askTlsa } from "./dns.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { ttl, zoneName } from "./zone.ts";

/** Starts its only server.
 *
 * @param folder an empty one
 * @param address where it listens, port 53
 * @param servers addresses of the zone's servers, whose names are ns1, ns2 and so on
 * @param signers data of DS records, RFC 4034 §5: what makes the zone a signed one
 */
export async function startZoneAbove(
  folder: string,
  address: string,
  servers: readonly string[],
  signers: readonly string[] = [],
): Promise<Daemon> {
  await Deno.mkdir(folder, { recursive: true });
  const [label, above] = zoneName.split(".");
  const names = servers.map((_, i) => `ns${i + 1}.${label}`);
  await Deno.writeTextFile(
    `${folder}/zone`,
    `$TTL ${ttl}
@ IN SOA ns hostmaster 1 300 300 86400 ${ttl}
@ IN NS ns
ns IN A ${address}
${names.map((name) => `${label} IN NS ${name}`).join("\n")}
${signers.map((each) => `${label} IN DS ${each}`).join("\n")}
${names.map((name, i) => `${name} IN A ${servers[i]}`).join("\n")}
`,
  );
  await Deno.writeTextFile(
    `${folder}/named.conf`,
    `controls { };
options {
  directory "${folder}"; pid-file "${folder}/pid"; session-keyfile "${folder}/session.key";
  managed-keys-directory "${folder}"; listen-on { ${address}; }; listen-on-v6 { none; };
  query-source address ${address}; recursion no; dnssec-validation no;
};
zone ${above} { type primary; file "${folder}/zone"; notify no; };
`,
  );
  return await startDaemon(
    ["named", "-g", "-c", `${folder}/named.conf`],
    `${folder}/log`,
    async () => (await askTlsa(address, `_443._tcp.www.${above}`)).code === 3,
  );
}
