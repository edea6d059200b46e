/** The rules of the house, read from the sources themselves. */
import { assertEquals } from "./kit/assert.ts";

const root = new URL("..", import.meta.url);
/** A folder imports only from folders below it in this list; `errors.ts` and `time.ts` serve all. */
const folders = ["command", "steps", "line", "config", "dane", "acme", "x509", "disk"];
const forAll = ["lib/errors.ts", "lib/time.ts"];

const sources = new Map<string, string>();
const collect = (folder: string) => {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, root))) {
    const path = `${folder}/${name}`;
    if (isDirectory) collect(path);
    else if (name.endsWith(".ts")) sources.set(path, Deno.readTextFileSync(new URL(path, root)));
  }
};
["lib", "scripts"].forEach(collect);

/** The code without comments and texts. */
const code = (source: string) =>
  source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").replace(/"(\\.|[^"\\\n])*"/g, '""');

/** What a file imports: files of the project by their path, others by their specifier. */
function imports(file: string): string[] {
  return [...(sources.get(file) ?? "").matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, specifier]) =>
    specifier.startsWith(".") ? new URL(specifier, `file:///${file}`).pathname.slice(1) : specifier
  );
}

const lib = [...sources.keys()].filter((file) => file.startsWith("lib/")).sort();
const folderOf = (file: string) => file.split("/")[1];
/** The folders in which code of a kind stands. */
const where = (pattern: RegExp) => [
  ...new Set(lib.filter((file) => pattern.test(code(sources.get(file)!))).map(folderOf)),
];
/** The files that import something. */
const users = (specifier: string | RegExp) =>
  lib.filter((file) =>
    imports(file).some((each) => each === specifier || specifier instanceof RegExp && specifier.test(each))
  );

Deno.test("architecture: a folder imports only from folders below it", () => {
  assertEquals(lib.filter((file) => !folders.includes(folderOf(file)) && !forAll.includes(file)), []);
  const floor = (file: string) => folders.indexOf(folderOf(file));
  const upwards = lib.flatMap((file) =>
    imports(file)
      .filter((each) =>
        each.startsWith("lib/") && !forAll.includes(each) &&
        (forAll.includes(file) || floor(each) < floor(file))
      )
      .map((each) => `${file} -> ${each}`)
  );
  assertEquals(upwards, []);
});

Deno.test("architecture: dane and acme, x509 and disk don't know each other", () => {
  const strangers = [["dane", "acme"], ["x509", "disk"]];
  const known = lib.flatMap((file) =>
    imports(file)
      .filter((each) =>
        strangers.some((pair) => pair.includes(folderOf(file)) && pair.includes(folderOf(each)))
      )
      .filter((each) => folderOf(each) !== folderOf(file))
      .map((each) => `${file} -> ${each}`)
  );
  assertEquals(known, []);
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

Deno.test("architecture: Deno and node:fs only where files, programs or the terminal are", () => {
  assertEquals(where(/\bDeno\./).filter((each) => !["command", "disk"].includes(each)), []);
  assertEquals(users("node:fs").map(folderOf).filter((each) => each !== "disk"), []);
  assertEquals(where(/\bgetBuiltinModule\b/), ["disk"]);
});

Deno.test("architecture: nothing by name after a file was opened: mode and owner through descriptors alone", () => {
  const byName = /\bl?ch(mod|own)(Sync)?\(/;
  assertEquals(lib.filter((file) => byName.test(code(sources.get(file)!))), []);
  assertEquals(where(/\bfch(mod|own)Sync\(/), ["disk"]);
});

Deno.test("architecture: network, clock and timers only in the real world", () => {
  const world = /(?<!\.)\bfetch\(|\bDate\.now\(|\bnew Date\(\)|\bsetTimeout\(|\bsetInterval\(/;
  const files = lib.filter((file) => world.test(code(sources.get(file)!)));
  // The library has a network of its own, for those who bring none.
  assertEquals(files.filter((file) => folderOf(file) !== "command"), ["lib/acme/network.ts"]);
});

Deno.test("architecture: one folder for each library, and web-standard crypto", () => {
  const foldersOf = (specifier: string | RegExp) => [...new Set(users(specifier).map(folderOf))];
  assertEquals(foldersOf(/^@peculiar\//), ["x509"]);
  assertEquals(foldersOf(/^(dns-packet|node:(net|tls|buffer))$/), ["dane"]);
  for (
    const library of [
      "@std/ini",
      "@std/cli/parse-args",
      "leven",
      "@peculiar/asn1-csr",
      "dns-packet",
      "node:net",
      "node:tls",
    ]
  ) {
    assertEquals(users(library).length, 1, library);
  }
});

Deno.test("architecture: only the command writes to the terminal, and nothing to the console", () => {
  assertEquals(where(/\bconsole\./), []);
  assertEquals(where(/Deno\.std(out|err)/), ["command"]);
});

Deno.test("architecture: a run with nothing to do loads neither ASN.1 nor the protocol", () => {
  const loaded = new Set<string>();
  const load = (file: string) => {
    if (loaded.has(file)) return;
    loaded.add(file);
    // Not what is imported for its types, which Deno drops, nor what is imported when it is needed.
    const now = (sources.get(file) ?? "").matchAll(
      /^(?:import|export) (?!type )(?:[^;"]* from )?"([^"]+)";/gm,
    );
    for (const [, each] of now) {
      load(each.startsWith(".") ? new URL(each, `file:///${file}`).pathname.slice(1) : each);
    }
  };
  load("scripts/cron.ts");
  assertEquals([...loaded].filter((each) => !/^(lib|scripts)\//.test(each)).sort(), [
    "@std/cli/parse-args",
    "@std/ini",
    "leven",
    "p-limit",
  ]);
  assertEquals(
    [...loaded].filter((each) =>
      /^lib\/(acme|x509)\/(connection|order|account|jws|csr|chain|certificate)/.test(each)
    ),
    [],
  );
});
