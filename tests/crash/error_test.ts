/** Every system call on the line's files fails once; the run says so in one line, and the next one heals. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import { operations, setScene, violationsAfterCrash, violationsAfterRetry } from "./operations.ts";
import { type Call, hasStrace, record, tampered } from "./strace.ts";

const ignore = !await hasStrace();
if (ignore) console.error("SKIPPED: the error sweep needs strace");

const errors = ["ENOSPC", "EIO", "EROFS", "EACCES", "EDQUOT", "EMFILE"];

for (const operation of operations) {
  const name =
    `each file operation of ${operation.name} fails: one line, nothing is lost, the next run finishes it`;
  Deno.test({ name, ignore }, async () => {
    await using ca = await startScriptedCa();
    ca.token = (name) => `token-of-${name.replaceAll(".", "-")}`;
    const scene = await setScene(ca, operation);
    const args = ["-k", operation.action];
    const { outcome, calls } = await record(scene.line, args, [scene.line.folder, ca.challengeDir]);
    assertEquals(outcome.exit, 0, outcome.err.join("\n"));
    const points: [Call, string][] = calls.flatMap((call) =>
      errors.map((error): [Call, string] => [call, error])
    );
    const violations: string[] = [];
    const chosen = sample(points, 11); // no divisor of the number of points: each error gets its turn
    let missed = 0;
    for (const [i, [call, error]] of chosen.entries()) {
      await scene.reset();
      const { issued } = ca;
      const { exit, err, struck } = await tampered(scene.line, args, call, `error=${error}`);
      const note = (each: string) =>
        violations.push(`${error} at ${call.name} ${call.nth} of ${call.path}: ${each}`);
      const [first = "", second = "", ...more] = err.filter((each) => !each.startsWith("notice: "));
      // No error is overlooked. How often the state is written differs from run to run: the last may lie beyond the end.
      if (!struck) missed++;
      // Who holds the lock is good to know, no more; a backup or a derived file that can't be read is made again.
      const isToKnow = call.name === "write" && call.path.endsWith(".lock");
      const isReadBack = call.name === "openat" && /\/backups\/|\+crt$/.test(call.path) && exit === 0;
      const matters = struck && !isToKnow && !isReadBack;
      // What can't be read in backups is no copy, with a warning where it is looked for.
      const isCopy = call.path.startsWith(`${scene.line.folder}/backups/`) &&
        ["openat", "read"].includes(call.name);
      const isExplained = isCopy && exit === 0
        ? /^(warning: .*)?$/.test(first)
        : matters
        ? exit === (call.path === scene.line.config ? 2 : 4) && /^error: .*"\/.*"/.test(first) &&
          /^(hint: .*)?$/.test(second) && more.length === 0
        : exit === 0 && first === "";
      if (!isExplained) note(`exit ${exit}: ${err.join(" / ")}`);
      (await violationsAfterCrash(scene)).forEach(note);
      (await violationsAfterRetry(scene, issued, { recovers: i % 2 === 0 })).forEach(note);
    }
    report("error", operation.name, chosen.length - missed, violations);
    assertEquals(violations, []);
    assert(missed <= 0.1 * chosen.length, `${missed} of ${chosen.length} points were missed`);
  });
}

Deno.test({ name: "a file system without locks: refused, not ignored", ignore }, async () => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n" });
  assertEquals((await line.run("init")).exit, 0);
  const path = `${line.folder}/keys/.live.lock`;
  const call: Call = { name: "flock", path, nth: 1, args: "", result: "" };
  const { requests } = ca;
  const before = requests.length;
  const { exit, err, struck } = await tampered(line, ["renew"], call, "error=ENOLCK");
  assertEquals([struck, exit, err, requests.length], [true, 4, [
    `error: Cannot lock "${path}"`,
    "hint: the directory must be on a local file system",
  ], before]);
});
