/** `deno task compile` links every module, and what it is told to allow. */
import { assertEquals } from "../kit/assert.ts";

const root = new URL("../..", import.meta.url);
const config = Deno.env.get("TEST_CONFIG") ?? "deno.npm.json";

const compile = ["run", "--no-config", "--no-lock", "--allow-all", "scripts/dev/dev.ts", "compile"];

Deno.test("the executable holds every module, and may do what compile was given and nothing else", async () => {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  try {
    const output = `${folder}/letsencrypt-tiny`;
    // Deno stands in for the runtime, which not every network can download: all is linked, but starts as Deno.
    const linked = await deno([...compile, "--output", output, "--allow-net=localhost"], {
      DENORT_BIN: Deno.execPath(),
    });
    assertEquals(linked.code, 0, linked.stderr);
    const executable = latin1(await Deno.readFile(output));

    const { stdout } = await deno(["info", "--config", config, "--json", "scripts/letsencrypt_tiny.ts"]);
    const { modules, npmPackages } = JSON.parse(stdout) as {
      modules: { local?: string }[];
      npmPackages: Record<string, { name: string }>;
    };
    const own = modules.map((each) => each.local ?? "").filter((each) =>
      each.startsWith(root.pathname) && hasCode(each)
    );
    // What the library begins with is of no use to the command.
    const lib = files(`${root.pathname}lib`).filter((file) => hasCode(file) && !file.endsWith("/mod.ts"));
    assertEquals(lib.filter((file) => !own.includes(file)), []);
    assertEquals(own.filter((file) => !executable.includes(latin1(Deno.readFileSync(file)))), []);
    const packages = Object.values(npmPackages).map(({ name }) => name.split("/").at(-1)!);
    assertEquals(packages.filter((name) => !executable.includes(name)), []);
    assertEquals(executable.includes('"fast-check"'), false, "what only tests need");

    // An executable that names a cache would read it from a directory that everybody may write to.
    assertEquals([...executable.matchAll(/"code_cache_key":([^,]+)/g)].map(([, key]) => key), ["null"]);

    const allowed = [...executable.matchAll(/"allow_(env|net|read|run|sys|write)":([^,]+)/g)];
    const flags = Object.fromEntries(allowed.map(([, name, value]) => [name, JSON.parse(value)]));
    assertEquals(flags, { env: null, net: ["localhost"], read: null, run: null, sys: null, write: null });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Whether there is more in a file than types, which are dropped. */
const hasCode = (file: string) =>
  /^(export )?(async )?(function|const|let|class) /m.test(Deno.readTextFileSync(file));

/** Every file below a folder. */
function files(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? files(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

Deno.test("where the runtime can't be downloaded, compile says so in one line", async () => {
  // A platform that nobody who runs this has compiled for, and a network that leads nowhere.
  const nowhere = { HTTPS_PROXY: "http://127.0.0.1:1", DENORT_BIN: "" };
  const { code, stderr } = await deno([
    ...compile,
    "--target",
    "x86_64-pc-windows-msvc",
    "--output",
    "/dev/null",
  ], nowhere);
  assertEquals(code, 1);
  assertEquals(
    stderr.trim().split("\n").at(-1),
    "error: deno compile can't download its runtime, denort: set DENORT_BIN to one, or use deno run instead",
  );
  assertEquals(stderr.includes("Stack"), false, stderr);
});

const latin1 = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

async function deno(args: string[], env: Record<string, string> = {}) {
  const command = new Deno.Command(Deno.execPath(), {
    args,
    env: { NO_COLOR: "1", ...env },
    cwd: root,
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}
