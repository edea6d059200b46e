/** Development tasks. Imports nothing; chooses the dependencies that this network can give, and finds Pebble. */
const [task = "test"] = Deno.args;
const root = new URL("..", import.meta.url).pathname;

/** Many company mirrors carry npm alone: whether JSR can be reached decides between the two configurations. */
async function chooseConfig(): Promise<string> {
  try {
    const response = await fetch("https://jsr.io/@std/ini/meta.json", { signal: AbortSignal.timeout(3000) });
    await response.body?.cancel();
    if (response.ok) return "deno.json";
  } catch { /* it can't */ }
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

/** Whether both programs of Pebble start. */
async function isPebble(program: string): Promise<boolean> {
  const starts = async (name: string) => {
    try {
      await new Deno.Command(name, { args: ["-help"], stdout: "null", stderr: "null" }).output();
      return true;
    } catch {
      return false;
    }
  };
  return await starts(program) && await starts(`${program}-challtestsrv`);
}

/** Finds the test CA: $PEBBLE, the PATH, Debian's package as root, Go; or says what to install. */
async function findPebble(): Promise<string> {
  const given = Deno.env.get("PEBBLE");
  const goBin = `${Deno.env.get("GOPATH") ?? `${Deno.env.get("HOME")}/go`}/bin/pebble`;
  const candidates = [...given ? [given] : [], "pebble", goBin];
  for (const candidate of candidates) if (await isPebble(candidate)) return candidate;
  if (Deno.uid() === 0) {
    console.error("Installing Debian's package pebble");
    const apt = (...args: string[]) =>
      run("apt-get", ["-qq", ...args], { DEBIAN_FRONTEND: "noninteractive" });
    if (await apt("update") === 0) await apt("install", "-y", "--no-install-recommends", "pebble");
    if (await isPebble("pebble")) return "pebble";
  }
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

const config = await chooseConfig();
const sources = ["mod.ts", "lib", "scripts", "tests"];
const test = ["test", "--config", config, "--allow-all", "--no-check", "tests"];
const steps: Record<string, string[][]> = {
  test: [test],
  ok: [
    ["fmt", "--check", "--config", config, ...sources],
    ["lint", "--config", config, ...sources],
    ["check", "--config", config, ...sources],
    test,
  ],
};
if (!(task in steps)) {
  console.error(`Unknown task "${task}": use ${Object.keys(steps).join(" or ")}`);
  Deno.exit(2);
}
const PEBBLE = await findPebble();
for (const step of steps[task]) {
  const code = await run(Deno.execPath(), step, { PEBBLE, TEST_CONFIG: config });
  if (code !== 0) Deno.exit(code);
}
