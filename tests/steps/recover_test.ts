/** Recovery: each row of the table by which an interrupted run is finished or undone. */
import { assertEquals } from "../kit/assert.ts";
import { makeLine, type TestLine } from "../kit/line.ts";
import { startPebble } from "../kit/pebble.ts";

const silent = { exit: 0, out: [], err: [] };
const certs = ["certs/live.crt", "certs/staging.crt"];
const keys = ["keys/live.key", "keys/staging.key"];

/** The files of a line as letters: L, S the live and the staging pair, O an older one; x damaged, - missing. */
interface Row {
  what: string;
  /** live.key, live.crt, staging.key, staging.crt. */
  from: string;
  to: string;
  says: string;
  backups?: string[];
}

const rows: Row[] = [
  { what: "nothing is wrong", from: "LL--", to: "LL--", says: "" },
  { what: "nothing is wrong, a pair is staged", from: "LLSS", to: "LLSS", says: "" },
  { what: "a staging key waits for its certificate", from: "LLS-", to: "LLS-", says: "" },
  {
    what: "unstaging was interrupted after the key",
    from: "SL-S",
    to: "SS--",
    says: "LIVE.CRT from the staging certificate",
  },
  {
    what: "unstaging was interrupted; the old certificate is damaged",
    from: "Sx-S",
    to: "SS--",
    says: "LIVE.CRT from the staging certificate",
  },
  { what: "the certificate went first", from: "LSS-", to: "SS--", says: "LIVE.KEY from the staging key" },
  {
    what: "the live key is gone, its copy is staged",
    from: "-LL-",
    to: "LL--",
    says: "LIVE.KEY from the staging key",
  },
  {
    what: "a left-over copy of the live key",
    from: "LLL-",
    to: "LL--",
    says: "Removed STAGING.KEY: it is the live key",
  },
  {
    what: "a left-over copy of the live pair",
    from: "LLLL",
    to: "LL--",
    says: "Removed STAGING.KEY: it is the live key",
  },
  {
    what: "a left-over copy of the live certificate",
    from: "LL-L",
    to: "LL--",
    says: "Removed STAGING.CRT: it is for the live key",
  },
  {
    what: "an older certificate in the backups fits the live key",
    from: "OL--",
    to: "OO--",
    says: 'LIVE.CRT from the backup "NAME"',
    backups: ["OO"],
  },
  {
    what: "the certificate is gone, and in the backups",
    from: "O---",
    to: "OO--",
    says: 'LIVE.CRT from the backup "NAME"',
    backups: ["OO"],
  },
  {
    what: "a key in the backups fits the live certificate",
    from: "xO--",
    to: "OO--",
    says: 'LIVE.KEY from the backup "NAME"',
    backups: ["OO"],
  },
  {
    what: "the live key is gone, and in the backups",
    from: "-OSS",
    to: "OOSS",
    says: 'LIVE.KEY from the backup "NAME"',
    backups: ["OO"],
  },
  { what: "a good key without any certificate stays", from: "L---", to: "L---", says: "" },
  { what: "a good key with a damaged certificate stays", from: "Lx--", to: "Lx--", says: "" },
];

Deno.test("recover: each row of the table, offline, and once only", async (test) => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, { head: "key-type = ecdsa\n", timing: { "staging-hours": "1" } });
  const files = await threePairs(line);
  const damaged = new TextEncoder().encode("-----BEGIN CERTIFICATE-----\nAAAA\n");
  const at = (path: string) => `${line.folder}/${path}`;
  const places = [keys[0], certs[0], keys[1], certs[1]];
  const read = () =>
    places.map((path, i) => {
      const kind = path.startsWith("keys") ? 0 : 1;
      let bytes: Uint8Array;
      try {
        bytes = Deno.readFileSync(at(path));
      } catch {
        return "-";
      }
      const found = Object.keys(files).find((name) => files[name][kind].toHex() === bytes.toHex());
      return found ?? (bytes.toHex() === damaged.toHex() ? "x" : `?${i}`);
    }).join("");
  for (const { what, from, to, says, backups = [] } of rows) {
    await test.step(`${what}: ${from} → ${to}`, async () => {
      for (const { name } of Deno.readDirSync(at("backups"))) Deno.removeSync(at(`backups/${name}`));
      places.forEach((path, i) => {
        try {
          Deno.removeSync(at(path));
        } catch { /* it is not there */ }
        const letter = from[i];
        if (letter === "-") return;
        Deno.writeFileSync(at(path), letter === "x" ? damaged : files[letter][i % 2], { mode: 0o600 });
      });
      for (const name of backups) {
        Deno.writeFileSync(at(`backups/live.key.2020-01-01.${name}`), files[name[0]][0], { mode: 0o600 });
        Deno.writeFileSync(at(`backups/live.crt.2020-01-01.${name}`), files[name[1]][1], { mode: 0o600 });
      }
      assertEquals(read(), from);
      const replaced = places.slice(0, 2).map((path, i) => [to[i] === from[i] ? undefined : i, path] as const)
        .flatMap(([i]) => i === undefined || from[i] === "-" || from[i] === "x" ? [] : [files[from[i]][i]]);
      const outcome = await line.run("recover");
      const said = outcome.out.join("\n").replace(
        /"[^"]*\/(live|staging)\.(key|crt)"/g,
        (_, slot, kind) => `${slot}.${kind}`.toUpperCase(),
      )
        .replace(/backup "live\.\w+\.2020-01-01\.OO"/, 'backup "NAME"').replaceAll("Recovered: ", "");
      assertEquals([outcome.exit, outcome.err], [0, []]);
      assertEquals(said.split("\n")[0], says);
      assertEquals(read(), to);
      // What was replaced has a copy.
      const copies = [...Deno.readDirSync(at("backups"))].map(({ name }) =>
        Deno.readFileSync(at(`backups/${name}`)).toHex()
      );
      assertEquals(replaced.filter((bytes) => !copies.includes(bytes.toHex())), []);
      assertEquals(await line.run("recover"), silent);
    });
  }
});

/** Three pairs for one line, as bytes of key and certificate: O before L before S. */
async function threePairs(line: TestLine): Promise<Record<string, Uint8Array[]>> {
  const bytes = async (slot: number) => [
    await Deno.readFile(`${line.folder}/${keys[slot]}`),
    await Deno.readFile(`${line.folder}/${certs[slot]}`),
  ];
  const stage = async (length: number) => {
    await line.configure({
      head: `key-type = ecdsa\nkey-length = ${length}\n`,
      timing: { "staging-hours": "1" },
    });
    assertEquals((await line.run("cron")).err, []);
  };
  await line.run("init");
  const O = await bytes(0);
  await stage(384);
  line.offset = 2 * 3_600_000;
  await line.run("cron");
  const L = await bytes(0);
  await stage(256);
  const S = await bytes(1);
  return { O, L, S };
}
