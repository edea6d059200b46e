/** Several lines in one run: independent of each other, but for the CA's connection, account and limits. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine, type Settings, type TestLine } from "../kit/line.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";

const ecdsa: Settings = { head: "key-type = ecdsa\n" };

/** Lines that share an account key, in files `a.conf`, `b.conf` … of one directory. */
async function makeLines(ca: ScriptedCa, count: number): Promise<{ lines: TestLine[]; directory: string }> {
  const directory = `${ca.folder}/conf.d`;
  await Deno.mkdir(directory);
  const lines = [];
  for (let i = 0; i < count; i++) {
    const line = await makeLine(ca, { ...ecdsa, domains: [`${letter(i)}.example.org`] });
    const text = await Deno.readTextFile(line.config);
    line.config = `${directory}/${letter(i)}.conf`;
    const shared = text.replace(/account-key = .*/, `account-key = ${ca.folder}/account.key`);
    await Deno.writeTextFile(line.config, shared);
    lines.push(line);
  }
  return { lines, directory };
}

const letter = (i: number) => String.fromCharCode(97 + i);
const others = (lines: TestLine[]) => lines.slice(1).flatMap((line) => ["-c", line.config]);
const count = (ca: ScriptedCa, kind: string) => ca.requests.filter((each) => each.kind === kind).length;

Deno.test("many lines begin together: one directory, one account, and each has its name in front of what it says", async () => {
  await using ca = await startScriptedCa();
  const { lines, directory } = await makeLines(ca, 5);
  const [first] = lines;
  const { exit, out, err } = await first.run(...others(lines), "init");
  assertEquals([exit, err], [0, []]);
  for (const [i, line] of lines.entries()) {
    const name = letter(i);
    assert(out.includes(`${name}: Generated live key: first key`), out.join("\n"));
    assert(out.includes(`${name}: Obtained live certificate for ${name}.example.org: first certificate`));
    const { account } = JSON.parse(await line.read("keys/.live.state.json"));
    assert(account.url.startsWith(ca.directory.replace("directory", "account")), account.url);
    await line.verify(ca, [`${name}.example.org`]);
  }
  assertEquals(["directory", "newAccount", "newOrder"].map((kind) => count(ca, kind)), [1, 1, 5]);
  assertEquals(out.filter((each) => each.includes("Registered account")).length, 1);
  assertEquals(out.filter((each) => each.includes("Generated account key")).length, 1);
  assertEquals(ca.violations, []);

  // The directory stands for all of them, and for nothing else that lies in it.
  await Deno.writeTextFile(`${directory}/notes.txt`, "not a configuration");
  first.config = directory;
  assertEquals(await first.run("-k", "cron"), { exit: 0, out: [], err: [] });
  const statuses = JSON.parse((await first.run("status", "--json")).out.join("\n"));
  assertEquals(statuses.map((each: { config: string }) => each.config.slice(directory.length)), [
    ...["/a.conf", "/b.conf", "/c.conf", "/d.conf", "/e.conf"],
  ]);
  const records = (await first.run("tlsa")).out;
  assertEquals(
    records.map((each) => each.split(" ")[0]),
    lines.map((_, i) => `_443._tcp.${letter(i)}.example.org.`),
  );
  const flags = (await first.run("permissions")).out[0];
  for (const line of lines) assert(flags.includes(`${line.folder}/keys`), flags);
});

Deno.test("one line fails, the others go on, and the exit status is the worst", async () => {
  await using ca = await startScriptedCa();
  const { lines } = await makeLines(ca, 5);
  const [first, broken, keyless, hooked, refused] = lines;
  assertEquals((await first.run(...others(lines), "init")).exit, 0);
  await Deno.writeTextFile(broken.config, "nonsense\n", { append: true });
  await Deno.writeTextFile(`${keyless.folder}/keys/live.key`, "damaged");
  await Deno.writeTextFile(`${hooked.folder}/hook`, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const config = await Deno.readTextFile(hooked.config);
  await Deno.writeTextFile(
    hooked.config,
    config.replace("[hooks]", `[hooks]\npost-certchange = ${hooked.folder}/hook`),
  );
  ca.fault = ({ kind, answer }) => {
    if (kind === "authorization") answer.body = (answer.body as string).replace('"dns"', '"dns", "x":1');
    if (kind === "newOrder" && String(answer.body).includes("e.example.org")) {
      answer.status = 400;
      answer.headers["content-type"] = "application/problem+json";
      answer.body = JSON.stringify({ type: "urn:ietf:params:acme:error:rejectedIdentifier", detail: "no" });
    }
  };
  const before = await refused.read("certs/live.crt");
  const { exit, out, err } = await first.run(...others(lines), "-k", "renew");
  assertEquals(exit, 4);
  assertEquals(out.sort(), [
    "a: Obtained live certificate for a.example.org: asked for",
    "d: Obtained live certificate for d.example.org: asked for",
  ]);
  const says = (name: string) => err.filter((each) => each.startsWith(`${name}: error: `));
  assertEquals(["a", "b", "c", "d", "e"].map((name) => says(name).length), [0, 1, 1, 1, 1], err.join("\n"));
  assert(/b\.conf:\d+: Expected "key = value"/.test(says("b")[0]), err.join("\n"));
  assert(says("e")[0].includes("rejectedIdentifier: no"), err.join("\n"));
  assertEquals(await refused.read("certs/live.crt"), before);
  ca.fault = undefined;
});

Deno.test("lines of the same name in different directories are told apart by their paths", async () => {
  await using ca = await startScriptedCa();
  const [one, two] = [await makeLine(ca, ecdsa), await makeLine(ca, ecdsa)];
  const { out } = await one.run("-c", two.config, "init");
  for (const line of [one, two]) {
    assert(out.includes(`${line.config}: Generated live key: first key`), out.join());
  }
});

Deno.test("a directory without configurations is an error", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, ecdsa);
  line.config = ca.challengeDir;
  const { exit, err } = await line.run("cron");
  assertEquals([exit, err], [2, [`error: ${ca.challengeDir}: There is no *.conf in this directory`]]);
});

Deno.test("Retry-After to one line holds back all, and at most eight requests are under way", async () => {
  await using ca = await startScriptedCa();
  const { lines } = await makeLines(ca, 12);
  assertEquals((await lines[0].run(...others(lines), "init")).exit, 0);
  ca.requests.length = 0;
  let asked = 0;
  ca.fault = async ({ kind, nth, answer }) => {
    if (kind === "newOrder" && nth === 1) {
      asked = performance.now();
      answer.status = 503;
      answer.headers["retry-after"] = "1";
    } else await new Promise((resolve) => setTimeout(resolve, 10));
  };
  assertEquals((await lines[0].run(...others(lines), "renew")).exit, 0);
  ca.fault = undefined;
  // Those that were under way when the CA asked for it are through within a moment.
  const meanwhile = ca.requests.filter(({ begin }) => begin > asked + 100 && begin < asked + 950);
  assertEquals(meanwhile, []);
  assertEquals([count(ca, "directory"), count(ca, "newAccount")], [1, 0]);
  assertEquals(Math.max(...ca.requests.map(({ begin }) => atOnce(ca, begin))) <= 8, true);
  assertEquals(ca.violations, []);
});

const atOnce = ({ requests }: ScriptedCa, instant: number) =>
  requests.filter(({ begin, end }) => begin <= instant && instant < end).length;

Deno.test("hooks of several lines run one at a time", async () => {
  await using ca = await startScriptedCa();
  const { lines } = await makeLines(ca, 3);
  const hook = `${ca.folder}/hook`;
  await Deno.writeTextFile(
    hook,
    `#!/bin/sh\nmkdir ${ca.folder}/alone && sleep 0.1 && rmdir ${ca.folder}/alone\n`,
    {
      mode: 0o755,
    },
  );
  for (const line of lines) {
    const config = await Deno.readTextFile(line.config);
    await Deno.writeTextFile(line.config, config.replace("[hooks]", `[hooks]\npost-certchange = ${hook}`));
  }
  assertEquals((await lines[0].run(...others(lines), "-k", "init")).exit, 0);
});

Deno.test("--jitter waits a random time at most that long, never where a person waits", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, ecdsa);
  assertEquals((await line.run("init")).exit, 0);
  const { main } = await import("../../lib/command/cli.ts");
  const { realSystem } = await import("../../lib/command/world.ts");
  const waits: number[] = [];
  const world = { ...realSystem(), sleep: (ms: number) => Promise.resolve(void waits.push(ms)) };
  const args = ["-c", line.config, "cron", "--jitter", "10"];
  for (let i = 0; i < 20; i++) assertEquals(await main(args, { ...world, isInteractive: false }), 0);
  assertEquals(await main(args, { ...world, isInteractive: true }), 0);
  assertEquals(waits.length, 20);
  assert(waits.every((each) => each >= 0 && each <= 600_000), String(waits));
  assert(new Set(waits).size > 15, String(waits));
});

Deno.test("two lines with the same files: the second is refused", async () => {
  await using ca = await startScriptedCa();
  const { lines: [one, two] } = await makeLines(ca, 2);
  const text = (await Deno.readTextFile(two.config)).replaceAll(two.folder, one.folder).replace(
    "live = live",
    "live = two",
  );
  await Deno.writeTextFile(two.config, text);
  const { exit, err } = await one.run("-c", two.config, "init");
  const path = `${one.folder}/keys/staging.key`;
  assertEquals([exit, err], [2, [
    `b: error: ${two.config}: "${path}" belongs to ${one.config} as well`,
    "b: hint: name other files in section [files], or other directories in [dirs]",
  ]]);
});

Deno.test("a directory stands for links in it too; one that leads nowhere is named", async () => {
  await using ca = await startScriptedCa();
  const { lines: [one, two], directory } = await makeLines(ca, 2);
  assertEquals((await one.run("-c", two.config, "init")).exit, 0);
  await Deno.rename(two.config, `${ca.folder}/available`);
  await Deno.symlink(`${ca.folder}/available`, two.config);
  await Deno.symlink(`${ca.folder}/nowhere`, `${directory}/c.conf`);
  one.config = directory;
  const { exit, out, err } = await one.run("tlsa");
  assertEquals(out.map((each) => each.split(" ")[0]), [
    "_443._tcp.a.example.org.",
    "_443._tcp.b.example.org.",
  ]);
  assertEquals([exit, err], [2, [
    `c: error: ${directory}/c.conf: The configuration file does not exist`,
  ]]);
});

Deno.test("a line that can't be read keeps its place in what is printed of the others", async () => {
  await using ca = await startScriptedCa();
  const { lines, directory } = await makeLines(ca, 3);
  const [first, broken, encrypted] = lines;
  assertEquals((await first.run(...others(lines), "init")).exit, 0);
  const text = await Deno.readTextFile(broken.config);
  await Deno.writeTextFile(broken.config, text.replace("key-type = ecdsa", "key-type = dsa"));
  const damaged = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
  await Deno.writeTextFile(`${encrypted.folder}/keys/live.key`, damaged);
  first.config = directory;

  const { exit, out, err } = await first.run("status", "--json");
  const statuses = JSON.parse(out.join("\n")) as { config: string; error?: string; due: string[] }[];
  assertEquals(statuses.map(({ config }) => config), lines.map((_, i) => `${directory}/${letter(i)}.conf`));
  assertEquals([exit, err.map((each) => each.split(": ").slice(0, 2).join(": "))], [4, [
    "b: error",
    "c: error",
  ]]);
  for (const [i, { error }] of statuses.entries()) {
    assertEquals(error, i === 0 ? undefined : err[i - 1].slice("b: error: ".length));
  }

  // Flags for the lines that can be read: the others fail by themselves, and stop nobody.
  const flags = await first.run("permissions");
  assertEquals([flags.exit, flags.err.length, flags.out.length], [2, 1, 1]);
  for (const [i, line] of lines.entries()) {
    assertEquals(flags.out[0].includes(`${line.folder}/keys`), i !== 1, flags.out[0]);
  }
});

Deno.test("a clock that is behind: status says so, and all that is known all the same", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, ecdsa);
  assertEquals((await line.run("init")).exit, 0);
  line.offset = -30 * 86_400_000;
  const { exit, out, err } = await line.run("status", "--json");
  const { live, due, error } = JSON.parse(out.join("\n"));
  assertEquals([exit, due, typeof live.certificate.notAfter], [75, [], "string"]);
  assert(error.startsWith("The live certificate is not valid before "), error);
  assertEquals(err[0], `error: ${error}`);
  assert(err[1].startsWith("hint: the clock of this machine says "), err[1]);
});
