/** The programs that tests are made with: looked for, and installed where that is possible. */

/** The checkout. */
export const root = new URL("../..", import.meta.url).pathname;

/** Runs a program in the checkout.
 *
 * @returns its exit status; as the shell does, 127 where there is no such program
 */
export async function run(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<number> {
  try {
    const { code } = await new Deno.Command(program, { args, env, cwd: root, stdin: "null" }).spawn().status;
    return code;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 127;
    throw error;
  }
}

/** Whether a program starts. */
async function starts(name: string): Promise<boolean> {
  try {
    await new Deno.Command(name, { args: ["-help"], stdin: "null", stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

let isListFresh = false;

/** Installs Debian's packages, where this is Debian and we are root; without starting the servers in them, now or at the
 * next boot: the tests start their own. What the packages would do that with is put out of their sight. */
async function install(...packages: string[]): Promise<void> {
  if (Deno.uid() !== 0) return;
  console.error(`Installing Debian's packages: ${packages.join(" ")}`);
  const apt = (...args: string[]) => run("apt-get", ["-qq", ...args], { DEBIAN_FRONTEND: "noninteractive" });
  if (!isListFresh) isListFresh = await apt("update") === 0;
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-apt-" });
  for (const name of ["invoke-rc.d", "update-rc.d", "deb-systemd-invoke", "deb-systemd-helper"]) {
    await Deno.writeTextFile(`${folder}/${name}`, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  }
  const path = `DPkg::Path=${folder}:/usr/sbin:/usr/bin:/sbin:/bin`;
  // Nothing that is here may have to go for it, such as another mail server.
  await apt("-o", path, "install", "-y", "--no-install-recommends", "--no-remove", ...packages);
  await Deno.remove(folder, { recursive: true });
}

/** What some tests are made with, by a program of each of Debian's packages. */
const tools: Record<string, string> = {
  "strace": "strace",
  "tlsa": "hash-slinger",
  "mandoc": "mandoc",
  "zsh": "zsh",
  "fish": "fish",
};
/** The servers that key rollovers are tried with: a machine of somebody's own gets them only where they are asked for. */
const servers: Record<string, string> = {
  "named": "bind9",
  "nsupdate": "bind9-dnsutils",
  "unbound": "unbound",
  "knotd": "knot",
  "ldns-dane": "ldnsutils",
  "nginx": "nginx",
  "apache2": "apache2",
  "postfix": "postfix",
  "dovecot": "dovecot-imapd",
  "mkfs.xfs": "xfsprogs",
  "mkfs.btrfs": "btrfs-progs",
  "ip": "iproute2",
};

/** Looks for them, and installs those that are missing, where that is possible; what is still missing, tests skip.
 *
 * @param isAll whether servers are asked for
 */
export async function findTestTools(isAll: boolean): Promise<void> {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
  const isThere = (program: string) =>
    folders.some((folder) => {
      try {
        return Deno.statSync(`${folder}/${program}`).isFile;
      } catch {
        return false;
      }
    });
  const all = { ...tools, ...servers };
  const wanted = isAll || Deno.env.get("CI") ? all : tools;
  const missing = (packages: typeof all) => Object.keys(packages).filter((program) => !isThere(program));
  if (missing(wanted).length > 0) await install(...missing(wanted).map((program) => wanted[program]));
  for (const program of missing(all)) {
    console.error(`Tests that need ${program} are SKIPPED: install Debian's package ${all[program]}`);
  }
}

/** Finds the test CA: $PEBBLE, the PATH, Debian's package as root, Go; or says what to install. */
export async function findPebble(): Promise<string> {
  const given = Deno.env.get("PEBBLE");
  const goBin = `${Deno.env.get("GOPATH") ?? `${Deno.env.get("HOME")}/go`}/bin/pebble`;
  const isPebble = async (program: string) =>
    await starts(program) && await starts(`${program}-challtestsrv`);
  const candidates = [...given ? [given] : [], "pebble", goBin];
  for (const candidate of candidates) if (await isPebble(candidate)) return candidate;
  await install("pebble");
  if (await isPebble("pebble")) return "pebble";
  const source = "github.com/letsencrypt/pebble/v2/cmd";
  if (
    await run("go", ["install", `${source}/pebble@v2.10.1`, `${source}/pebble-challtestsrv@v2.10.1`]) === 0
  ) {
    if (await isPebble(goBin)) return goBin;
  }
  console.error(
    "error: Pebble is missing: install Debian's package pebble, or set PEBBLE to the program's path",
  );
  return Deno.exit(1);
}
