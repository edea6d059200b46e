/** Whatever recovery replaces is in the backups first, and what is revoked never comes back. */
import { assert, assertEquals } from "../kit/assert.ts";
import type { TestLine } from "../kit/line.ts";
import { Simulation } from "../kit/simulation.ts";

const day = 24 * 3_600_000;

/** A line with a backup of its first pair, another pair that is live, and a third that is staged. */
async function begin(): Promise<Simulation> {
  const simulation = await Simulation.begin();
  const { line } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  for (const [length, staging] of [[384, "0"], [256, "1000"]]) {
    simulation.time += day;
    await line.configure({
      head: `key-type = ecdsa\nkey-length = ${length}\n`,
      timing: { "staging-hours": String(staging) },
    });
    assertEquals((await line.run("cron")).exit, 0);
  }
  return simulation;
}

const contents = async ({ folder }: TestLine) =>
  await Promise.all(
    [...Deno.readDirSync(`${folder}/backups`)].map(({ name }) =>
      Deno.readTextFile(`${folder}/backups/${name}`)
    ),
  );
const copies = (line: TestLine, kind: string) =>
  [...Deno.readDirSync(`${line.folder}/backups`)].map(({ name }) => name).filter((name) =>
    name.includes(kind)
  );

/** How the pair comes apart; what of it is replaced then. */
const cases: [what: string, file: string, apart: (line: TestLine) => Promise<unknown>][] = [
  [
    "a key of somebody else's",
    "keys/live.key",
    (line) => Deno.copyFile(`${line.folder}/account.key`, `${line.folder}/keys/live.key`),
  ],
  [
    "a key that is no key",
    "keys/live.key",
    (line) => Deno.writeTextFile(`${line.folder}/keys/live.key`, "not a key\n"),
  ],
  [
    "a certificate for another key",
    "certs/live.crt",
    async (line) => {
      const [old] = copies(line, ".crt");
      await Deno.copyFile(`${line.folder}/backups/${old}`, `${line.folder}/certs/live.crt`);
    },
  ],
  [
    "a certificate that is none",
    "certs/live.crt",
    (line) => Deno.writeTextFile(`${line.folder}/certs/live.crt`, "none\n"),
  ],
  [
    "an unstaging that was begun",
    "certs/live.crt",
    (line) => Deno.rename(`${line.folder}/keys/staging.key`, `${line.folder}/keys/live.key`),
  ],
];
for (const [what, file, apart] of cases) {
  Deno.test(`recover: ${what} is in the backups before it is replaced`, async () => {
    await using simulation = await begin();
    const { line } = simulation;
    // The live pair has its copies, as after the next change of it.
    for (const name of ["live.key", "live.crt"]) {
      const folder = name.endsWith("key") ? "keys" : "certs";
      await Deno.copyFile(
        `${line.folder}/${folder}/${name}`,
        `${line.folder}/backups/${name}.2027-01-01.copy`,
      );
    }
    await apart(line);
    const replaced = await line.read(file);
    const { exit, out } = await line.run("recover");
    assertEquals([exit, out.length], [0, 1], out.join("\n"));
    assert(await line.read(file) !== replaced);
    assert((await contents(line)).includes(replaced));
    assertEquals(await line.run("recover"), { exit: 0, out: [], err: [] });
  });
}

Deno.test("recover: a certificate that was revoked does not come back from the backups", async () => {
  await using simulation = await Simulation.begin();
  const { line, ca } = simulation;
  assertEquals((await line.run("init")).exit, 0);
  simulation.time += day;
  assertEquals((await line.run("revoke")).exit, 0);
  assertEquals(ca.revocations.length, 1);
  await Deno.remove(`${line.folder}/certs/live.crt`);
  assertEquals(await line.run("recover"), { exit: 0, out: [], err: [] });
  assertEquals((await line.run("cron")).exit, 0);
  const { serial } = ca.revocations[0].certificate;
  const [live] = [...ca.certificates.values()].slice(-1);
  assert(live.serial !== serial);
  assertEquals(await line.read("certs/live.crt"), live.chain);
});
