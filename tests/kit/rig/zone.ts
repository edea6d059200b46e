/** A signed zone: BIND as primary, and others as secondaries that can lag or be dead. */
import { askTlsa } from "./dns.ts";
import { attempt, command, type Daemon, startDaemon } from "./daemon.ts";

/** The zone, and what can happen to it. */
export interface Zone extends AsyncDisposable {
  /** Its authoritative servers; `hidden`: one that only the zone above knows, if there is one. */
  servers: { primary: string; secondary: string; hidden?: string };
  /** The zone's DNSKEY as a file: what a validating resolver has to know. */
  anchor: string;
  /** Settings of each sample hook that works on this zone. */
  settings: { bind: Record<string, string>; nsupdate: Record<string, string> };
  /** A secondary gets no more news, and serves what it has. */
  lag(which?: Secondary): Promise<void>;
  /** A secondary gets all the news. */
  catchUp(which?: Secondary): Promise<void>;
  stopSecondary(): Promise<void>;
  startSecondary(): Promise<void>;
}

type Secondary = "secondary" | "hidden";

/** Seconds: of the TLSA records and everything else in the zone. */
export const ttl = 2;

/** The zone, below a name that is reserved for tests. */
export const zoneName = "example.test";

/** Starts both servers.
 *
 * @param folder an empty one
 * @param place addresses of the servers, and those of the names in the zone
 * @param changes how the zone is changed: by its file, or by dynamic updates (a zone that allows these can't be
 *   reloaded from its file)
 */
export async function startZone(
  folder: string,
  place: {
    primary: string;
    secondary: string;
    hidden?: string;
    nowhere: string;
    names: Record<string, string>;
  },
  changes: "file" | "updates",
): Promise<Zone> {
  const { primary, secondary, hidden, nowhere } = place;
  const servers = { primary, secondary, ...hidden ? { hidden } : {} };
  const folders = {
    primary: `${folder}/primary`,
    secondary: `${folder}/secondary`,
    hidden: `${folder}/hidden`,
  };
  for (const each of Object.values(folders)) await Deno.mkdir(each, { recursive: true });
  const keyFile = `${folder}/tsig.key`;
  await Deno.writeTextFile(keyFile, await command("tsig-keygen", "-a", "hmac-sha256", "dane-test"));
  const rndc = (server: string) => ["-q", "-s", server, "-p", "953", "-k", keyFile];
  const zoneFile = `${folders.primary}/zone`;
  const include = `${folders.primary}/tlsa`;
  // Each server alone with its files and its control channel, so that several run side by side.
  const common = (directory: string, address: string) => `
include "${keyFile}";
controls { inet ${address} port 953 allow { any; } keys { dane-test; }; };
options {
  directory "${directory}"; pid-file "${directory}/pid"; session-keyfile "${directory}/session.key";
  managed-keys-directory "${directory}"; listen-on { ${address}; }; listen-on-v6 { none; };
  notify-source ${address}; transfer-source ${address}; query-source address ${address};
  recursion no; dnssec-validation no; notify-delay 0;
};
`;
  await Deno.writeTextFile(
    `${folders.primary}/named.conf`,
    `${common(folders.primary, primary)}
dnssec-policy one-key { keys { csk lifetime unlimited algorithm ecdsap256sha256; }; dnskey-ttl ${ttl}; };
zone ${zoneName} {
  type primary; file "${zoneFile}"; dnssec-policy one-key; inline-signing yes; key-directory "${folders.primary}";
  notify explicit; also-notify { ${
      [secondary, ...hidden ? [hidden] : []].join("; ")
    }; }; allow-transfer { any; };
  ${changes === "updates" ? "allow-update { key dane-test; };" : ""}
};
`,
  );
  // A secondary that lags has a primary that is not there: news of the real one are refused as a stranger's.
  const configure = (which: Secondary, source: string) =>
    Deno.writeTextFile(
      `${folders[which]}/named.conf`,
      `${common(folders[which], servers[which]!)}
zone ${zoneName} { type secondary; file "${folders[which]}/zone"; primaries { ${source}; }; notify no; };
`,
    );
  await configure("secondary", primary);
  if (hidden) await configure("hidden", primary);
  await Deno.writeTextFile(
    zoneFile,
    `$TTL ${ttl}
@ IN SOA ns1 hostmaster (
  2026010100 ; serial
  300 300 86400 ${ttl} )
@ IN NS ns1
@ IN NS ns2
ns1 IN A ${primary}
ns2 IN A ${secondary}
${Object.entries(place.names).map(([name, address]) => `${name} IN A ${address}`).join("\n")}
${changes === "file" ? `$INCLUDE ${include}` : ""}
`,
  );
  await Deno.writeTextFile(include, "");
  const start = (which: "primary" | Secondary) =>
    startDaemon(
      ["named", "-g", "-c", `${folders[which]}/named.conf`],
      `${folders[which]}/log`,
      // There may be no records yet: NXDOMAIN. Without its zone a server says something else.
      async () => [0, 3].includes((await askTlsa(servers[which]!, `_443._tcp.www.${zoneName}`)).code),
    );
  const first: Daemon = await start("primary");
  let second: Daemon = await start("secondary");
  const third = hidden ? await start("hidden") : undefined;
  const anchor = `${folder}/anchor`;
  const key = [...Deno.readDirSync(folders.primary)].find((each) => /^K.*\.key$/.test(each.name))!;
  await Deno.copyFile(`${folders.primary}/${key.name}`, anchor);
  return {
    servers,
    anchor,
    settings: {
      bind: {
        zone: zoneName,
        file: zoneFile,
        include,
        rndc: `"rndc ${rndc(primary).join(" ")}"`,
      },
      nsupdate: { zone: zoneName, server: primary, key: keyFile, ttl: String(ttl) },
    },
    async lag(which = "secondary") {
      await configure(which, nowhere);
      await command("rndc", ...rndc(servers[which]!), "reconfig");
    },
    async catchUp(which = "secondary") {
      await configure(which, primary);
      await command("rndc", ...rndc(servers[which]!), "reconfig");
      await command("rndc", ...rndc(servers[which]!), "refresh", zoneName);
    },
    stopSecondary: () => second.stop(),
    async startSecondary() {
      second = await start("secondary");
      // What it missed it asks for only when it thinks of it.
      await attempt("rndc", ...rndc(secondary), "refresh", zoneName);
    },
    async [Symbol.asyncDispose]() {
      await third?.stop();
      await second.stop();
      await first.stop();
    },
  };
}
