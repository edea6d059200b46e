/** The servers of a certificate line: nginx with TLS, Postfix with STARTTLS. */
import { command, type Daemon, listens, startDaemon } from "./daemon.ts";

/** A server that uses the line's files. */
export interface Server extends Daemon {
  /** Settings of its sample hook. */
  settings: Record<string, string>;
}

/** Where a line's files are. */
interface Files {
  crt: string;
  key: string;
  /** Key and chain in one file. */
  both: string;
}

/** Starts nginx on port 443.
 *
 * @param folder an empty one
 * @param address where it listens
 * @param files what it serves
 */
export async function startNginx(folder: string, address: string, files: Files): Promise<Server> {
  await Deno.mkdir(folder, { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { }
http {
  access_log off; ${temporary}
  server { listen ${address}:443 ssl; ssl_certificate ${files.crt}; ssl_certificate_key ${files.key}; return 204; }
}
`,
  );
  const program = `nginx -c ${folder}/nginx.conf -e ${folder}/error.log`;
  const daemon = await startDaemon(program.split(" "), `${folder}/log`, () => listens(address, 443));
  return { ...daemon, settings: { nginx: `"${program}"` } };
}

/** Starts Postfix, of which only the server for incoming mail, on port 25.
 *
 * @param folder an empty one that every user may enter
 * @param address where it listens
 * @param files what it serves
 */
export async function startPostfix(folder: string, address: string, files: Files): Promise<Server> {
  for (const each of ["etc", "queue", "data"]) await Deno.mkdir(`${folder}/${each}`, { recursive: true });
  await command("chown", "postfix", `${folder}/data`);
  const programs = (await command("postconf", "-h", "daemon_directory")).trim();
  await Deno.writeTextFile(
    `${folder}/etc/main.cf`,
    `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
daemon_directory = ${programs}
maillog_file_prefixes = ${folder}
maillog_file = ${folder}/mail.log
inet_interfaces = ${address}
inet_protocols = ipv4
myhostname = mail.example.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = ${files.both}
`,
  );
  await Deno.writeTextFile(
    `${folder}/etc/master.cf`,
    `smtp      inet       n  -  n  -      -  smtpd
tlsmgr    unix       -  -  n  1000?  1  tlsmgr
rewrite   unix       -  -  n  -      -  trivial-rewrite
proxymap  unix       -  -  n  -      -  proxymap
anvil     unix       -  -  n  -      1  anvil
postlog   unix-dgram n  -  n  -      1  postlogd
`,
  );
  // Makes the queue's directories as well.
  await command("postfix", "-c", `${folder}/etc`, "check");
  // Its own start leaves the tests' process group; master alone does not.
  const daemon = await startDaemon(
    [`${programs}/master`, "-c", `${folder}/etc`],
    `${folder}/log`,
    () => listens(address, 25),
  );
  return { ...daemon, settings: { postfix: `"postfix -c ${folder}/etc"` } };
}
