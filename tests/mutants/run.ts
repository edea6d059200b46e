/** Breaks the program, one small change at a time, each in a copy of its own, and looks whether the tests notice.
 *
 *     deno task test:mutants                all of them
 *     deno task test:mutants --sample 20    so many, spread evenly
 *     deno task test:mutants disk/          those whose file's path has this in it
 */
import { type Mutant, mutate, readMutants, root } from "./mutant.ts";

const config = Deno.env.get("TEST_CONFIG") ?? "deno.npm.json";
/** How often as long as unbroken tests broken ones may take: a mutant may go on for ever. */
const patience = 5;
/** How long each test file takes by itself, milliseconds. */
const usual = new Map<string, number>();
const atOnce = 2;

type Verdict = "noticed" | "survived" | "no verdict";
interface Result {
  mutant?: Mutant;
  verdict: Verdict;
  /** What the tests said. */
  output: string;
  seconds: number;
}

function choose(mutants: Mutant[], args: string[]): Mutant[] {
  const [first, second] = args;
  if (first !== "--sample") return mutants.filter(({ file }) => args.every((each) => file.includes(each)));
  const count = Math.min(Number(second), mutants.length);
  return Array.from(
    { length: count },
    (_, i) => mutants[Math.floor((i + Math.random()) * mutants.length / count)],
  );
}

async function run(program: string, args: string[]): Promise<void> {
  const { success } = await new Deno.Command(program, { args, stdin: "null" }).spawn().status;
  if (!success) throw new Error(`${program} failed`);
}

/** Runs tests in a fresh copy of the tree, in which a mutant has been made. */
async function judge(tests: string[], mutant?: Mutant): Promise<Result> {
  const begin = performance.now();
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-mutant-" });
  try {
    const tree = `${folder}/tree`;
    await Deno.mkdir(tree);
    await Deno.mkdir(`${folder}/tmp`);
    const parts = [...Deno.readDirSync(root)].filter(({ name }) => !name.startsWith(".")).map(({ name }) =>
      root + name
    );
    await run("cp", ["-a", ...parts, tree]);
    if (mutant) {
      const path = `${tree}/${mutant.file}`;
      await Deno.writeTextFile(path, mutate(await Deno.readTextFile(path), mutant));
    }
    const { verdict, output } = await runTests(tree, `${folder}/tmp`, tests);
    return { mutant, verdict, output, seconds: (performance.now() - begin) / 1000 };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runTests(
  cwd: string,
  tmp: string,
  tests: string[],
): Promise<Pick<Result, "verdict" | "output">> {
  const args = [
    "test",
    "--config",
    config,
    "--allow-all",
    "--no-check",
    "--cached-only",
    "--fail-fast",
    ...tests,
  ];
  const { SWEEP: _, ...env } = Deno.env.toObject();
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { ...env, TMPDIR: tmp, NO_COLOR: "1" },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  let isLate = false;
  const end = setTimeout(() => {
    isLate = true;
    Deno.kill(-child.pid, "SIGKILL");
  }, 20_000 + patience * tests.reduce((sum, each) => sum + (usual.get(each) ?? 120_000), 0));
  const { success, stdout, stderr } = await child.output();
  clearTimeout(end);
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (success) return { verdict: "survived", output };
  // What can't even be loaded has not been judged.
  const hasRun = isLate || /\d+ passed/.test(output) && !/could not be parsed|Module not found/.test(output);
  return { verdict: hasRun ? "noticed" : "no verdict", output };
}

/** Does the work, so much at once. */
async function inParallel<T>(tasks: (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  const waiting = tasks.entries();
  const work = async () => {
    for (const [i, task] of waiting) results[i] = await task();
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

/** Tests that fail by themselves notice nothing. */
async function checkUnbroken(mutants: Mutant[]): Promise<void> {
  const files = [...new Set(mutants.flatMap(({ tests }) => tests))];
  const results = await inParallel(files.map((file) => async () => ({ file, ...await judge([file]) })));
  for (const { file, verdict, output, seconds } of results) {
    usual.set(file, seconds * 1000);
    if (verdict === "survived") continue;
    console.error(`${output}\nerror: ${file} fails without any mutant`);
    Deno.exit(1);
  }
}

const isAsExpected = ({ mutant, verdict }: Result) =>
  verdict === (mutant?.equivalent ? "survived" : "noticed");

function tell(result: Result): Result {
  const { mutant, verdict, seconds, output } = result;
  const { at, file, from, to, equivalent } = mutant!;
  const what = equivalent && verdict === "survived" ? `equivalent: ${equivalent}` : verdict;
  console.log(`${at} ${file} «${from}» → «${to}»: ${what} (${seconds.toFixed(0)} s)`);
  if (verdict === "no verdict") console.log(output);
  return result;
}

function sum(results: Result[]): void {
  const real = results.filter(({ mutant }) => !mutant!.equivalent);
  const noticed = real.filter(({ verdict }) => verdict === "noticed").length;
  const share = (100 * noticed / Math.max(1, real.length)).toFixed(1);
  console.log(
    `${noticed} of ${real.length} noticed (${share} %), ${results.length - real.length} named as equivalent`,
  );
  const wrong = results.filter((each) => !isAsExpected(each));
  for (const { mutant, verdict } of wrong) {
    const claim = mutant!.equivalent ? " though it is named as equivalent" : "";
    console.error(`error: ${mutant!.at}: ${verdict}${claim}`);
  }
  if (wrong.length > 0) Deno.exit(1);
}

const chosen = choose(readMutants(), Deno.args);
for (const each of chosen) mutate(Deno.readTextFileSync(`${root}${each.file}`), each);
await checkUnbroken(chosen);
sum(await inParallel(chosen.map((mutant) => async () => tell(await judge(mutant.tests, mutant)))));
