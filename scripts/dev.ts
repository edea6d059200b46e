/** Development tasks: `test` and `ok`. Imports nothing; chooses the dependencies that this network can give. */
const [task = "test"] = Deno.args;
const root = new URL("..", import.meta.url).pathname;

async function jsrAnswers(): Promise<boolean> {
  try {
    const response = await fetch("https://jsr.io/@std/ini/meta.json", { signal: AbortSignal.timeout(3000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function deno(...args: string[]): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).spawn().status;
  return code;
}

const config = await jsrAnswers() ? "deno.json" : "deno.npm.json";
const sources = ["lib", "scripts", "tests"];
const steps: Record<string, string[][]> = {
  test: [["test", "--config", config, "--allow-all", "tests"]],
  ok: [
    ["fmt", "--check", "--config", config, ...sources],
    ["lint", "--config", config, ...sources],
    ["check", "--config", config, ...sources],
    ["test", "--config", config, "--allow-all", "tests"],
  ],
};
if (!(task in steps)) {
  console.error(`Unknown task "${task}": use ${Object.keys(steps).join(" or ")}`);
  Deno.exit(2);
}
for (const step of steps[task]) {
  const code = await deno(...step);
  if (code !== 0) Deno.exit(code);
}
