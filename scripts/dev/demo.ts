/** The whole life of a certificate line against a CA on this machine; `scripts/dev/dev.ts` starts it. */
import { main } from "../../lib/command/cli.ts";
import { startPebble } from "../../tests/kit/pebble.ts";

await using pebble = await startPebble();
const folder = `${pebble.folder}/demo`;
const config = `${folder}/example.org.conf`;
await Deno.mkdir(folder);
for (const name of ["cert-hook", "key-hook"]) {
  const script = '#!/bin/sh\necho "  [$LETSENCRYPT_TINY_EVENT runs: $0]"\n';
  await Deno.writeTextFile(`${folder}/${name}`, script, { mode: 0o755 });
}

const sample = await Deno.readTextFile(new URL("../letsencrypt-tiny.conf.sample", import.meta.url));
const settings = {
  directory: pebble.directory,
  "ca-file": pebble.caFile,
  "account-key": `${folder}/account.key`,
  "challenge-dir": pebble.challengeDir,
  certs: `${folder}/certs`,
  keys: `${folder}/keys`,
  backups: `${folder}/backups`,
  "post-certchange": `${folder}/cert-hook`,
  "post-keychange": `${folder}/key-hook`,
  "staging-hours": "0.001",
  "key-length": "2048",
  outputs: "key+crt",
};
await configure(settings);

async function configure(values: Record<string, string>): Promise<void> {
  const lines = sample.split("\n").map((line) => {
    const key = line.match(/^#?([a-z-]+) =/)?.[1] ?? "";
    return key in values ? `${key} = ${values[key]}` : line;
  });
  await Deno.writeTextFile(config, lines.join("\n"));
}

async function step(what: string, ...args: string[]): Promise<void> {
  console.log(`\n# ${what}\n$ letsencrypt-tiny -c example.org.conf ${args.join(" ")}`);
  const exit = await main(["-c", config, ...args]);
  if (exit !== 0) throw new Error(`exit status ${exit}`);
}

function list(): void {
  console.log();
  for (const directory of ["certs", "keys", "backups"]) {
    for (const { name } of [...Deno.readDirSync(`${folder}/${directory}`)].sort(byName)) {
      const { mode, size } = Deno.statSync(`${folder}/${directory}/${name}`);
      console.log(`  ${(mode! & 0o777).toString(8)} ${String(size).padStart(6)}  ${directory}/${name}`);
    }
  }
}
const byName = (a: Deno.DirEntry, b: Deno.DirEntry) => a.name < b.name ? -1 : 1;

console.log(`A test CA runs at ${pebble.directory}; everything lies in ${folder} and goes at the end.`);
await step("The first key and certificate.", "-k", "init");
list();
await step("Nothing is due: silence.", "-k", "cron");
await step("A new certificate for the same key.", "-k", "renew");
await configure({ ...settings, "key-type": "ecdsa", "key-length": "256" });
await step(
  "The configuration asks for another key: it is staged, and its TLSA record announced.",
  "-k",
  "cron",
);
await step("Both keys are in the zone now.", "tlsa");
await step("The staging key waits.", "status");
list();
console.log("\n… staging-hours pass: here 0.001, in earnest at least two TTLs …");
await new Promise((resolve) => setTimeout(resolve, 4000));
await step("The staging key goes live.", "-k", "cron");
await step("The new line-up.", "status");
list();
console.log("\nEach pair that was live is in backups/. Done.");
