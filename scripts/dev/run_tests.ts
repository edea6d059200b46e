/** Runs the tests. */
import { root } from "./tools.ts";

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

/** What all test files are run with. */
export interface Settings {
  /** The configuration of Deno. */
  config: string;
  options: string[];
  env: Record<string, string>;
}

/** Runs test files side by side, each in a process of its own, and prints the sum of the runner's figures. */
export async function test(folder: string, { config, options, env }: Settings): Promise<number> {
  const waiting = testFiles(folder);
  const sum = { passed: 0, failed: 0, ignored: 0 };
  const table: string[] = [];
  let status = 0;
  const work = async () => {
    for (let file; (file = waiting.shift());) {
      const args = ["test", "--config", config, "--allow-all", "--no-check", ...options, file];
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
