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

/** Starts Apache on port 443.
 *
 * @param folder an empty one
 * @param address where it listens
 * @param files what it serves
 */
export async function startApache(folder: string, address: string, files: Files): Promise<Server> {
  await Deno.mkdir(folder, { recursive: true });
  // What apachectl reads before it does anything.
  const directories = ["RUN", "LOCK", "LOG"].map((each) => `APACHE_${each}_DIR=${folder}`);
  await Deno.writeTextFile(`${folder}/envvars`, `export APACHE_RUN_USER=www-data ${directories.join(" ")}\n`);
  await Deno.writeTextFile(
    `${folder}/apache2.conf`,
    `DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
Mutex file:${folder}
ServerName ${address}
User www-data
Group www-data
${["mpm_event", "authz_core", "ssl"].map(loadModule).join("\n")}
Listen ${address}:443
SSLEngine on
SSLCertificateFile ${files.crt}
SSLCertificateKeyFile ${files.key}
`,
  );
  const program = `env APACHE_CONFDIR=${folder} apachectl`;
  const daemon = await startDaemon(
    [...program.split(" "), "-D", "FOREGROUND"],
    `${folder}/log`,
    () => listens(address, 443),
  );
  return { ...daemon, settings: { apachectl: `"${program}"` } };
}

const loadModule = (name: string) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`;

/** Starts Dovecot, of which only IMAP over TLS, on port 993.
 *
 * @param folder an empty one that every user may enter
 * @param address where it listens
 * @param files what it serves
 */
export async function startDovecot(folder: string, address: string, files: Files): Promise<Server> {
  await Deno.mkdir(folder, { recursive: true });
  const config = `${folder}/dovecot.conf`;
  await Deno.writeTextFile(
    config,
    `base_dir = ${folder}/run
log_path = ${folder}/dovecot.log
listen = ${address}
protocols = imap
ssl = required
ssl_cert = <${files.crt}
ssl_key = <${files.key}
service imap-login {
  inet_listener imap {
    port = 0
  }
}
passdb {
  driver = static
  args = nopassword=y
}
`,
  );
  const daemon = await startDaemon(
    ["dovecot", "-F", "-c", config],
    `${folder}/log`,
    () => listens(address, 993),
  );
  return { ...daemon, settings: { doveconf: `"doveconf -c ${config}"`, doveadm: `"doveadm -c ${config}"` } };
}
