/** The power fails after any system call of a real run; `recover` must make a matching pair of whatever is left. */
import { assert, assertEquals } from "../kit/assert.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import {
  operations,
  setScene,
  violationsAfterCrash,
  violationsAfterRecovery,
  violationsAfterRetry,
} from "./operations.ts";
import { type Image, powerCuts } from "./power_cut.ts";
import { hasStrace, isChange, record } from "./strace.ts";

const ignore = !await hasStrace();
if (ignore) console.error("SKIPPED: the power cuts need strace");

for (const operation of operations) {
  Deno.test({ name: `power cut in ${operation.name}: recover finds a matching pair`, ignore }, async () => {
    await using ca = await startScriptedCa();
    const scene = await setScene(ca, operation);
    await scene.reset();
    const { folder } = scene.line;
    const before = readImage(folder);
    const { outcome, calls } = await record(scene.line, ["-k", operation.action], [folder]);
    assertEquals(outcome.exit, 0, outcome.err.join("\n"));
    const own = calls.filter((each) => isChange(each) || each.name.includes("sync"));
    // The lock's content and what proves that there is room mean nothing to anybody.
    const ignored = (path: string) => /\.lock$|\.probe\.tmp$|\/saw-|^.*\/line\d+\/[^/]*\.conf$/.test(path);
    const images = [...powerCuts(folder, before, own, ignored)];
    const chosen = sample(images, 100);
    const violations: string[] = [];
    for (const [i, { after, image }] of chosen.entries()) {
      writeImage(folder, before, image);
      const note = (each: string) =>
        violations.push(`after ${after.name} ${after.nth} of ${after.path}: ${each}`);
      (await violationsAfterCrash(scene)).forEach(note);
      // An order that the cut took from the state was paid for by the run that was recorded: here it may be made again.
      (await (i % 10 > 0 ? violationsAfterRecovery(scene) : violationsAfterRetry(scene, ca.issued))).forEach(
        note,
      );
    }
    report("power", operation.name, chosen.length, violations);
    assertEquals(violations, []);
    assert(images.length >= 3, String(images.length));
  });
}

/** Everything below a folder but what never changes there: configuration and hooks. */
function readImage(folder: string, image: Image = new Map()): Image {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) readImage(path, image.set(path, undefined));
    else image.set(path, Deno.readFileSync(path));
  }
  return image;
}

function writeImage(folder: string, before: Image, image: Image): void {
  for (const name of ["keys", "certs", "backups", "account.key"]) {
    try {
      Deno.removeSync(`${folder}/${name}`, { recursive: true });
    } catch { /* it is not there */ }
  }
  const settled = [...before.keys()].filter((path) => /\.conf$|change$/.test(path));
  // Sorted, a directory comes before what lies in it.
  for (const [path, bytes] of [...image].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (settled.includes(path)) continue;
    if (bytes) Deno.writeFileSync(path, bytes, { mode: 0o600 });
    else Deno.mkdirSync(path, { mode: 0o710 });
  }
}
