/** The rules of the house, read from the sources themselves. */
import { assertEquals } from "./assert.ts";

const root = new URL("..", import.meta.url);
const sources = new Map<string, string>();
for (const folder of ["lib", "scripts"]) {
  for (const { name, isFile } of Deno.readDirSync(new URL(folder, root))) {
    if (!isFile || !name.endsWith(".ts")) continue;
    sources.set(`${folder}/${name}`, Deno.readTextFileSync(new URL(`${folder}/${name}`, root)));
  }
}

/** The code without comments and texts. */
const code = (source: string) =>
  source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").replace(/"(\\.|[^"\\\n])*"/g, '""');

/** What a file imports: files of the project by their path, others by their specifier. */
function imports(file: string): string[] {
  return [...sources.get(file)!.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, specifier]) =>
    specifier.startsWith(".") ? new URL(specifier, `file:///${file}`).pathname.slice(1) : specifier
  );
}

const lib = [...sources.keys()].filter((file) => file.startsWith("lib/"));
const where = (pattern: RegExp) => lib.filter((file) => pattern.test(code(sources.get(file)!))).sort();

/** Each layer may import from itself and from those above it in this list. */
const layers = [
  // Pure: nothing of Deno, no clock, no network.
  "clock rfc8555 errors pem keys private_key jws csr certificate network_error reply semaphore ini domains services",
  // ACME over an injected System.
  "transport account acme",
  // The certificate line; up to status it is pure as well, and so is tlsa.
  "suggestion config slot plan status tlsa dns resolver announced served zone revoke check permissions storage_error inspect disk lock state store files access outputs hooks line recover http01 account_key obtain execute",
  // The command.
  "tcp system run lines cli",
].map((names) => names.split(" ").map((name) => `lib/${name}.ts`));
const layerOf = (file: string) => layers.findIndex((files) => files.includes(file));

Deno.test("architecture: every file has its layer, and imports point one way", () => {
  assertEquals(lib.filter((file) => layerOf(file) === -1), []);
  const upwards = lib.flatMap((file) =>
    imports(file).filter((each) => each.startsWith("lib/") && layerOf(each) > layerOf(file)).map((each) =>
      `${file} -> ${each}`
    )
  );
  assertEquals(upwards, []);
});

Deno.test("architecture: imports have no circle", () => {
  const done = new Set<string>();
  const visit = (file: string, path: string[]) => {
    assertEquals(path.includes(file) ? [...path, file].join(" -> ") : "", "");
    if (done.has(file) || !sources.has(file)) return;
    for (const each of imports(file)) visit(each, [...path, file]);
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
});

Deno.test("architecture: Deno only where files, hooks or the terminal are", () => {
  assertEquals(
    where(/\bDeno\./),
    ["disk", "inspect", "lock", "storage_error", "system"].map((name) => `lib/${name}.ts`),
  );
});

Deno.test("architecture: network, clock and timers only in the real System", () => {
  assertEquals(where(/(?<!\.)\bfetch\(|\bDate\.now\(|\bnew Date\(\)|\bsetTimeout\(|\bsetInterval\(/), [
    "lib/system.ts",
  ]);
});

Deno.test("architecture: one user for each library, and web-standard crypto", () => {
  const users = (specifier: string) => lib.filter((file) => imports(file).includes(specifier));
  assertEquals(users("@std/ini"), ["lib/ini.ts"]);
  assertEquals(users("@std/cli/parse-args"), ["lib/cli.ts"]);
  assertEquals(users("@peculiar/asn1-csr"), ["lib/csr.ts"]);
  assertEquals(users("dns-packet"), ["lib/dns.ts"]);
  assertEquals(users("node:buffer"), ["lib/dns.ts"]); // which dns-packet reads from
  assertEquals([users("node:net"), users("node:tls")], [["lib/tcp.ts"], ["lib/tcp.ts"]]); // Deno's own shows no certificate
  const named = ["dns-packet", "node:buffer", "node:net", "node:tls"];
  const foreign = lib.flatMap(imports).filter((each) =>
    !each.startsWith("lib/") && !/^@(std|peculiar)\//.test(each) && !named.includes(each)
  );
  assertEquals(foreign, []);
});

Deno.test("architecture: a run with nothing to do loads neither ASN.1 nor the protocol", () => {
  const loaded = new Set<string>();
  const load = (file: string) => {
    if (loaded.has(file)) return;
    loaded.add(file);
    const source = sources.get(file) ?? "";
    // Not what is imported for its types, which Deno drops, nor what is imported when it is needed.
    const now = source.matchAll(/^(?:import|export) (?!type )(?:[^;"]* from )?"([^"]+)";/gm);
    for (const [, each] of now) {
      load(each.startsWith(".") ? new URL(each, `file:///${file}`).pathname.slice(1) : each);
    }
  };
  load("scripts/cron.ts");
  assertEquals([...loaded].filter((each) => !/^(lib|scripts)\//.test(each)).sort(), [
    "@std/cli/parse-args",
    "@std/ini",
  ]);
  const needless = ["acme", "transport", "certificate", "csr", "jws", "execute", "status", "permissions"];
  assertEquals(needless.filter((each) => loaded.has(`lib/${each}.ts`)), []);
});

Deno.test("architecture: only the command writes to the terminal, and nothing to the console", () => {
  assertEquals(where(/\bconsole\./), []);
  assertEquals(where(/Deno\.std(out|err)/), ["lib/system.ts"]);
});

Deno.test("architecture: no file in lib/ passes 250 lines", () => {
  assertEquals(lib.filter((file) => sources.get(file)!.trimEnd().split("\n").length > 250), []);
});
