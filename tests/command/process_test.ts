/** The real program as processes: the permissions that it needs, and signals. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine, outcome, type TestLine } from "../kit/line.ts";
import { startPebble } from "../kit/pebble.ts";

/** What stands for a line in names that lines share a directory with. */
async function lineId({ folder }: { folder: string }): Promise<string> {
  const path = new TextEncoder().encode(`${folder}/keys/.live.state.json`);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", path)).toHex().slice(0, 8);
}

const silent = { exit: 0, out: [], err: [] };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until nothing of a process group runs; what has ended, but waits for its parent to look, counts as ended. */
async function endsSoon(group: string): Promise<void> {
  for (let attempt = 0;; attempt++) {
    const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pgid=,stat=,args="] }).output();
    const running = new TextDecoder().decode(stdout).split("\n")
      .filter((each) => new RegExp(`^\\s*${group}\\s+[^Z]`).test(each));
    if (running.length === 0) return;
    assert(attempt < 100, running.join("\n"));
    await sleep(20);
  }
}

Deno.test("the whole life of a line under exactly the flags that permissions prints", async () => {
  await using pebble = await startPebble({ nonceReject: 20 });
  const line = await makeLine(pebble);
  const hooks = await line.makeHooks();
  const settings = { hooks, timing: { "staging-hours": "0.001" }, files: "outputs = chain key+crt" };
  await line.configure({ ...settings, head: "key-type = ecdsa\n" });

  const printed = await outcome(line.spawn("permissions", [`--allow-read=${line.config}`]));
  assertEquals(printed.err, []);
  const flags = printed.out[0].split(" ");
  const { folder } = line;
  const port = new URL(pebble.directory).port;
  const own = `${folder}/certs,${folder}/keys,${folder}/backups,${pebble.challengeDir}`;
  // The account key lies in a directory that is nobody's business: this file, and its name until it is whole.
  const account = `${folder}/account.key,${folder}/.account.key.${await lineId(line)}.tmp`;
  assertEquals(flags, [
    `--allow-read=${line.config},${own},${account},${pebble.caFile},${folder}/certchange,${folder}/keychange`,
    `--allow-write=${own},${account}`,
    `--allow-net=localhost:${port}`,
    `--allow-run=${folder}/certchange,${folder}/keychange`,
    "--allow-sys=uid",
  ]);
  const run = async (action: string, ...args: string[]) => await outcome(line.spawn(action, flags, args));

  const first = await run("init", "-k");
  assertEquals(first.err, []);
  assertEquals(first.out.length, 4);
  assertEquals(await run("cron", "-k"), silent);
  assertEquals((await run("renew", "-k")).out.length, 1);
  assertEquals((await run("status")).exit, 0);
  assertEquals((await run("tlsa")).out.length, 1);
  assertEquals(await run("recover"), silent);
  await line.configure({ ...settings, head: "key-type = ecdsa\nkey-length = 384\n" });
  const staged = await run("cron", "-k");
  assertEquals(staged.err, []);
  assertEquals(staged.out[0], "Generated staging key: the configuration asks for ecdsa 384");
  await sleep(4000);
  const unstaged = await run("cron", "-k");
  assertEquals(unstaged, {
    exit: 0,
    out: ["Unstaged: the staging key and certificate are live now"],
    err: [],
  });
  assertEquals(await run("cron", "-k"), silent);
  assertEquals((await line.hookLog()).filter((each) => each.startsWith("/")), [
    "/certchange",
    "/keychange",
    "/certchange",
    "/certchange",
    "/keychange",
    "/certchange",
    "/keychange",
  ]);
});

Deno.test("without a permission, for a hook too, one line names it, exit 4, and nothing has changed", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, { head: "key-type = ecdsa\n" });
  await line.configure({ head: "key-type = ecdsa\n", hooks: await line.makeHooks() });
  const flags = (await outcome(line.spawn("permissions", [`--allow-read=${line.config}`]))).out[0].split(" ");
  assertEquals((await outcome(line.spawn("init", flags, ["-k"]))).exit, 0);
  const before = await line.read("certs/live.crt");
  const asked = pebble.asked.length;
  const without: [flag: string, says: RegExp][] = [
    ["--allow-read", /line\.conf/],
    ["--allow-write", /may not write ".*\/certs"/],
    ["--allow-net", /may not reach "localhost:\d+"/],
    ["--allow-run", /may not run ".*\/certchange"/],
  ];
  for (const [missing, says] of without) {
    const { exit, out, err } = await outcome(
      line.spawn("renew", flags.filter((flag) => !flag.startsWith(missing)), ["-k"]),
    );
    assertEquals([exit, out], [4, []], err.join("\n"));
    assert(err[0].startsWith("error: Deno may not") && err[0].includes(missing), err.join("\n"));
    assert(says.test(err[0]), err[0]);
    assertEquals(err.slice(1), ["hint: the action permissions prints the flags that are needed"]);
  }
  assertEquals(await line.read("certs/live.crt"), before);
  assertEquals(pebble.asked.length, asked);
  // Who is not told the user's number looks at permissions alone.
  const unnamed = flags.filter((flag) => !flag.startsWith("--allow-sys"));
  assertEquals((await outcome(line.spawn("renew", unnamed, ["-k"]))).exit, 0);
});

Deno.test("with [tlsa] the printed flags let DNS and services be asked, wherever they are", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, {
    head: "key-type = ecdsa\n",
    tlsa: "services = _443._tcp.www.example.org\nresolver = 127.0.0.1:1",
  });
  const directory = `${line.folder}/conf.d`;
  await Deno.mkdir(directory);
  await Deno.rename(line.config, `${directory}/line.conf`);
  line.config = directory;
  const flags = (await outcome(line.spawn("permissions", [`--allow-read=${directory}`]))).out[0].split(" ");
  assert(flags.includes("--allow-net"), flags.join(" "));
  assertEquals((await outcome(line.spawn("init", flags))).exit, 0);
  const { exit, out, err } = await outcome(line.spawn("check", flags));
  const isWeb = (each: string) => each.startsWith("http://");
  assertEquals(out.filter(isWeb).length, 1);
  assert(
    out.find(isWeb)!.includes(".example.org/.well-known/acme-challenge/ can't be fetched"),
    out.join("\n"),
  );
  const isCaa = (each: string) => each.startsWith("CAA ");
  assertEquals([exit, out.filter((each) => !isWeb(each) && !isCaa(each)), err], [1, [
    "the resolver 127.0.0.1 refuses the connection at _443._tcp.www.example.org",
    "www.example.org:443 can't be looked up: the resolver 127.0.0.1 refuses the connection: is it up?",
  ], []]);
});

Deno.test("under the printed flags a directory above a configured one is not made, and init says so", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble);
  const text = (await Deno.readTextFile(line.config)).replace(
    /^certs = .*$/m,
    `certs = ${pebble.folder}/a/b/certs`,
  );
  await Deno.writeTextFile(line.config, text);
  const flags = (await outcome(line.spawn("permissions", [`--allow-read=${line.config}`]))).out[0].split(" ");
  assertEquals(await outcome(line.spawn("init", flags)), {
    exit: 4,
    out: [],
    err: [
      `error: The directory "${pebble.folder}/a/b" does not exist`,
      `hint: mkdir -p ${pebble.folder}/a/b: the flags of this run are for what lies in it only`,
    ],
  });
  assertEquals((await outcome(line.spawn("init", ["-A"]))).exit, 0);
});

for (const [signal, status] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  Deno.test(`${signal} in mid-run: no challenge file stays, exit ${status}, and the next run takes up the order`, async () => {
    await using pebble = await startPebble();
    const line = await makeLine(pebble, { head: "key-type = ecdsa\n" });
    pebble.delay = 60_000;
    const child = line.spawn("init", ["-A"]);
    while (pebble.asked.length === 0) await sleep(20);
    assertEquals([...Deno.readDirSync(pebble.challengeDir)].length, 1);
    child.kill(signal);
    assertEquals((await outcome(child)).exit, status);
    assertEquals([...Deno.readDirSync(pebble.challengeDir)], []);
    const [order] = JSON.parse(await line.read("keys/.live.state.json")).orders;
    assert(order.url.includes("/my-order/") && order.outcome === "open", JSON.stringify(order));
    // Pebble gets a 404 now. Whether it had that before or after the next run looks, that run succeeds.
    pebble.delay = 0;
    const next = await line.run("init");
    assertEquals(next.exit, 0, next.err.join());
  });
}

Deno.test("a signal ends the hook with all that it started", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble);
  const hooks = await line.makeHooks();
  await line.configure({ head: "key-type = ecdsa\n", hooks });
  await Deno.writeTextFile(
    `${line.folder}/certchange`,
    `#!/bin/sh\necho $$ > ${line.folder}/pid\nsleep 300 & wait\n`,
  );
  const child = line.spawn("init", ["-A"], ["-k"]);
  let pid = "";
  while (!(pid = await line.read("pid").catch(() => ""))) await sleep(20);
  const begin = performance.now();
  child.kill("SIGTERM");
  assertEquals((await outcome(child)).exit, 143);
  // What it started has its outputs, and would keep them open.
  assert(performance.now() - begin < 60_000);
  await endsSoon(pid.trim());
  // It has not succeeded, so it is due.
  await line.makeHooks();
  await line.run("cron", "-k");
  assertEquals((await line.hookLog()).filter((each) => each.startsWith("/")), ["/certchange", "/keychange"]);
});

/** A run that somebody looks at: what a terminal leaves visible of each line is what follows the last "erase". */
async function atTerminal(
  { command, args, env }: ReturnType<TestLine["command"]>,
  more: Record<string, string> = {},
) {
  const quoted = [command, ...args].map((each) => `'${each}'`).join(" ");
  const { exit, out } = await outcome(
    new Deno.Command("script", {
      args: ["-qefc", quoted, "/dev/null"],
      env: { ...env, ...more },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  const left = out.map((each) => each.split("\x1b[K").at(-1)!.trim()).filter((each) => each);
  return { exit, shown: out.join("\n"), left };
}

Deno.test("at a terminal the work shows life, and what was done stays, with what comes next", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, { domains: ["a.example.org", "b.example.org"] });
  const { exit, shown, left } = await atTerminal(line.command("init", ["-A"]));
  assertEquals(exit, 0, shown);
  for (const text of ["Generating a key: rsa 4096 …", "Answered 1 of 2 challenges …", "Answered 2 of 2"]) {
    assert(shown.includes(text), shown);
  }
  // The CA is asked while the key is made: which of the two is done first is open.
  const done = left.map((each) => each.split(" ")[0]);
  assertEquals([done[0], done.slice(1, 3).sort(), done[3]], [
    "Generated",
    ["Generated", "Registered"],
    "Obtained",
  ]);
  // Then where everything is.
  const words = ["certificate", "key", "valid until", "issued by", "due next"];
  assertEquals(left.slice(4).map((each) => each.slice(0, 15).trim()), words);
  assert(left[4].endsWith(`${line.folder}/certs/live.crt`), left[4]);

  const calm = await atTerminal(line.command("cron", ["-A"]));
  assertEquals([calm.exit, calm.left[0], calm.left[1].slice(0, 8)], [0, "Nothing is due now", "due next"]);
  assertEquals(await outcome(line.spawn("cron", ["-A"])), silent);

  const status = async (noColor: string) =>
    (await atTerminal(line.command("status", ["-A"]), { NO_COLOR: noColor })).left;
  assertEquals((await status(""))[0], "line: \x1b[32mok\x1b[0m, 89 days left");
  assertEquals((await status("1"))[0], "line: ok, 89 days left");
});
