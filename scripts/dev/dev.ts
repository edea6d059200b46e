/** Development tasks; chooses the dependencies that this network can give. */
import { test } from "./run_tests.ts";
import { findPebble, findTestTools, root, run } from "./tools.ts";

const [task = "test", ...options] = Deno.args;

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

/** Compiles one executable; what it may do, as `permissions` prints it, is given as options and baked in. */
async function compile(): Promise<number> {
  const given = (name: string) => options.some((each) => each.startsWith(name));
  const allowed = given("--allow-") || given("-A")
    ? []
    : ["read", "write", "net", "run", "sys"].map((each) => `--allow-${each}`);
  const output = given("--output") || given("-o") ? [] : ["--output", `${root}/letsencrypt-tiny`];
  // V8's cache would be read at each start from $TMPDIR or /tmp, under a name known to all, whoever wrote it.
  const args = [
    "compile",
    "--config",
    config,
    "--no-code-cache",
    "--no-prompt",
    ...allowed,
    ...output,
    ...options,
  ];
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

const config = await chooseConfig();
if (task === "compile") Deno.exit(await compile());
const sources = ["mod.ts", "lib", "scripts", "tests"];
const env: Record<string, string> = { TEST_CONFIG: config };
/** What tests need beyond the program is locked apart: Deno downloads and links all that the program's lock file names. */
const lock = ["--lock", `${root}/tests/${config.replace(/json$/, "lock")}`];
const deno = (...args: string[]) => () => run(Deno.execPath(), args, env);
const script = (path: string) =>
  deno("run", "--config", config, ...lock, "--allow-all", `${root}/${path}`, ...options);
const tests = (folder: string) => () => test(folder, { config, lock, options, env });
const style = [
  deno("fmt", "--check", "--config", config, ...sources),
  deno("lint", "--config", config, ...sources),
  deno("check", "--config", config, ...lock, ...sources),
];
/** The start-up files in one folder: fewer and smaller ones to read at each start. */
const bundle = deno(
  ...["bundle", "--config", config, "--minify", "--code-splitting"],
  ...["--outdir", options[0] ?? `${root}/bundle`],
  ...["init", "renew", "cron", "letsencrypt_tiny"].map((name) => `${root}/scripts/${name}.ts`),
);
/** What each task runs, after what it needs has been found. */
const tasks: Record<string, (() => Promise<number>)[]> = {
  style,
  bundle: [bundle],
  test: [tests("tests")],
  "test:crash": [tests("tests/crash")],
  "test:dane": [tests("tests/rollover")],
  "test:mutants": [script("tests/mutants/run.ts")],
  texts: [script("scripts/dev/texts/texts.ts")],
  demo: [script("scripts/dev/demo.ts")],
  bench: [script("tests/bench/bench.ts")],
  ok: [...style, tests("tests")],
};
if (!(task in tasks)) {
  console.error(`Unknown task "${task}": use ${[...Object.keys(tasks), "compile"].join(", ")}`);
  Deno.exit(2);
}
if (!["style", "texts", "bundle"].includes(task)) env.PEBBLE = await findPebble();
if (task.startsWith("test") || task === "ok") await findTestTools(task === "test:dane");
// Every point and scenario, not a sample.
if (["test:crash", "test:dane"].includes(task)) env.SWEEP = Deno.env.get("SWEEP") ?? "whole";
for (const step of tasks[task]) {
  const code = await step();
  if (code !== 0) Deno.exit(code);
}
