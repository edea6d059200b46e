/** Every written name belongs to one line: a second configuration that names it is refused, or takes it over. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine, outcome, type TestLine } from "../kit/line.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";
import { namesIn } from "../kit/files.ts";

const head = "key-type = ecdsa\n";

/** Two lines, the second with some of the first one's names. */
async function twoLines(
  ca: ScriptedCa,
  change: (text: string, first: string, second: string) => string,
): Promise<[TestLine, TestLine]> {
  const [first, second] = [await makeLine(ca, { head }), await makeLine(ca, { head })];
  assertEquals((await first.run("init")).exit, 0);
  const text = await Deno.readTextFile(second.config);
  await Deno.writeTextFile(second.config, change(text, first.folder, second.folder));
  return [first, second];
}

const everything = (text: string, first: string, second: string) =>
  text.replace(`certs = ${second}`, `certs = ${first}`).replace(`keys = ${second}`, `keys = ${first}`);

const shared: [what: string, change: Parameters<typeof twoLines>[1], names: string][] = [
  ["all files", everything, "keys/live.*"],
  [
    "the certificates",
    (text, first, second) => text.replace(`certs = ${second}`, `certs = ${first}`),
    "certs/live.*",
  ],
  ["the keys", (text, first, second) => text.replace(`keys = ${second}`, `keys = ${first}`), "keys/live.*"],
  [
    "the staged pair",
    (...args) => everything(...args).replace("live = live", "live = second"),
    "keys/staging.*",
  ],
  [
    "the staged pair, as its live one",
    (...args) =>
      everything(...args).replace("live = live", "live = staging").replace(
        "staging = staging",
        "staging = next",
      ),
    "keys/staging.*",
  ],
];
for (const [what, change, names] of shared) {
  Deno.test(`a second configuration that names ${what} of a line is refused, with both, and changes nothing`, async () => {
    await using ca = await startScriptedCa();
    const [first, second] = await twoLines(ca, change);
    const before = [
      await first.read("certs/live.crt"),
      await first.read("keys/live.key"),
      ca.requests.length,
    ];
    for (const action of ["init", "renew", "cron"]) {
      Deno.mkdirSync(`${second.folder}/keys`, { recursive: true });
      Deno.mkdirSync(`${second.folder}/certs`, { recursive: true });
      const { exit, out, err } = await second.run(action);
      assertEquals([exit, out, err[0]], [
        2,
        [],
        `error: "${first.folder}/${names}" belongs to "${first.config}": "${second.config}" names it too`,
      ]);
    }
    assertEquals(
      [await first.read("certs/live.crt"), await first.read("keys/live.key"), ca.requests.length],
      before,
    );
    assertEquals((await first.run("renew")).exit, 0);
  });
}

Deno.test("two lines with names of their own share directories", async () => {
  await using ca = await startScriptedCa();
  const [first, second] = await twoLines(
    ca,
    (...args) =>
      everything(...args).replace("live = live", "live = second").replace(
        "staging = staging",
        "staging = next",
      ),
  );
  assertEquals((await second.run("init")).exit, 0);
  for (const line of [first, second, first]) assertEquals((await line.run("renew")).err, []);
  assertEquals(namesIn(`${first.folder}/certs`), [
    ".live.claim",
    ".next.claim",
    ".second.claim",
    ".staging.claim",
    "live.crt",
    "second.crt",
  ]);
});

Deno.test("the command of the hint gives a line's files to another configuration, and no way back", async () => {
  await using ca = await startScriptedCa();
  const [first, second] = await twoLines(ca, everything);
  const { err } = await second.run("cron");
  const command = /: (rm .*)$/.exec(err[1])?.[1];
  assert(command, err[1]);
  assert(new Deno.Command("sh", { args: ["-c", command] }).outputSync().success);
  assertEquals((await second.run("init")).exit, 0);
  const { exit, err: refused } = await first.run("cron");
  assertEquals([exit, refused[0]], [
    2,
    `error: "${first.folder}/keys/live.*" belongs to "${second.config}": "${first.config}" names it too`,
  ]);
});

Deno.test("a configuration that was renamed takes its files over by itself, and says so once", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head });
  assertEquals((await line.run("init")).exit, 0);
  const before = line.config;
  line.config = `${line.folder}/renamed.conf`;
  await Deno.rename(before, line.config);
  const took = (names: string) => `Took over "${line.folder}/${names}" from "${before}", which is gone`;
  assertEquals(await line.run("cron"), {
    exit: 0,
    out: [took("keys/live.*"), took("keys/staging.*"), took("certs/live.*"), took("certs/staging.*")],
    err: [],
  });
  assertEquals(await line.run("cron"), { exit: 0, out: [], err: [] });
});

Deno.test("the same configuration by another path is the same", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head });
  assertEquals((await line.run("init")).exit, 0);
  Deno.symlinkSync(line.config, `${line.folder}/link.conf`);
  line.config = `${line.folder}/link.conf`;
  assertEquals(await line.run("cron"), { exit: 0, out: [], err: [] });
});

Deno.test("a claim that a power cut took or cut short is made again; a line from before claims makes its own", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head });
  assertEquals((await line.run("init")).exit, 0);
  const claims = ["keys/.live.claim", "keys/.staging.claim", "certs/.live.claim", "certs/.staging.claim"].map(
    (each) => `${line.folder}/${each}`,
  );
  Deno.removeSync(claims[0]);
  Deno.truncateSync(claims[1]);
  Deno.writeTextFileSync(claims[2], line.config.slice(0, 9)); // the beginning of its path
  Deno.writeTextFileSync(claims[3], "\0".repeat(400));
  assertEquals((await line.run("cron")).exit, 0);
  for (const each of claims) assertEquals(Deno.readTextFileSync(each), `${line.config}\n`);
});

Deno.test("two configurations begin with the same files at once: one gets them, the other is refused", async () => {
  await using ca = await startScriptedCa();
  // With lock files of their own, and one staged pair.
  const [one, two] = [await makeLine(ca, { head }), await makeLine(ca, { head })];
  for (const [i, line] of [one, two].entries()) {
    const text = (await Deno.readTextFile(line.config)).replaceAll(`= ${two.folder}`, `= ${one.folder}`);
    await Deno.writeTextFile(line.config, text.replace("live = live", `live = live${i}`));
  }
  const runs = [one, two].map((line) => outcome(line.spawn("init", ["-A"])));
  const found = await Promise.all(runs);
  assertEquals(found.map(({ exit }) => exit).sort(), [0, 2], found.flatMap(({ err }) => err).join("\n"));
  const winner = found[0].exit === 0 ? one : two;
  for (const name of ["keys/.staging.claim", "certs/.staging.claim"]) {
    assertEquals(await one.read(name), `${winner.config}\n`);
  }
});
