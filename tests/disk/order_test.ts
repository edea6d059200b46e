/** In which order the kernel hears of changes: names are durable before what they came from goes, contents before names. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine, type TestLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { type Call, hasStrace, isChange, pathsIn, record } from "../crash/strace.ts";

const ignore = !await hasStrace();
if (ignore) console.error("SKIPPED: the order of system calls needs strace");

/** Calls in short: what happens to which file, without the line's folder. */
function brief(calls: readonly Call[], { folder }: TestLine): string[] {
  return calls.filter(isChange).map((call) => {
    const paths = pathsIn(call).map((each) => each.replace(`${folder}/`, ""));
    const name = call.name.replace(/at2?$/, "").replace("f" + "chmod", "chmod").replace(
      "f" + "chown",
      "chown",
    );
    return [name, ...new Set(paths)].join(" ");
  });
}

/** Every one of these comes, in this order. */
function assertOrder(said: string[], ...wanted: RegExp[]): void {
  let at = -1;
  for (const each of wanted) {
    const next = said.findIndex((call, i) => i > at && each.test(call));
    assert(
      next > at,
      `${each} does not come after ${at < 0 ? "the beginning" : said[at]}:\n${said.join("\n")}`,
    );
    at = next;
  }
}

/** A line whose staged pair may go live now; `prepare` puts it into place. */
async function unstaging(prepare: (line: TestLine) => Promise<void> = async () => {}) {
  const ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  assertEquals((await line.run("init")).exit, 0);
  const head = "key-type = ecdsa\nkey-length = 384\n";
  await line.configure({ head, timing: { "staging-hours": "1000" } });
  assertEquals((await line.run("cron")).exit, 0);
  await line.configure({ head });
  await prepare(line);
  const { outcome, calls } = await record(line, ["cron"], [line.folder]);
  assertEquals(outcome.exit, 0, outcome.err.join("\n"));
  await ca[Symbol.asyncDispose]();
  return brief(calls, line);
}

Deno.test(
  { name: "unstaging: copies, then names, then permissions, then key and certificate", ignore },
  async () => {
    const said = await unstaging();
    assertOrder(
      said,
      /^link backups\/\.live\.key.*\.tmp backups\/live\.key\./,
      /^fsync backups$/,
      /^chmod keys\/staging\.key$/,
      /^fsync keys\/staging\.key$/,
      /^rename keys\/staging\.key keys\/live\.key$/,
      /^rename certs\/staging\.crt certs\/live\.crt$/,
      /^fsync certs$/,
    );
    // What was staged is durable under its names before it gets the live ones.
    assertOrder(said, /^fsync keys$/, /^fsync certs$/, /^rename keys\/staging\.key/);
    const [key, crt] = [/^rename keys\/staging/, /^rename certs\/staging/].map((each) =>
      said.findIndex((call) => each.test(call))
    );
    assertEquals(
      said.slice(key + 1, crt).filter((each) => !/\.old\.tmp/.test(each)),
      [],
      "nothing may fail in between",
    );
    assertOrder(said.slice(crt), /^fsync keys$/);
  },
);

Deno.test(
  { name: "unstaging through a link: the copy is durable before the original goes", ignore },
  async () => {
    const said = await unstaging(async ({ folder }) => {
      await Deno.mkdir(`${folder}/elsewhere`);
      await Deno.rename(`${folder}/keys/live.key`, `${folder}/elsewhere/live.key`);
      await Deno.symlink(`${folder}/elsewhere/live.key`, `${folder}/keys/live.key`);
    });
    assertOrder(
      said,
      /^fsync elsewhere\/\.live\.key\.tmp$/,
      /^rename elsewhere\/\.live\.key\.tmp elsewhere\/live\.key$/,
      /^rename certs\/staging\.crt certs\/live\.crt$/,
      /^fsync elsewhere$/,
      /^unlink keys\/staging\.key$/,
    );
  },
);

Deno.test(
  { name: "a new directory is durable in the one above before anything is in it", ignore },
  async () => {
    await using ca = await startScriptedCa();
    const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
    const { outcome, calls } = await record(line, ["init"], [line.folder]);
    assertEquals(outcome.exit, 0, outcome.err.join("\n"));
    const said = brief(calls, line);
    for (const directory of ["keys", "certs", "backups"]) {
      const made = said.findIndex((each) => each === `mkdir ${directory}`);
      const [first] = said.map((each, i) => ({ each, i })).filter(({ each, i }) =>
        i > made && each.includes(`${directory}/`)
      );
      const above = said.findIndex((each, i) => i > made && each === `fsync ${line.folder}`);
      assert(made >= 0 && above > made && (!first || above < first.i), `${directory}:\n${said.join("\n")}`);
    }
  },
);
