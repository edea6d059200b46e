/** The library as others use it: examples that run as they stand, what an entry point loads, what would be published. */
import { assert, assertEquals } from "./kit/assert.ts";
import { makeLine, testConfig } from "./kit/line.ts";
import { openssl, type Pebble, startPebble } from "./kit/pebble.ts";

const root = new URL("..", import.meta.url);
const { name, exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root))) as {
  name: string;
  exports: Record<string, string>;
};
const entries = Object.entries(exports).map(([path, file]) => ({ name: name + path.slice(1), file }));

/** All entry points: their documentation and types are complete. */
const paths = Object.keys(exports);

/** Copies a file or a folder. */
async function copy(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) {
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    return await Deno.copyFile(from, to);
  }
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}

/** Runs Deno, offline. */
async function deno(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    env: { NO_COLOR: "1" },
  })
    .output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** The examples of an entry point, as programs. */
async function examples(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(file, root));
  return [...text.matchAll(/ \* ```ts\n([\s\S]*?) \* ```/g)].map(([, example]) => {
    const program = example.replace(/^ \* ?/gm, "");
    return entries.toReversed().reduce(
      (each, { name, file }) => each.replaceAll(`"${name}"`, `"${new URL(file, root)}"`),
      program,
    );
  });
}

/** Runs the only example of an entry point, with other addresses and folders. */
async function run(entry: string, folder: string, change = (text: string) => text): Promise<string> {
  const [example, ...others] = await examples(exports[entry]);
  assertEquals(others, []);
  const file = `${folder}/example.ts`;
  await Deno.writeTextFile(file, change(example));
  // deno-fmt-ignore
  return await deno("run", "--config", testConfig, "--cached-only", "--check", "--quiet", "--allow-all", file);
}

async function isPair(folder: string, pem: string): Promise<void> {
  const file = `${folder}/printed.pem`;
  await Deno.writeTextFile(file, pem);
  assertEquals(
    await openssl("pkey", "-in", file, "-pubout"),
    await openssl("x509", "-in", file, "-noout", "-pubkey"),
  );
}

/** A network that trusts the test's CA stands in for the platform's. */
const trusting = (pebble: Pebble) => (text: string) =>
  text
    .replace(
      "letsEncrypt.staging",
      "await Connection.open(directory, { ...webNetwork, fetch: trustingFetch })",
    )
    .replace("{ Account,", "{ Account, Connection, webNetwork,")
    .replace("letsEncrypt, ", "")
    .replaceAll("/srv/acme-challenge", pebble.challengeDir)
    .concat(`
      import { realSystem } from "${new URL("lib/command/world.ts", root)}";
    `).replace(
      "const names",
      `
      const directory = ${JSON.stringify(pebble.directory)};
      const trustingFetch = realSystem({ caFile: ${JSON.stringify(pebble.caFile)} }).fetch;
      const names`,
    );

Deno.test("the examples of the entry points do what they say", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, { head: "key-type = ecdsa\n" });
  assertEquals((await line.run("init")).exit, 0);
  const { folder } = line;
  await isPair(folder, await run("./acme", folder, trusting(pebble)));
  const needs = await run(
    ".",
    folder,
    (text) => text.replace("/etc/letsencrypt-tiny/example.org.conf", line.config),
  );
  assert(/^(nothing|ask-renewal-info)\n$/.test(needs), needs);
  assert(
    /^-----BEGIN PRIVATE KEY-----[^]*-----END PRIVATE KEY-----\n 30[0-9a-f]+\n$/.test(
      await run("./x509", folder),
    ),
  );
  assert(/^_25\._tcp\.mail\.example\.org\. IN TLSA 3 1 1 [0-9a-f]{64}\n$/.test(await run("./dane", folder)));
});

/** The modules that an entry point loads, without what it only may load later; packages as their names. */
async function loaded(file: string): Promise<string[]> {
  const { modules, roots } = JSON.parse(await deno("info", "--config", testConfig, "--json", file));
  type Dependency = { code?: { specifier: string }; npmPackage?: string; isDynamic?: boolean };
  const byName = new Map<string, { dependencies?: Dependency[] }>(
    modules.map((each: { specifier: string }) => [each.specifier, each]),
  );
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    for (const { code, isDynamic } of byName.get(specifier)?.dependencies ?? []) {
      if (code && !isDynamic) visit(code.specifier);
    }
  };
  roots.forEach(visit);
  return [...seen].map((each) => each.replace(String(root), "").replace(/^npm:\/?/, "")).sort();
}

Deno.test("keys and certificates load neither DNS nor disk nor hooks nor network; ACME loads no disk and no command", async () => {
  const only = (files: string[], folders: RegExp) =>
    files.filter((each) => each.startsWith("lib/") && !folders.test(each));
  const x509 = await loaded(exports["./x509"]);
  assertEquals(only(x509, /^lib\/(x509\/|errors|time)/), []);
  assertEquals(x509.filter((each) => !each.startsWith("lib/") && !each.startsWith("@peculiar/")), []);
  const acme = await loaded(exports["./acme"]);
  assertEquals(only(acme, /^lib\/(acme|x509)\/|^lib\/(errors|time)/), []);
  assert(acme.some((each) => each.startsWith("valibot@")), acme.join());
  assertEquals(acme.filter((each) => each.startsWith("@peculiar/")), []);
});

Deno.test("deno doc finds nothing to complain about", async () => {
  for (const entry of paths) await deno("doc", "--lint", "--config", testConfig, exports[entry]);
});

Deno.test("what would be published: the library, the scripts and the texts, without slow types and without tests", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (
      const path of [
        "lib",
        "scripts",
        "tests/kit",
        "mod.ts",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "deno.npm.lock",
      ]
    ) {
      await copy(new URL(path, root).pathname, `${folder}/${path}`);
    }
    const read = async (file: string) => JSON.parse(await Deno.readTextFile(new URL(file, root)));
    const config = await read("deno.json");
    // Packages from where the tests have them.
    const { imports } = await read(testConfig);
    config.exports = Object.fromEntries(paths.map((entry) => [entry, exports[entry]]));
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ ...config, imports, lock: "./deno.npm.lock" }),
    );
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["publish", "--dry-run", "--allow-dirty"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 0, said);
    const files = [...said.matchAll(/^ +file:\/\/(\S+) \(/gm)].map(([, path]) =>
      path.slice(folder.length + 1)
    );
    const places = new Set(files.map((path) => path.split("/")[0]));
    assertEquals([...places].sort(), [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "deno.json",
      "lib",
      "mod.ts",
      "scripts",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
