/** Development tasks. Imports nothing; chooses the dependencies that this network can give, and finds Pebble. */
const [task = "test", ...options] = Deno.args;
const root = new URL("../..", import.meta.url).pathname;

/** Many company mirrors carry npm alone: whether JSR can be reached decides between the two configurations. */
async function chooseConfig(): Promise<string> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const packages = Object.values<string>(imports).filter((each) => each.startsWith("jsr:"));
  const probe = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--no-config", "--no-lock", ...packages],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const patience = setTimeout(() => probe.kill(), 8000);
  const { success } = await probe.status;
  clearTimeout(patience);
  if (success) return "deno.json";
  console.error("JSR can't be reached: using deno.npm.json");
  return "deno.npm.json";
}

async function run(program: string, args: string[], env: Record<string, string> = {}): Promise<number> {
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
const tools: Record<string, string> = { "strace": "strace", "tlsa": "hash-slinger" };
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
  "ip": "iproute2",
};

/** Looks for them, and installs those that are missing, where that is possible; what is still missing, tests skip. */
async function findTestTools(): Promise<void> {
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
  const wanted = task === "test:dane" || Deno.env.get("CI") ? all : tools;
  const missing = (packages: typeof all) => Object.keys(packages).filter((program) => !isThere(program));
  if (missing(wanted).length > 0) await install(...missing(wanted).map((program) => wanted[program]));
  for (const program of missing(all)) {
    console.error(`Tests that need ${program} are SKIPPED: install Debian's package ${all[program]}`);
  }
}

/** Finds the test CA: $PEBBLE, the PATH, Debian's package as root, Go; or says what to install. */
async function findPebble(): Promise<string> {
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

/** Compiles one executable; what it may do, as `permissions` prints it, is given as options and baked in. */
async function compile(): Promise<number> {
  const given = (name: string) => options.some((each) => each.startsWith(name));
  const allowed = given("--allow-") || given("-A")
    ? []
    : ["read", "write", "net", "run"].map((each) => `--allow-${each}`);
  const output = given("--output") || given("-o") ? [] : ["--output", `${root}/letsencrypt-tiny`];
  const args = ["compile", "--config", config, "--no-prompt", ...allowed, ...output, ...options];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args, `${root}/scripts/letsencrypt_tiny.ts`],
    stdin: "null",
    stdout: "inherit",
    stderr: "piped",
  });
  const { code, stderr } = await child.output();
  const said = new TextDecoder().decode(stderr);
  // Deno downloads the runtime that it links in, and needs ten lines to say that it can't.
  if (code !== 0 && said.includes("denort") && !Deno.env.get("DENORT_BIN")) {
    console.error(
      "error: deno compile can't download its runtime, denort: set DENORT_BIN to one, or use deno run instead",
    );
  } else await Deno.stderr.write(stderr);
  return code;
}

/** Every test file below a folder: the sweeps and rollovers first, since they take longest. */
function testFiles(folder: string): string[] {
  const found = [...Deno.readDirSync(`${root}/${folder}`)].sort((a, b) => a.name < b.name ? -1 : 1);
  const folders = found.filter((each) => each.isDirectory).flatMap(({ name }) =>
    testFiles(`${folder}/${name}`)
  );
  const files = found.filter(({ name }) => name.endsWith("_test.ts")).map(({ name }) => `${folder}/${name}`);
  return [...folders, ...files];
}

/** Text as it would be without a terminal. */
const stripColours = (text: string) =>
  text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, "g"), "");

/** Runs test files side by side, each in a process of its own, and prints the sum of the runner's figures. */
async function test(folder: string, env: Record<string, string>): Promise<number> {
  const waiting = testFiles(folder);
  const sum = { passed: 0, failed: 0, ignored: 0 };
  const table: string[] = [];
  let status = 0;
  const work = async () => {
    for (let file; (file = waiting.shift());) {
      const args = ["test", "--config", config, ...lock, "--allow-all", "--no-check", ...options, file];
      const child = new Deno.Command(Deno.execPath(), { args, env, cwd: root, stdin: "null" });
      const { code, stdout, stderr } = await child.output();
      await Deno.stdout.write(stdout);
      await Deno.stderr.write(stderr);
      const text = stripColours(new TextDecoder().decode(stdout));
      table.push(...text.match(/^\w+ +\| .+ \| +\d+ \| \d+$/gm) ?? []);
      for (const name of ["passed", "failed", "ignored"] as const) {
        sum[name] += Number(text.match(new RegExp(`^(?:ok|FAILED) \\|.*?(\\d+) ${name}`, "m"))?.[1] ?? 0);
      }
      if (code !== 0) {
        console.error(`error: ${file} failed`);
        status = code;
      }
    }
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, work));
  if (table.length > 0) console.log(["sweep    | operation | points | violations", ...table].join("\n"));
  if (sum.ignored > 0) console.log(`${sum.ignored} skipped`);
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  return status;
}

const config = await chooseConfig();
/** What tests need beyond the program is locked apart: Deno downloads and links all that the program's lock file names. */
const lock = ["--lock", `${root}/tests/${config.replace(/json$/, "lock")}`];
if (task === "compile") Deno.exit(await compile());
const sources = ["mod.ts", "lib", "scripts", "tests"];
const style = [
  ["fmt", "--check", "--config", config, ...sources],
  ["lint", "--config", config, ...sources],
  ["check", "--config", config, ...lock, ...sources],
];
/** What each task runs, after what it needs has been found. */
const tasks: Record<string, (() => Promise<number>)[]> = {
  style: style.map((args) => () => deno(args)),
  test: [() => test("tests", env)],
  "test:crash": [() => test("tests/crash", env)],
  "test:dane": [() => test("tests/rollover", env)],
  demo: [() => deno(["run", "--config", config, "--allow-all", `${root}/scripts/dev/demo.ts`])],
  "test:mutants": [
    () => deno(["run", "--config", config, "--allow-all", `${root}/tests/mutants/run.ts`, ...options]),
  ],
  bench: [() => deno(["run", "--config", config, "--allow-all", `${root}/tests/bench/bench.ts`, ...options])],
  ok: [...style.map((args) => () => deno(args)), () => test("tests", env)],
};
if (!(task in tasks)) {
  console.error(`Unknown task "${task}": use ${[...Object.keys(tasks), "compile"].join(", ")}`);
  Deno.exit(2);
}
const env: Record<string, string> = { TEST_CONFIG: config };
const deno = (args: string[]) => run(Deno.execPath(), args, env);
if (task !== "style") env.PEBBLE = await findPebble();
if (task.startsWith("test") || task === "ok") await findTestTools();
if (task.startsWith("test:")) env.SWEEP = Deno.env.get("SWEEP") ?? "whole"; // every point and scenario, not a sample
for (const step of tasks[task]) {
  const code = await step();
  if (code !== 0) Deno.exit(code);
}
