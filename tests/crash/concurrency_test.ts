/** Several runs at once, and servers that read while files change. */
import { parseConfig } from "../../lib/config/config.ts";
import { installCertificate, promote } from "../../lib/steps/install.ts";
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine, outcome } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import { program } from "./strace.ts";

for (const count of [2, 20]) {
  Deno.test(`${count} runs at once: one works, the others leave with 75 and touch nothing`, async () => {
    await using ca = await startScriptedCa();
    const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
    ca.patience = count * 150; // longer than all of them need to start
    const [command, ...args] = await program(line, ["init"]);
    const runs = Array.from(
      { length: count },
      () =>
        outcome(new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn()),
    );
    const outcomes = await Promise.all(runs);
    assertEquals(
      outcomes.map(({ exit }) => exit).sort((a, b) => a - b),
      [0, ...Array(count - 1).fill(75)],
      outcomes.map(({ err }) => err.join(" / ")).join("\n"),
    );
    for (const { exit, out, err } of outcomes) {
      if (exit === 0) continue;
      assertEquals([out, err.length], [[], 1]);
      assert(/^error: Another run is active( \(pid \d+, since .*\))?$/.test(err[0]), err[0]);
    }
    assertEquals([ca.orders.size, ca.issued, ca.violations], [1, 1, []]);
    ca.patience = 0;
    assertEquals(await line.run("cron"), { exit: 0, out: [], err: [] });
  });
}

Deno.test("two lines share directories, challenge directory and account key, and run at once", async () => {
  await using ca = await startScriptedCa();
  const [one, two] = [await makeLine(ca), await makeLine(ca)];
  const settings = { head: "key-type = ecdsa\n" };
  for (const [line, name] of [[one, "one"], [two, "two"]] as const) {
    await line.configure({ ...settings, domains: [`${name}.example.org`] });
    const text = (await Deno.readTextFile(line.config)).replaceAll(two.folder, one.folder)
      .replace("live = live", `live = ${name}`).replace("staging = staging", `staging = next-${name}`);
    await Deno.writeTextFile(line.config, text);
  }
  assertEquals((await one.run("init")).exit, 0);
  assertEquals((await two.run("init")).exit, 0);
  for (let i = 0; i < 10; i++) {
    const results = await Promise.all([one.run("renew", "--force"), two.run("renew", "--force")]);
    for (const { exit, err } of results) assertEquals([exit, err], [0, []]);
  }
  assertEquals(ca.violations, []);
});

Deno.test("whoever opens live.key and live.crt while they change finds both, and whole", async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca);
  const config = parseConfig(await Deno.readTextFile(line.config), line.config);
  const at = (path: string) => `${line.folder}/${path}`;
  const content = (kind: string, i: number) =>
    `BEGIN ${kind}\n${`${i}\n`.repeat(200 + i % 300)}END ${kind}\n`;
  for (const directory of ["keys", "certs", "backups"]) await Deno.mkdir(at(directory));
  await Deno.writeTextFile(at("keys/live.key"), content("key", 0));
  await Deno.writeTextFile(at("certs/live.crt"), content("crt", 0));

  const source = `
    const whole = (kind, text) => text.startsWith("BEGIN " + kind) && text.endsWith("END " + kind + "\\n");
    const found = { reads: 0, missing: 0, partial: 0 };
    onmessage = ({ data: { key, crt, stop } }) => {
      const flag = new Int32Array(stop);
      while (Atomics.load(flag, 0) === 0) {
        for (const [path, kind] of [[key, "key"], [crt, "crt"]]) {
          try {
            found.reads++;
            if (!whole(kind, Deno.readTextFileSync(path))) found.partial++;
          } catch { found.missing++; }
        }
      }
      postMessage(found);
    };
    postMessage("ready");`;
  const reader = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), {
    type: "module",
  });
  const message = () => new Promise<MessageEvent>((resolve) => reader.onmessage = resolve);
  await message();
  const stop = new SharedArrayBuffer(4);
  reader.postMessage({ key: at("keys/live.key"), crt: at("certs/live.crt"), stop });
  const rounds = sample(Array.from({ length: 500 }, (_, i) => i + 1), 50);
  for (const i of rounds) {
    await installCertificate(config, "live", content("crt", 1000 + i));
    await Deno.writeTextFile(at("keys/staging.key"), content("key", i));
    await Deno.writeTextFile(at("certs/staging.crt"), content("crt", i));
    await promote(config);
  }
  const answer = message();
  Atomics.store(new Int32Array(stop), 0, 1);
  const { reads, ...trouble } = (await answer).data;
  reader.terminate();
  report(
    "reader",
    `${2 * rounds.length} changes, ${reads} reads`,
    reads,
    Array(trouble.missing + trouble.partial),
  );
  assert(reads > rounds.length, `only ${reads} reads`);
  assertEquals(trouble, { missing: 0, partial: 0 });
});
