/** Real file systems that end without being flushed, at any system call of a run and after its end. */
import { assertEquals } from "../kit/assert.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import { FileSystem, fileSystems, type FileSystemType, whyNot } from "./file_system.ts";
import {
  operations,
  type Scene,
  setScene,
  violationsAfterCrash,
  violationsAfterRetry,
} from "./operations.ts";
import { hasStrace, isChange, record, tampered } from "./strace.ts";

const cannotTrace = !await hasStrace();

/** The pairs of a line, as far as they are there. */
const pairs = ({ line }: Scene) =>
  Promise.all(
    ["keys/live.key", "certs/live.crt", "keys/staging.key", "certs/staging.crt"].map((path) =>
      line.read(path).catch(() => "")
    ),
  );

for (const type of Object.keys(fileSystems) as FileSystemType[]) {
  const why = cannotTrace ? "strace is missing" : await whyNot(type);
  if (why !== undefined) console.error(`SKIPPED: power cuts on ${type}: ${why}`);
  for (const operation of operations) {
    const name = `${operation.name} on ${type} that loses what is not flushed`;
    Deno.test({ name, ignore: why !== undefined }, async () => {
      await using ca = await startScriptedCa();
      ca.token = (name) => `token-of-${name.replaceAll(".", "-")}`;
      await using disk = await FileSystem.make(type, ca.folder);
      // The line lies there, and nothing else of the CA's.
      const scene = await setScene(
        Object.create(ca, { folder: { value: disk.folder } }) as ScriptedCa,
        operation,
      );
      const args = ["-k", operation.action];
      const { outcome, calls } = await record(scene.line, args, [scene.line.folder]);
      assertEquals(outcome.exit, 0, outcome.err.join("\n"));
      const violations: string[] = [];
      const points = sample(calls.filter((each) => isChange(each) && each.name !== "openat"), 3);
      for (const call of [...points, undefined]) {
        await scene.reset();
        await disk.flush();
        const { issued } = ca;
        const note = (each: string) =>
          violations.push(
            `${call ? `cut before ${call.name} ${call.nth} of ${call.path}` : "cut at the end"}: ${each}`,
          );
        if (call) await tampered(scene.line, args, call, "signal=SIGKILL");
        else await scene.line.run(...args);
        const before = await pairs(scene);
        await disk.cutPower();
        if (!call) {
          (await pairs(scene)).forEach((each, i) => each !== before[i] && note(`file ${i} is another`));
        }
        (await violationsAfterCrash(scene)).forEach(note);
        (await violationsAfterRetry(scene, issued)).forEach(note);
      }
      report("flush", `${operation.name} on ${type}`, points.length + 1, violations);
      assertEquals(violations, []);
    });
  }
}
