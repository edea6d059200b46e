/** Many certificate lines: a folder of configurations, and others' ways to have as many certificates. */
import { exportKey, generateKey } from "../../lib/x509/key.ts";
import { makeRoot } from "../kit/issuer.ts";
import { makeLine, type TestLine } from "../kit/line.ts";
import { type Ca, ourProgram } from "./clients.ts";
import type { CommandLine } from "./measure.ts";

/** Lines that have a valid certificate each. */
export interface Lines {
  /** What holds the configurations, `*.conf`. */
  folder: string;
  /** Gives each line a name of its own. */
  configure(domainOf: (line: number) => string): Promise<void>;
}

/** Makes lines. Their certificates come from a CA of the tests: a thousand from Pebble would take minutes.
 *
 * @param ca where they are renewed; all share one account key
 * @param count how many
 */
export async function makeLines(ca: Ca, count: number): Promise<Lines> {
  const parent = await Deno.makeTempDir({ dir: ca.folder, prefix: "lines" });
  const folder = `${parent}/conf`;
  await Deno.mkdir(folder);
  const issuer = await makeRoot("issuer of many lines");
  const lines: TestLine[] = [];
  for (let number = 1; number <= count; number++) {
    const line = await makeLine({ ...ca, folder: parent }, { domains: ["unused.example.org"] });
    await Deno.remove(line.config);
    line.config = `${folder}/${String(number).padStart(4, "0")}.conf`;
    for (const name of ["certs", "keys", "backups"]) {
      await Deno.mkdir(`${line.folder}/${name}`, { mode: 0o700 });
    }
    const key = await generateKey({ type: "ecdsa", length: 256 });
    await Deno.writeTextFile(`${line.folder}/keys/live.key`, await exportKey(key), { mode: 0o600 });
    const leaf = await issuer.issue({ spki: key.publicKey, domains: [initialDomain(number)] });
    await Deno.writeTextFile(`${line.folder}/certs/live.crt`, leaf + issuer.pem);
    lines.push(line);
  }
  const accountKey = await exportKey(await generateKey({ type: "ecdsa", length: 256 }));
  await Deno.writeTextFile(`${parent}/account.key`, accountKey, { mode: 0o600 });
  const made: Lines = {
    folder,
    async configure(domainOf) {
      for (const [index, line] of lines.entries()) {
        await line.configure({
          domains: [domainOf(index + 1)],
          head: "key-type = ecdsa\n",
          directory: ca.directory,
        });
        const text = await Deno.readTextFile(line.config);
        await Deno.writeTextFile(
          line.config,
          text.replace(/^account-key = .*/m, `account-key = ${parent}/account.key`),
        );
      }
    },
  };
  await made.configure(initialDomain);
  return made;
}

const initialDomain = (line: number) => `line${line}.example.org`;

/** One run of this program for all lines. */
export const together = ({ folder }: Lines): CommandLine => {
  const [program, ...args] = ourProgram;
  return { program, args: [...args, "-c", folder, "cron"] };
};

/** One run for each line, one after the other.
 *
 * @param lines the lines
 * @param program what takes `-c FILE cron`
 */
export const oneByOne = ({ folder }: Lines, program: readonly string[]): CommandLine => ({
  program: "sh",
  args: ["-c", 'for each in "$0"/*.conf; do "$@" -c "$each" cron || exit; done', folder, ...program],
});
