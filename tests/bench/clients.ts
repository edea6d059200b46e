/** The clients that are compared: how each is prepared and run. None is patched; each has its own defaults. */
import { makeLine, testConfig } from "../kit/line.ts";
import { openssl } from "../kit/pebble.ts";
import { type CommandLine, prepareWith } from "./measure.ts";

/** The CA as a client sees it, and a folder for what the client keeps. */
export interface Ca {
  /** URL of the ACME directory; it goes through the delay proxy, and so do all URLs that the CA returns. */
  directory: string;
  caFile: string;
  challengeDir: string;
  /** What has `challengeDir` at `.well-known/acme-challenge`, for clients that want it so. */
  webRoot: string;
  folder: string;
  root(): Promise<string>;
}

/** A run to measure. */
export interface Issuance {
  command: CommandLine;
  /** Where the certificate will be; on standard output where absent. */
  certificate?: string;
}

/** A client with an account at the CA. */
export interface Prepared {
  /** Makes ready for a certificate with these names, and tells what to run for it. */
  issue(domains: readonly string[]): Promise<Issuance>;
  /** The command that cron would run, with nothing to do; after an issuance. */
  idle?(): Promise<CommandLine>;
  /** What takes `-c FILE cron`, for one line. */
  program?: readonly string[];
  /** Makes as many certificates ready as given, and tells what cron would run, once, for all of them. */
  idleWith?(count: number): Promise<CommandLine>;
}

/** A client that can be measured. */
export interface Client {
  name: string;
  /** Debian's package. */
  package?: string;
  /** What is not its to do in the measured run, or peculiar about it. */
  given: string;
  /** Nothing where it is missing. */
  version(): Promise<string | undefined>;
  /** Registers an account, and obtains a first certificate, so that the measured runs find warm caches. */
  prepare(ca: Ca): Promise<Prepared>;
}

const csrGiven = "CSR given";

/** A certificate key and its requests. */
async function makeRequests(folder: string) {
  const key = `${folder}/cert.key`;
  await openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key);
  return {
    key,
    async csr(domains: readonly string[]): Promise<string> {
      const names = domains.map((each) => `DNS:${each}`).join();
      const path = `${folder}/${domains[0]}.csr`;
      await openssl(
        "req",
        "-new",
        "-key",
        key,
        "-subj",
        "/",
        "-addext",
        `subjectAltName=${names}`,
        "-out",
        path,
      );
      return path;
    },
  };
}

/** An account key for clients that don't make one; 2048 bits cost least to sign with. */
const makeRsaKey = (path: string) => openssl("genrsa", "-traditional", "-out", path, "2048");

async function ownFolder({ folder }: Ca, name: string): Promise<string> {
  const path = `${folder}/${name}`;
  await Deno.mkdir(path);
  return path;
}

/** Issues once, unmeasured. */
async function warmUp(prepared: Prepared, name: string): Promise<Prepared> {
  await prepareWith((await prepared.issue([`first.${name}.example.org`])).command);
  return prepared;
}

async function debianVersion(name: string): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("dpkg-query", {
      args: ["--show", "--showformat=${db:Status-Status} ${Version}", name],
      stderr: "null",
    }).output();
    const [status, version] = new TextDecoder().decode(stdout).split(" ");
    return success && status === "installed" ? version : undefined;
  } catch {
    return undefined;
  }
}

/** This program, as cron runs it from its sources; options and action follow. */
// deno-fmt-ignore
export const ourProgram: readonly string[] = [Deno.execPath(), "run", "--config", testConfig, "--allow-all",
  new URL("../../scripts/letsencrypt_tiny.ts", import.meta.url).pathname];

/** This program, from its sources. */
export const ours: Client = {
  name: "letsencrypt-tiny",
  given: "`renew` with other `domains`; it makes the CSR itself",
  version: () => Promise.resolve("this checkout"),
  async prepare(ca) {
    const domains = ["first.letsencrypt-tiny.example.org"];
    const settings = { head: "key-type = ecdsa\n", directory: ca.directory };
    const line = await makeLine(ca, { ...settings, domains });
    const [program, ...args] = ourProgram;
    const run = (action: string): CommandLine => ({ program, args: [...args, "-c", line.config, action] });
    await prepareWith(run("init"));
    return {
      async issue(domains) {
        await line.configure({ ...settings, domains: [...domains] });
        return { command: run("renew"), certificate: `${line.folder}/certs/live.crt` };
      },
      idle: () => Promise.resolve(run("cron")),
      program: ourProgram,
    };
  },
};

/** acme-tiny as the package has it, or under the Python original of this program. */
const acmeTiny: Client = {
  name: "acme-tiny",
  package: "acme-tiny",
  given: `${csrGiven}; without its self-check, which needs port 80`,
  version: () => debianVersion("acme-tiny"),
  async prepare(ca) {
    const folder = await ownFolder(ca, "acme-tiny");
    const requests = await makeRequests(folder);
    await makeRsaKey(`${folder}/account.key`);
    return await warmUp({
      async issue(domains) {
        // deno-fmt-ignore
        const args = ["--account-key", `${folder}/account.key`, "--csr", await requests.csr(domains),
          "--acme-dir", ca.challengeDir, "--directory-url", ca.directory, "--disable-check", "--quiet"];
        return { command: { program: "acme-tiny", args, env: { SSL_CERT_FILE: ca.caFile } } };
      },
    }, "acme-tiny");
  },
};

/** The program that ours replaces; `$ORIGINAL` says where it is. */
const original: Client = {
  name: "Python original",
  given: "`renew` with other `domains`; it makes the CSR itself; acme-tiny's package under it, as above",
  async version() {
    const script = Deno.env.get("ORIGINAL");
    if (!script || !await debianVersion("acme-tiny")) return undefined;
    const { success, stdout } = await new Deno.Command("git", {
      args: ["-C", script.replace(/\/[^/]*$/, ""), "log", "-1", "--format=%cs %h"],
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : "unknown";
  },
  async prepare(ca) {
    const script = Deno.env.get("ORIGINAL")!;
    const folder = await ownFolder(ca, "original");
    // Copies, since it looks for acme-tiny beside itself; only there can the CA be told to it.
    for (const name of ["letsencrypt-tiny", "certcheck.py", "gencsr"]) {
      await Deno.copyFile(new URL(name, `file://${script}`), `${folder}/${name}`);
    }
    await Deno.mkdir(`${folder}/acme-tiny`);
    await Deno.writeTextFile(
      `${folder}/acme-tiny/acme_tiny.py`,
      `import sys
del sys.path[0]
import acme_tiny
sys.argv += ["--disable-check", "--directory-url", "${ca.directory}"]
acme_tiny.main()
`,
    );
    await Deno.mkdir(`${folder}/keys`);
    await makeRsaKey(`${folder}/account.key`);
    await Deno.rename((await makeRequests(folder)).key, `${folder}/keys/live.key`);
    const run = (action: string): CommandLine => ({
      program: `${folder}/letsencrypt-tiny`,
      args: ["-c", `${folder}/line.conf`, action],
      env: { SSL_CERT_FILE: ca.caFile },
    });
    const configure = (domains: readonly string[]) =>
      Deno.writeTextFile(
        `${folder}/line.conf`,
        `domains =\n${domains.map((each) => `  ${each}\n`).join("")}
[timing]
max-key-age-days = 256
renew-cert-before-expiry-days = 15
[hooks]
[acme]
account-key = ${folder}/account.key
challenge-dir = ${ca.challengeDir}
[dirs]
certs = ${folder}/certs
keys = ${folder}/keys
backups = ${folder}/backups
[files]
live = live
staging = staging
`,
      );
    await configure(["first.original.example.org"]);
    await prepareWith(run("init"));
    return {
      async issue(domains) {
        await configure(domains);
        return { command: run("renew"), certificate: `${folder}/certs/live.crt` };
      },
      idle: () => Promise.resolve(run("cron")),
      program: [`${folder}/letsencrypt-tiny`],
    };
  },
};

const uacme: Client = {
  name: "uacme",
  package: "uacme",
  given: `${csrGiven}; its own web-root hook; in a mount namespace, which costs it 10 ms`,
  version: () => debianVersion("uacme"),
  async prepare(ca) {
    const folder = await ownFolder(ca, "uacme");
    const requests = await makeRequests(folder);
    // Its TLS library reads one file that no option changes: in its own mount namespace that is ours.
    const trusting = (args: string[]): CommandLine => ({
      program: "unshare",
      // deno-fmt-ignore
      args: [Deno.uid() === 0 ? "-m" : "-rm", "sh", "-c", 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"',
        ca.caFile, "uacme", "-y", "-c", `${folder}/state`, "-a", ca.directory, ...args],
      env: { UACME_CHALLENGE_PATH: ca.challengeDir },
    });
    await prepareWith(trusting(["new"]));
    return await warmUp({
      async issue(domains) {
        const csr = await requests.csr(domains);
        return {
          command: trusting(["-h", "/usr/share/uacme/uacme.sh", "issue", csr]),
          certificate: csr.replace(/\.csr$/, "-cert.pem"),
        };
      },
    }, "uacme");
  },
};

const certbot: Client = {
  name: "certbot",
  package: "certbot",
  given: `${csrGiven}; \`--webroot\``,
  version: () => debianVersion("certbot"),
  async prepare(ca) {
    const folder = await ownFolder(ca, "certbot");
    const requests = await makeRequests(folder);
    const run = (...args: string[]): CommandLine => ({
      program: "certbot",
      // deno-fmt-ignore
      args: [...args, "--quiet", "--non-interactive", "--server", ca.directory,
        "--config-dir", `${folder}/config`, "--work-dir", `${folder}/work`, "--logs-dir", `${folder}/logs`],
      env: { REQUESTS_CA_BUNDLE: ca.caFile },
    });
    const lineage = "idle.certbot.example.org";
    const certonly = ["certonly", "--webroot", "--webroot-path", ca.webRoot];
    await prepareWith(run("register", "--agree-tos", "--register-unsafely-without-email"));
    return await warmUp({
      async issue(domains) {
        const csr = await requests.csr(domains);
        const certificate = `${csr}.fullchain`;
        // deno-fmt-ignore
        const paths = ["--csr", csr, "--cert-path", `${csr}.crt`, "--chain-path", `${csr}.chain`, "--fullchain-path", certificate];
        return { command: run(...certonly, ...paths), certificate };
      },
      async idle() {
        // It renews what it has obtained by name, not by CSR.
        await prepareWith(run(...certonly, "--key-type", "ecdsa", "-d", lineage));
        return run("renew");
      },
      async idleWith(count) {
        await cloneLineages(`${folder}/config`, lineage, count);
        return run("renew");
      },
    }, "certbot");
  },
};

/** Copies one of certbot's certificates, until there are as many as asked for.
 *
 * @param config its `--config-dir`
 * @param name of the one that is there
 * @param count how many there are to be
 */
async function cloneLineages(config: string, name: string, count: number): Promise<void> {
  const renewal = await Deno.readTextFile(`${config}/renewal/${name}.conf`);
  for (let number = 2; number <= count; number++) {
    const copy = `${number}.${name}`;
    try {
      await Deno.mkdir(`${config}/archive/${copy}`);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      throw error;
    }
    await Deno.mkdir(`${config}/live/${copy}`);
    for (const part of ["cert", "chain", "fullchain", "privkey"]) {
      await Deno.copyFile(`${config}/archive/${name}/${part}1.pem`, `${config}/archive/${copy}/${part}1.pem`);
      await Deno.symlink(`../../archive/${copy}/${part}1.pem`, `${config}/live/${copy}/${part}.pem`);
    }
    await Deno.writeTextFile(`${config}/renewal/${copy}.conf`, renewal.replaceAll(name, copy));
  }
}

const dehydrated: Client = {
  name: "dehydrated",
  package: "dehydrated",
  given: csrGiven,
  version: () => debianVersion("dehydrated"),
  async prepare(ca) {
    const folder = await ownFolder(ca, "dehydrated");
    const requests = await makeRequests(folder);
    await Deno.writeTextFile(
      `${folder}/config`,
      `CA=${ca.directory}
WELLKNOWN=${ca.challengeDir}
BASEDIR=${folder}
CURL_OPTS="--cacert ${ca.caFile}"
`,
    );
    const run = (...args: string[]): CommandLine => ({
      program: "dehydrated",
      args: ["--config", `${folder}/config`, ...args],
    });
    await prepareWith(run("--register", "--accept-terms"));
    return await warmUp({
      issue: async (domains) => ({ command: run("--signcsr", await requests.csr(domains)) }),
    }, "dehydrated");
  },
};

const lego: Client = {
  name: "lego",
  package: "lego",
  given: csrGiven,
  version: () => debianVersion("lego"),
  async prepare(ca) {
    const folder = await ownFolder(ca, "lego");
    const requests = await makeRequests(folder);
    return await warmUp({
      async issue(domains) {
        // deno-fmt-ignore
        const args = ["--path", folder, "--server", ca.directory, "--accept-tos", "--email", "nobody@example.org",
          "--csr", await requests.csr(domains), "--http", "--http.webroot", ca.webRoot, "run"];
        return {
          command: { program: "lego", args, env: { LEGO_CA_CERTIFICATES: ca.caFile } },
          certificate: `${folder}/certificates/${domains[0]}.crt`,
        };
      },
    }, "lego");
  },
};

/** In the order of tables. */
export const clients: readonly Client[] = [ours, acmeTiny, original, uacme, certbot, dehydrated, lego];
