/** The whole command against a real CA. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { type Pebble, type PebbleOptions, startPebble } from "../kit/pebble.ts";

const hour = 3_600_000;
const day = 24 * hour;
const silent = { exit: 0, out: [], err: [] };

const lives: (PebbleOptions & { key: string; names?: number })[] = [
  { key: "key-type = rsa\nkey-length = 2048\n", strict: true },
  { key: "key-type = ecdsa\n", nonceReject: 20, chainLength: 3, strict: true, names: 20 },
  { key: "key-type = ecdsa\nkey-length = 256\n", nonceReject: 90, names: 3 },
];
for (const { key, names = 2, ...options } of lives) {
  const title = `${key.trim().replaceAll("\n", ", ")}; ${JSON.stringify(options)}, ${names} names`;
  Deno.test(`the whole life of a line: ${title}`, async () => {
    await using pebble = await startPebble(options);
    const domains = Array.from(
      { length: names },
      (_, i) => `${String.fromCharCode(97 + i)}.life.example.org`,
    );
    const line = await makeLine(pebble, { head: key, domains });
    const hooks = await line.makeHooks();
    const timing = { "max-key-age-days": "256", "staging-hours": "48" };
    const configure = (names: string[], extra: object = {}) =>
      line.configure({
        head: key,
        domains: names,
        hooks,
        timing,
        files: "outputs = chain key+crt",
        ...extra,
      });
    await configure(domains);
    const account = pebble.directory.replace("/dir", "/my-account/");

    // init
    const first = await line.run("init", "-k");
    // The CA is asked while the key is made: which of the two is done first is open.
    const [registered] = first.out.splice(first.out.findIndex((each) => each.startsWith("Registered")), 1);
    assert(registered.startsWith(`Registered account ${account}`), registered);
    assert(
      registered.endsWith("; this accepts the CA's terms: data:text/plain,Do%20what%20thou%20wilt"),
      registered,
    );
    assertEquals(first, {
      exit: 0,
      out: [
        `Generated account key "${line.folder}/account.key"`,
        "Generated live key: first key",
        `Obtained live certificate for ${domains.join(" ")}: first certificate`,
      ],
      err: [],
    });
    await line.verify(pebble, domains);
    const chain = (await line.read("certs/live.crt")).match(/BEGIN CERT/g)?.length;
    assertEquals(chain, 1 + (options.chainLength ?? 1));
    const modes = [
      "certs",
      "keys",
      "backups",
      "account.key",
      "keys/live.key",
      "certs/live.crt",
      "keys/.live.state.json",
    ];
    assertEquals(modes.map(line.mode), ["755", "710", "700", "600", "600", "644", "600"]);
    assertEquals(["keys/live.key+crt", "certs/live.chain"].map(line.mode), ["600", "644"]);
    const leaf = (await line.read("certs/live.crt")).length - (await line.read("certs/live.chain")).length;
    assert((await line.read("certs/live.crt")).slice(leaf) === await line.read("certs/live.chain"));
    assertEquals(
      await line.read("keys/live.key+crt"),
      await line.read("keys/live.key") + await line.read("certs/live.crt"),
    );
    const hooksRun = (await line.hookLog()).filter((each) => each.startsWith("/"));
    assertEquals(hooksRun, ["/certchange", "/keychange"]);
    assertEquals([...Deno.readDirSync(pebble.challengeDir)], []);

    // nothing is due
    assertEquals(await line.run("init", "-k"), silent);
    assertEquals(await line.run("cron", "-k"), silent);
    line.offset = 70 * day;
    assertEquals(await line.run("cron", "-k"), silent);

    // renewal is due
    line.offset = 80 * day;
    const liveKey = await line.read("keys/live.key");
    const before = await line.read("certs/live.crt");
    const renewed = await line.run("cron", "-k");
    assertEquals({ ...renewed, out: renewed.out.map((each) => each.replace(/[\d-]+ [\d:]+ UTC/, "DATE")) }, {
      exit: 0,
      out: [`Obtained live certificate for ${domains.join(" ")}: expires DATE`],
      err: [],
    });
    assertEquals(await line.read("keys/live.key"), liveKey);
    assert(await line.read("certs/live.crt") !== before);
    await line.verify(pebble, domains);
    assertEquals((await line.hookLog()).filter((each) => each.startsWith("/")), ["/certchange"]);

    // the key is due: a new one is staged; its hook fails, and fails, and then succeeds
    line.offset = 30 * day;
    await configure(domains, { timing: { ...timing, "max-key-age-days": "20" } });
    await Deno.writeTextFile(`${line.folder}/fail-keychange`, "");
    const staged = await line.run("cron", "-k");
    const failure = [
      `error: Hook post-keychange failed: "${line.folder}/keychange" ended with status 1`,
      "hint: it will be run again by the next run with -k",
    ];
    assertEquals(staged, {
      exit: 3,
      out: [
        "Generated staging key: the live key is 30 days old",
        `Obtained staging certificate for ${domains.join(" ")}: new key`,
      ],
      err: failure,
    });
    assertEquals(line.mode("keys/staging.key"), "600");
    const log = await line.hookLog();
    const environment = (event: string) => [
      `LETSENCRYPT_TINY_CONFIG=/line.conf`,
      `LETSENCRYPT_TINY_DOMAINS=${domains.join(" ")}`,
      `LETSENCRYPT_TINY_EVENT=post-${event}`,
      `LETSENCRYPT_TINY_LIVE_CRT=/certs/live.crt`,
      `LETSENCRYPT_TINY_LIVE_KEY=/keys/live.key`,
      `LETSENCRYPT_TINY_STAGING_CRT=/certs/staging.crt`,
      `LETSENCRYPT_TINY_STAGING_KEY=/keys/staging.key`,
    ];
    const hash = (await line.run("tlsa")).out[0].split(" ").at(-1);
    const told = (event: string) => [
      `/${event}`,
      ...environment(event),
      `LETSENCRYPT_TINY_TLSA=_443._tcp.${domains[0]}. IN TLSA 3 1 1 ${hash}`,
    ];
    const lines = 2 * domains.length;
    assertEquals(log.map((each) => /^\d+$/.test(each) ? Math.min(Number(each), lines) : each), [
      ...told("certchange"),
      Math.min(lines, 10),
      ...told("keychange"),
      Math.min(lines, 10),
    ]);
    line.offset = 34 * day;
    assertEquals(await line.run("cron", "-k"), { exit: 3, out: [], err: failure });
    assertEquals(await line.read("keys/live.key"), liveKey); // never announced: never live
    await Deno.remove(`${line.folder}/fail-keychange`);
    assertEquals(await line.run("cron", "-k"), silent); // the clock starts now
    const stagingKey = await line.read("keys/staging.key");
    assertEquals((await line.run("tlsa")).out.length, 2 * domains.length);
    line.offset = 36 * day - hour;
    assertEquals(await line.run("cron", "-k"), silent);
    assertEquals(await line.read("keys/live.key"), liveKey);

    // 48 hours later it goes live; the server that fails to reload keeps the old TLSA record in the zone
    line.offset = 36 * day + hour;
    await line.hookLog();
    await Deno.writeTextFile(`${line.folder}/fail-certchange`, "");
    const unstaged = await line.run("cron", "-k");
    assertEquals(unstaged.exit, 3);
    assertEquals(unstaged.out, ["Unstaged: the staging key and certificate are live now"]);
    assertEquals(await line.read("keys/live.key"), stagingKey);
    await line.verify(pebble, domains);
    assertEquals((await line.hookLog()).filter((each) => each.startsWith("/")), ["/certchange"]);
    await Deno.remove(`${line.folder}/fail-certchange`);
    assertEquals(await line.run("cron", "-k"), silent);
    assertEquals((await line.hookLog()).filter((each) => each.startsWith("/")), [
      "/certchange",
      "/keychange",
    ]);
    const backups = [...Deno.readDirSync(`${line.folder}/backups`)].map((each) => each.name);
    assert(backups.some((name) => /^live\.key\.\d{4}-\d\d-\d\d\.[0-9a-f]{8}$/.test(name)), backups.join());
    for (const name of backups) assertEquals(line.mode(`backups/${name}`), "600");
    const kept = await Promise.all(backups.map((name) => line.read(`backups/${name}`)));
    assert(kept.includes(liveKey));
    assert(kept.includes(before));
    assertEquals([...Deno.readDirSync(`${line.folder}/keys`)].map((each) => each.name).sort(), [
      ".live.claim",
      ".live.lock",
      ".live.state.json",
      ".staging.claim",
      "live.key",
      "live.key+crt",
    ]);

    // other names
    const changed = [...domains.slice(1), "new.life.example.org"];
    await configure(changed);
    const other = await line.run("cron", "-k");
    assertEquals(other.out, [`Obtained live certificate for ${changed.join(" ")}: domains changed`]);
    assertEquals(await line.read("keys/live.key"), stagingKey);
    await line.verify(pebble, changed);
    assertEquals(await line.run("cron", "-k"), silent);

    // by hand
    const byHand = await line.run("renew", "-k");
    assertEquals(byHand.out, [`Obtained live certificate for ${changed.join(" ")}: asked for`]);
    assertEquals([...Deno.readDirSync(pebble.challengeDir)], []);
  });
}

Deno.test("a life without staging: the new key goes live at once, RSA 4096 as the sample has it", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, { timing: { "max-key-age-days": "20" } });
  assertEquals((await line.run("init")).exit, 0);
  const size = await line.read("certs/live.crt");
  assert(size.length > 1000);
  const old = await line.read("keys/live.key");
  line.offset = 30 * day;
  const run = await line.run("cron");
  assertEquals(run.err, []);
  assertEquals(run.out.map((each) => each.split(" ")[0]), ["Generated", "Obtained", "Unstaged:"]);
  assert(await line.read("keys/live.key") !== old);
  const domain = run.out[1].split(" ")[4].replace(":", "");
  await line.verify(pebble, [domain]);
  assertEquals(await line.run("cron"), silent);
});

async function withLine(
  options: PebbleOptions,
  test: (line: Awaited<ReturnType<typeof makeLine>>, pebble: Pebble) => Promise<void>,
) {
  await using pebble = await startPebble(options);
  const line = await makeLine(pebble, { head: "key-type = ecdsa\n" });
  await test(line, pebble);
}

Deno.test("a refused name: the CA's words, exit 1, nothing changed, and the next run works", async () => {
  await withLine({ blocked: ["blocked.example.org"] }, async (line) => {
    await line.configure({ head: "key-type = ecdsa\n", domains: ["blocked.example.org"] });
    const refused = await line.run("init");
    assertEquals(refused.exit, 1);
    assertEquals(refused.err.slice(1), [
      "hint: this CA issues nothing for that name: take it out of domains",
    ]);
    assert(
      /^error: The CA refused: rejectedIdentifier: .*blocked\.example\.org/.test(refused.err[0]),
      refused.err[0],
    );
    await line.configure({ head: "key-type = ecdsa\n" });
    assertEquals((await line.run("init")).exit, 0);
  });
});

Deno.test("a challenge that fails: the name and the CA's words, and no challenge file stays", async () => {
  await withLine({}, async (line) => {
    await line.run("init");
    const before = [await line.read("keys/live.key"), await line.read("certs/live.crt")];
    // The web root that the CA asks is another one than the configured.
    const wrong = `${line.folder}/elsewhere`;
    await Deno.mkdir(wrong);
    const config = await Deno.readTextFile(line.config);
    // A name of its own: Pebble remembers one in a hundred that it has validated, even where it is to remember none.
    await line.configure({ head: "key-type = ecdsa\n", domains: ["new.example.org"], challengeDir: wrong });
    const failed = await line.run("renew");
    assertEquals(failed.exit, 1);
    assertEquals(failed.out, []);
    assert(
      /^error: The CA refused the order: new\.example\.org: unauthorized: /.test(failed.err[0]),
      failed.err[0],
    );
    assertEquals([...Deno.readDirSync(wrong)], []);
    assertEquals([await line.read("keys/live.key"), await line.read("certs/live.crt")], before);
    await Deno.writeTextFile(line.config, config);
    assertEquals((await line.run("renew")).exit, 0);
  });
});

Deno.test("a CA that forgot everything: the account is made again", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await withLine({}, async (line) => {
      await line.run("init");
      await new Deno.Command("cp", {
        args: ["-a", `${line.folder}/account.key`, `${line.folder}/keys`, folder],
      }).output();
    });
    await withLine({}, async (line, pebble) => {
      await new Deno.Command("cp", { args: ["-a", `${folder}/account.key`, `${folder}/keys`, line.folder] })
        .output();
      const state = JSON.parse(await line.read("keys/.live.state.json"));
      state.account.directory = pebble.directory;
      state.account.url = pebble.directory.replace("dir", "my-account/lost");
      await Deno.writeTextFile(`${line.folder}/keys/.live.state.json`, JSON.stringify(state));
      const run = await line.run("init");
      assertEquals(run.err, []);
      assertEquals(run.exit, 0);
      assert(run.out.some((each) => each.startsWith("Registered account")));
      assert(JSON.parse(await line.read("keys/.live.state.json")).account.url !== state.account.url);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
