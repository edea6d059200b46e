/** A line that the Python original made is taken over without loss. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { openssl, startPebble } from "../kit/pebble.ts";

const hour = 3_600_000;
const day = 24 * hour;
const silent = { exit: 0, out: [], err: [] };

for (const staged of [false, true]) {
  Deno.test(`a line of the Python original is taken over${staged ? ", with a staged key" : ""}`, async () => {
    await using pebble = await startPebble({ strict: true });
    const settings = { head: "key-length = 2048\n", timing: { "staging-hours": "48" } };
    const line = await makeLine(pebble, settings);
    const domain = (await Deno.readTextFile(line.config)).match(/d\d+\.example\.org/)![0];
    // What the original leaves: PKCS#1 keys and certificates at 0644, numbered backups, no state, a stale CSR.
    const at = (path: string) => `${line.folder}/${path}`;
    const pkcs1 = () => openssl("genrsa", "-traditional", "2048");
    await Deno.writeTextFile(at("account.key"), await pkcs1(), { mode: 0o600 });
    assertEquals((await line.run("init")).exit, 0);
    const asOriginal = async (key: string, mtime: Date) => {
      await Deno.writeTextFile(`${key}.pkcs1`, await openssl("rsa", "-in", key, "-traditional"));
      await Deno.rename(`${key}.pkcs1`, key);
      await Deno.chmod(key, 0o644);
      await Deno.utime(key, mtime, mtime);
    };
    const made = new Date(Date.now() - 100 * day);
    await asOriginal(at("keys/live.key"), made);
    await Deno.remove(at("keys/.live.state.json"));
    await Deno.remove(at("keys/.live.lock"));
    await Deno.writeTextFile(
      at("backups/live.key.2020-01-01.0"),
      await pkcs1(),
    );
    await Deno.writeTextFile(at("certs/live.crt.csr.tmp"), "stale");
    await Deno.chown(at("keys"), 0, 12345);
    if (staged) {
      await Deno.writeTextFile(at("keys/staging.key"), await pkcs1());
      await asOriginal(at("keys/staging.key"), new Date(Date.now() - 30 * day));
    }
    const key = await line.read("keys/live.key");
    const hooks = await line.makeHooks();
    await line.configure({ ...settings, domains: [domain], hooks });

    // The first run: hooks have never succeeded as far as anybody knows, so they run once.
    const first = await line.run("cron", "-k");
    assertEquals(first, {
      exit: 0,
      out: staged ? [`Obtained staging certificate for ${domain}: no certificate`] : [],
      err: [],
    });
    const ran = (await line.hookLog()).filter((each) => each.startsWith("/"));
    assertEquals([...new Set(ran)], ["/certchange", "/keychange"]);
    assertEquals(await line.run("cron", "-k"), silent);
    assertEquals(await line.read("keys/live.key"), key);

    // Its key is as old as its file says.
    const status = JSON.parse((await line.run("status", "--json")).out.join("\n"));
    assertEquals(Date.parse(status.live.key.created), Math.floor(+made / 1000) * 1000);

    // A renewal keeps the key file as it is.
    const renewed = await line.run("renew", "-k");
    assertEquals(renewed.err, []);
    assertEquals(await line.read("keys/live.key"), key);
    assertEquals(line.mode("keys/live.key"), "644");

    if (!staged) {
      await line.configure({
        ...settings,
        timing: { "staging-hours": "48", "max-key-age-days": "90" },
        domains: [domain],
        hooks,
      });
      assertEquals((await line.run("cron", "-k")).out.length, 2);
    }
    // The next key is readable for the group that could enter the directory, and for nobody else.
    line.offset = 49 * hour;
    const unstaged = await line.run("cron", "-k");
    assertEquals(unstaged, {
      exit: 0,
      out: ["Unstaged: the staging key and certificate are live now"],
      err: [
        `notice: "${
          at("keys/live.key")
        }" is no longer readable by everybody, but by the group of its directory`,
      ],
    });
    assertEquals(line.mode("keys/live.key"), "640");
    assertEquals((await Deno.stat(at("keys/live.key"))).gid, 12345);
    await line.verify(pebble, [domain]);
    const backups = [...Deno.readDirSync(at("backups"))].map((each) => `backups/${each.name}`);
    assert((await Promise.all(backups.map(line.read))).includes(key));
    assertEquals(await line.run("cron", "-k"), silent);
  });
}
