/** Challenge files in a directory that is somebody else's: whatever its owner does there, nothing else is touched. */
import type { Presented } from "../../lib/acme/challenge.ts";
import { Failure } from "../../lib/errors.ts";
import { webRootSolver } from "../../lib/steps/web_root.ts";
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { isRoot, makeFolder, modeOf, namesIn, stranger } from "../kit/files.ts";

const token = "token-that-everybody-knows";
const keyAuthorization = `${token}.thumbprint`;
const presented = { name: "example.org", isWildcard: false, token, keyAuthorization } as Presented;
const attempt = async (act: () => Promise<void>) => await act().then(() => undefined, (error) => error);

Deno.test("a challenge file is there when it may be asked for, readable for all, and goes away", async () => {
  using folder = makeFolder();
  const remembered: string[][] = [];
  const solver = webRootSolver(folder.path, {
    leave: () => {},
    present: (tokens) => {
      assertEquals(namesIn(folder.path), []); // remembered first
      remembered.push(tokens);
    },
  });
  const before = Deno.umask(0o777);
  try {
    await solver.present([presented]);
  } finally {
    Deno.umask(before);
  }
  assertEquals(Deno.readTextFileSync(`${folder.path}/${token}`), keyAuthorization);
  assertEquals([modeOf(`${folder.path}/${token}`).split(" ")[0], remembered], ["644", [[token]]]);
  await solver.remove([presented]);
  assertEquals(namesIn(folder.path), []);
});

Deno.test("two lines with the same order: the one that comes second leaves the file of the first alone", async () => {
  using folder = makeFolder();
  const remembered: string[][] = [];
  const first = webRootSolver(folder.path);
  const second = webRootSolver(folder.path, {
    present: (tokens) => void remembered.push(tokens),
    leave: () => {},
  });
  await first.present([presented]);
  await second.present([presented]);
  assertEquals(remembered, [[]]); // nor is it removed after a crash
  await second.remove([presented]);
  assertEquals(namesIn(folder.path), [token]);
  await first.remove([presented]);
  assertEquals(namesIn(folder.path), []);
});

Deno.test("what has taken the place of our file meanwhile is not removed", async () => {
  using folder = makeFolder();
  const solver = webRootSolver(folder.path);
  await solver.present([presented]);
  Deno.renameSync(`${folder.path}/${token}`, `${folder.path}/ours`);
  folder.write(token, "another");
  await solver.remove([presented]);
  assertEquals(Deno.readTextFileSync(`${folder.path}/${token}`), "another");
});

const obstacles: [what: string, put: (path: string, secret: string) => void][] = [
  ["a directory", (path) => Deno.mkdirSync(path)],
  ["a link", (path, secret) => Deno.symlinkSync(secret, path)],
  ["a link that leads nowhere", (path) => Deno.symlinkSync("/nonexistent/file", path)],
  ["a pipe", (path) => new Deno.Command("mkfifo", { args: [path] }).outputSync()],
  ["another content", (path) => Deno.writeTextFileSync(path, "another")],
  ["more than our content", (path) => Deno.writeTextFileSync(path, `${keyAuthorization}.`)],
];
for (const [what, put] of obstacles) {
  Deno.test(`${what} in the place of a challenge file: this order fails, and it stays as it is`, async () => {
    using folder = makeFolder();
    const secret = folder.write("secret", keyAuthorization);
    const path = `${folder.path}/challenges/${token}`;
    Deno.mkdirSync(`${folder.path}/challenges`);
    put(path, secret);
    const before = modeOf(path);
    const solver = webRootSolver(`${folder.path}/challenges`);
    await assertRejects(
      async () => await solver.present([presented]),
      (error: unknown) =>
        error instanceof Failure && error.kind === "files.taken" && error.about.path === path,
    );
    await solver.remove([presented]);
    assertEquals([modeOf(path), modeOf(secret).split(" ")[0]], [before, "600"]);
    assertEquals(Deno.readTextFileSync(secret), keyAuthorization);
  });
}

Deno.test("a challenge file that a crash cut short is written anew", async () => {
  using folder = makeFolder();
  for (const begun of ["", keyAuthorization.slice(0, 9)]) {
    folder.write(token, begun);
    const solver = webRootSolver(folder.path);
    await solver.present([presented]);
    assertEquals(Deno.readTextFileSync(`${folder.path}/${token}`), keyAuthorization);
    await solver.remove([presented]);
    assertEquals(namesIn(folder.path), []);
  }
});

Deno.test({
  name: "who owns the challenge directory swaps names for links all the time: no other file is changed",
  ignore: !isRoot,
}, async () => {
  using folder = makeFolder({ isOpen: true });
  const secret = folder.write("secret", "secret");
  const directory = `${folder.path}/challenges`;
  Deno.mkdirSync(directory);
  Deno.chownSync(directory, stranger, stranger);
  const names = [token, `.${token}.tmp`, ".letsencrypt-tiny.probe.tmp"].map((name) => `${directory}/${name}`);
  // In Perl, which is everywhere and starts at once: Deno would have to be readable for that account.
  const script =
    `$| = 1; my ($secret, @names) = @ARGV; my $swaps = 0; $SIG{TERM} = sub { print $swaps; exit };
print "ready\\n";
while (1) { for (@names) { $swaps++ if -f $_ && !-l $_ && unlink($_) && symlink($secret, $_); unlink if -l $_ && rand() < .5 } }`;
  const attacker = new Deno.Command("perl", {
    args: ["-e", script, secret, ...names],
    cwd: "/", // ours may be closed to that account
    uid: stranger,
    gid: stranger,
    stdout: "piped",
  }).spawn();
  const reader = attacker.stdout.getReader();
  await reader.read();
  const until = performance.now() + 3000;
  let rounds = 0;
  for (; performance.now() < until; rounds++) {
    const solver = webRootSolver(directory);
    await attempt(() => solver.present([presented]));
    await attempt(() => solver.remove([presented]));
    assertEquals([modeOf(secret), Deno.readTextFileSync(secret)], ["600 0 0", "secret"], `round ${rounds}`);
  }
  attacker.kill("SIGTERM");
  const swaps = Number(new TextDecoder().decode((await reader.read()).value));
  reader.releaseLock();
  await attacker.stdout.cancel();
  await attacker.status;
  assert(rounds > 100 && swaps > 20, `${swaps} swaps in ${rounds} rounds`);
});
