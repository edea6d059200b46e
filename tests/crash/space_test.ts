/** Little space, several file systems, and a kernel that writes less than it says. */
import { assert, assertEquals } from "../kit/assert.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import {
  operations,
  type Scene,
  setScene,
  violationsAfterCrash,
  violationsAfterRetry,
} from "./operations.ts";
import { hasStrace, record, run, tampered } from "./strace.ts";

const cannotTrace = !await hasStrace();
const cannotMount = !await run("mount", "-t", "tmpfs", "tmpfs", "/mnt").then(() => run("umount", "/mnt"))
  .then(
    () => true,
    () => false,
  );
if (cannotMount) console.error("SKIPPED: tests on small and several file systems need the right to mount");

const chosen = (name: string) => operations.find((each) => each.name === name)!;

/** Puts a file system of its own under a directory of the line, with what is in it. */
async function mount(scene: Scene, directory: string, size: string): Promise<AsyncDisposable> {
  const path = `${scene.line.folder}/${directory}`;
  await run("cp", "-a", path, `${path}.kept`);
  await run("mount", "-t", "tmpfs", "-o", `size=${size},mode=0710`, "tmpfs", path);
  await run("cp", "-a", `${path}.kept/.`, path);
  await run("rm", "-rf", `${path}.kept`);
  return { [Symbol.asyncDispose]: () => run("umount", path) };
}

for (const name of ["cron renews", "cron stages", "cron unstages", "cron stages and unstages"]) {
  Deno.test({ name: `${name} on file systems that fill up`, ignore: cannotMount }, async () => {
    await using ca = await startScriptedCa();
    ca.token = (name) => `token-of-${name.replaceAll(".", "-")}`;
    const scene = await setScene(ca, chosen(name));
    const violations: string[] = [];
    const points = ["keys", "certs", "backups"].flatMap((directory) =>
      Array.from({ length: 9 }, (_, pages) => ({ directory, pages }))
    );
    let full = 0;
    const tried = sample(points, 8);
    for (const { directory, pages } of tried) {
      await scene.reset();
      await using _ = await mount(scene, directory, "64k");
      const filler = `${scene.line.folder}/${directory}/filler`;
      await run(
        "sh",
        "-c",
        `head -c 64k /dev/zero > ${filler} 2>/dev/null; truncate -s -${pages * 4}k ${filler}`,
      );
      const { issued } = ca;
      const { exit, err } = await scene.line.run("-k", scene.operation.action);
      const note = (each: string) => violations.push(`${pages} pages left in ${directory}: ${each}`);
      if (exit !== 0) full++;
      const says = new RegExp(`^error: No space left writing ".*/${directory}/`);
      if (exit !== 0 && (exit !== 4 || !says.test(err[0]))) note(`exit ${exit}: ${err.join(" / ")}`);
      (await violationsAfterCrash(scene)).forEach(note);
      await Deno.remove(filler);
      (await violationsAfterRetry(scene, issued)).forEach(note);
    }
    report("space", name, tried.length, violations);
    assertEquals(violations, []);
    assert(full > 0, "no file system was full");
  });

  Deno.test({
    name: `${name} with keys, certificates and backups on three file systems`,
    ignore: cannotMount,
  }, async () => {
    await using ca = await startScriptedCa();
    const scene = await setScene(ca, chosen(name));
    await using _keys = await mount(scene, "keys", "1m");
    await using _certs = await mount(scene, "certs", "1m");
    await using _backups = await mount(scene, "backups", "1m");
    const { issued } = ca;
    const { exit, err } = await scene.line.run("-k", scene.operation.action);
    assertEquals([exit, err], [0, []]);
    assertEquals(await violationsAfterCrash(scene), []);
    assertEquals(await violationsAfterRetry(scene, issued), []);
  });

  Deno.test({ name: `${name} where a write is lost in part`, ignore: cannotTrace }, async () => {
    await using ca = await startScriptedCa();
    ca.token = (name) => `token-of-${name.replaceAll(".", "-")}`;
    const scene = await setScene(ca, chosen(name));
    const args = ["-k", scene.operation.action];
    const { calls } = await record(scene.line, args, [scene.line.folder, ca.challengeDir]);
    const violations: string[] = [];
    const points = sample(calls.filter((each) => each.name === "write"), 5);
    for (const call of points) {
      await scene.reset();
      const { issued } = ca;
      const { exit, err } = await tampered(scene.line, args, call, "retval=10");
      const note = (each: string) => violations.push(`write ${call.nth} of ${call.path}: ${each}`);
      // The lock's content is nobody's business.
      const matters = !/\.lock$/.test(call.path);
      // How many tokens are remembered at once differs from run to run: the last write may lie beyond the end.
      const isLast = !calls.some((each) => each.path === call.path && each.nth > call.nth);
      if (exit !== (matters ? 4 : 0) && !(isLast && exit === 0)) note(`exit ${exit}: ${err.join(" / ")}`);
      (await violationsAfterCrash(scene)).forEach(note);
      (await violationsAfterRetry(scene, issued)).forEach(note);
    }
    report("lost", name, points.length, violations);
    assertEquals(violations, []);
  });
}

for (const file of ["certs/live.crt", "keys/live.key"]) {
  Deno.test(
    { name: `${file} is a link to another file system: unstaging goes through`, ignore: cannotMount },
    async () => {
      await using ca = await startScriptedCa();
      const scene = await setScene(ca, chosen("cron stages and unstages"));
      const { line } = scene;
      const folder = `${line.folder}/elsewhere`;
      await Deno.mkdir(folder);
      await run("mount", "-t", "tmpfs", "-o", "size=1m,mode=0710", "tmpfs", folder);
      try {
        const target = `${folder}/${file.split("/")[1]}`;
        await Deno.copyFile(`${line.folder}/${file}`, target);
        await Deno.chmod(target, 0o600);
        await Deno.remove(`${line.folder}/${file}`);
        await Deno.symlink(target, `${line.folder}/${file}`);
        const { issued } = ca;
        const { exit, err } = await line.run("-k", "cron");
        assertEquals([exit, err], [0, []]);
        assert((await Deno.lstat(`${line.folder}/${file}`)).isSymlink);
        assertEquals(await violationsAfterRetry(scene, issued), []);
        assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [
          target.slice(folder.length + 1),
        ]);
      } finally {
        await run("umount", folder);
      }
    },
  );
}
