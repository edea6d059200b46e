/** The program is killed before every system call that changes its files; whatever is left must heal. */
import { assert, assertEquals } from "../kit/assert.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import { operations, setScene, violationsAfterCrash, violationsAfterRetry } from "./operations.ts";
import { hasStrace, isChange, record, tampered } from "./strace.ts";

const ignore = !await hasStrace();
if (ignore) console.error("SKIPPED: the kill sweep needs strace");

for (const operation of operations) {
  const name = `kill -9 in ${operation.name}: nothing is lost, and the next run finishes it`;
  Deno.test({ name, ignore }, async () => {
    await using ca = await startScriptedCa();
    ca.token = (name) => `token-of-${name.replaceAll(".", "-")}`;
    const scene = await setScene(ca, operation);
    const args = ["-k", operation.action];
    const { outcome, calls } = await record(scene.line, args, [scene.line.folder, ca.challengeDir]);
    assertEquals(outcome.exit, 0, outcome.err.join("\n"));
    const violations: string[] = [];
    const points = sample(calls.filter((each) => isChange(each) && each.name !== "openat"), 12);
    let killed = 0;
    for (const [i, call] of points.entries()) {
      await scene.reset();
      const { issued } = ca;
      const { exit, err } = await tampered(scene.line, args, call, "signal=SIGKILL");
      const note = (each: string) =>
        violations.push(`killed before ${call.name} ${call.nth} of ${call.path}: ${each}`);
      // How often a challenge is polled differs from run to run: the last points may lie beyond the end.
      if (exit === 137) killed++;
      else if (exit !== 0) note(`exit ${exit}: ${err}`);
      (await violationsAfterCrash(scene)).forEach(note);
      (await violationsAfterRetry(scene, issued, { recovers: i % 2 === 0 })).forEach(note);
    }
    report("kill", operation.name, killed, violations);
    assertEquals(violations, []);
    assert(killed > 0.9 * points.length - 1, `${killed} of ${points.length} points were reached`);
  });
}
