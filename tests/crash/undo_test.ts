/** A certificate that can't be replaced, and a kill while the key before it is put back. */
import { assert, assertEquals } from "../kit/assert.ts";
import { isRoot, makeFolder, succeeds } from "../kit/files.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import { operations, setScene, violationsAfterCrash, violationsAfterRetry } from "./operations.ts";
import { hasStrace, isChange, record, tampered } from "./strace.ts";

const canFreeze = isRoot && (() => {
  using folder = makeFolder();
  const path = folder.write("file");
  return succeeds("chattr", "+i", path) && succeeds("chattr", "-i", path);
})();
if (!canFreeze) console.error("SKIPPED: files that can't be replaced need root and chattr");

Deno.test({
  name: "kill -9 while an unstaging is undone: nothing is lost, and the next run finishes it",
  ignore: !canFreeze || !await hasStrace(),
}, async () => {
  await using ca = await startScriptedCa();
  const scene = await setScene(ca, operations.find(({ name }) => name === "cron unstages")!);
  const crt = `${scene.line.folder}/certs/live.crt`;
  const args = ["-k", "cron"];
  try {
    succeeds("chattr", "+i", crt);
    const { outcome, calls } = await record(scene.line, args, [scene.line.folder]);
    assertEquals(
      [outcome.exit, outcome.err[0].includes(`replacing "${crt}"`)],
      [4, true],
      outcome.err.join("\n"),
    );
    const changes = calls.filter((each) => isChange(each) && each.name !== "openat");
    const first = changes.findIndex(({ name, path }) =>
      name.startsWith("link") && path.endsWith("/live.key")
    );
    assert(first > 0, changes.map(({ name, path }) => `${name} ${path}`).join("\n"));
    const points = sample(changes.slice(first), 14);
    const violations: string[] = [];
    for (const call of points) {
      succeeds("chattr", "-i", crt);
      await scene.reset();
      succeeds("chattr", "+i", crt);
      const { issued } = ca;
      const { exit } = await tampered(scene.line, args, call, "signal=SIGKILL");
      succeeds("chattr", "-i", crt);
      const note = (each: string) => violations.push(`${call.name} ${call.nth} of ${call.path}: ${each}`);
      if (exit !== 137) note(`exit ${exit}`);
      (await violationsAfterCrash(scene)).forEach(note);
      (await violationsAfterRetry(scene, issued)).forEach(note);
    }
    report("undo", "cron unstages", points.length, violations);
    assertEquals(violations, []);
  } finally {
    succeeds("chattr", "-i", crt);
  }
});
