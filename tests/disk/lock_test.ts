/** The lock: a file of ours under one name, whatever is planted there, and whoever holds it. */
import { lock } from "../../lib/disk/lock.ts";
import { Failure } from "../../lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../kit/assert.ts";
import { isRoot, makeFolder, modeOf, stranger } from "../kit/files.ts";

const clock = { now: () => new Date("2027-01-02T03:04:05Z") };
const untrusted = (error: unknown) => error instanceof Failure && error.kind === "files.untrusted";

Deno.test("one holds the lock, the next is told who, and after it everybody may", () => {
  using folder = makeFolder();
  const path = `${folder.path}/.live.lock`;
  const before = Deno.umask(0o777);
  const first = lock(path, clock);
  Deno.umask(before);
  assertEquals(modeOf(path).split(" ")[0], "600");
  assertThrows(
    () => lock(path, clock),
    (error: unknown) =>
      error instanceof Failure && error.kind === "run.locked" &&
      error.message === `Another run is active (pid ${Deno.pid}, since 2027-01-02T03:04:05.000Z)`,
  );
  first[Symbol.dispose]();
  lock(path, clock)[Symbol.dispose]();
});

Deno.test("what a longer line left behind is not read", () => {
  using folder = makeFolder();
  const path = folder.write(".live.lock", `pid 1, since ${"x".repeat(80)}\n`);
  using _ = lock(path, clock);
  assertThrows(() => lock(path, clock), /\(pid \d+, since 2027-01-02T03:04:05\.000Z\)$/);
  assert(Deno.readTextFileSync(path).endsWith("xx\n")); // never truncated
});

const planted: [what: string, plant: (path: string, secret: string) => void][] = [
  ["a link to a file", (path, secret) => Deno.symlinkSync(secret, path)],
  ["a link that leads nowhere", (path, secret) => Deno.symlinkSync(`${secret}.new`, path)],
  ["a second name of a file", (path, secret) => Deno.linkSync(secret, path)],
  ["a directory", (path) => Deno.mkdirSync(path)],
  ["a pipe", (path) => new Deno.Command("mkfifo", { args: [path] }).outputSync()],
];
for (const [what, plant] of planted) {
  Deno.test(`${what} as the lock is refused, and nothing is changed through it`, () => {
    using folder = makeFolder();
    const secret = folder.write("secret", "secret", 0o640);
    plant(`${folder.path}/.live.lock`, secret);
    assertThrows(() => lock(`${folder.path}/.live.lock`, clock), untrusted);
    assertEquals([Deno.readTextFileSync(secret), modeOf(secret).split(" ")[0]], ["secret", "640"]);
    assertEquals([...Deno.readDirSync(folder.path)].length, 2);
  });
}

Deno.test({ name: "somebody else's file as the lock is refused", ignore: !isRoot }, () => {
  using folder = makeFolder();
  const path = folder.write(".live.lock", "");
  Deno.chownSync(path, stranger, stranger);
  assertThrows(() => lock(path, clock), untrusted);
  assertEquals(Deno.readTextFileSync(path), "");
});
