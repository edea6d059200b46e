/** What the command makes of failures: exit statuses, and the nearest hint. */
import { exitStatus, gravest, hint } from "../../lib/command/hints.ts";
import { runHook } from "../../lib/command/hook_process.ts";
import { type About, Failure, type Kind } from "../../lib/errors.ts";
import { assertEquals, assertRejects } from "../kit/assert.ts";

const now = new Date("2027-01-02T03:04:05Z");
const problem = (type: string, detail = "", instance?: string) => ({
  problem: { type: `urn:ietf:params:acme:error:${type}`, detail, instance, subproblems: [] },
});

const rows: [Kind, About, number, string | undefined, message?: string][] = [
  ["usage.arguments", {}, 2, undefined],
  ["config.entry", {}, 2, undefined],
  ["config.entry", { cure: "do this" }, 2, "do this"],
  ["config.hook", { code: "EACCES", path: "/h" }, 2, "chmod +x /h"],
  ["config.claimed", {}, 2, "name other files in section [files], or other directories in [dirs]"],
  ["files.storage", { code: "ENOSPC" }, 4, "make room on that file system"],
  ["files.storage", { code: "EWHATEVER" }, 4, undefined],
  ["files.not-begun", {}, 4, "run init to begin this line"],
  ["ca.unreachable", { isTemporary: true }, 75, "requests go through the proxy p:1: is it up?"],
  [
    "ca.unreachable",
    { isTemporary: true },
    75,
    "the proxy p:1 wants a name and a password: HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT",
    "Cannot reach the CA ca.example: proxy authentication required",
  ],
  ["ca.untrusted", {}, 1, "set ca-file if this is a private CA", "… invalid peer certificate: UnknownIssuer"],
  [
    "ca.untrusted",
    {},
    1,
    "the CA's server must have a certificate that its root has signed: not the root certificate itself",
    "… invalid peer certificate: Other(CaUsedAsEndEntity)",
  ],
  ["ca.clock", {}, 1, "the clock of this machine says 2027-01-02 03:04:05 UTC: is it right?"],
  ["ca.slow", {}, 75, "the next run takes up this order"],
  ["ca.refused", problem("malformed"), 1, undefined],
  ["ca.refused", problem("badCSR", "weak"), 1, undefined],
  [
    "ca.refused",
    problem("badCSR", "public key is forbidden"),
    1,
    "the CA takes this key from nobody any more: run compromise for a new one",
  ],
  [
    "ca.refused",
    problem("unauthorized", 'Account is not valid, has status "deactivated"'),
    1,
    "the account can't be used any more: move the account key away, and run init for another",
  ],
  ["ca.refused", problem("unauthorized", "Incorrect TXT record"), 1, undefined],
  [
    "ca.refused",
    { ...problem("rateLimited", "", "https://ca.example/limits"), isTemporary: true },
    75,
    "a rate limit of the CA is used up: see https://ca.example/limits",
  ],
  [
    "ca.refused",
    problem("userActionRequired", "", `https://ca.example/${"x".repeat(900)}`),
    1,
    `read and accept the CA's new terms at https://ca.example/${"x".repeat(900)}`,
  ],
  [
    "hook.start",
    { code: "ENOENT" },
    3,
    "is the interpreter in its first line there, and has it Unix line ends?",
  ],
  ["hook.failed", {}, 3, "it will be run again by the next run with -k"],
  ["run.locked", {}, 75, undefined],
  ["run.clock", {}, 75, "the clock of this machine says 2027-01-02 03:04:05 UTC: is it right?"],
];

Deno.test("each failure has its exit status, and the nearest hint", () => {
  for (const [kind, about, status, cure, message = "…"] of rows) {
    const failure = new Failure(kind, message, about);
    assertEquals([kind, exitStatus(failure), hint(failure, { now, proxy: "p:1" })], [kind, status, cure]);
  }
  assertEquals(exitStatus(new TypeError()), 70);
  assertEquals([[], [3, 75], [1, 75], [1, 2], [2, 4], [4, 70]].map(gravest), [0, 75, 1, 2, 4, 70]);
});

const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-hooks-" });
const mount = async (...args: string[]) => (await new Deno.Command("mount", { args }).output()).success;
const canMount = await mount("-t", "tmpfs", "-o", "noexec,size=1m", "tmpfs", folder).catch(() => false);
if (!canMount) console.error("SKIPPED: a hook on a file system without exec needs the right to mount");

Deno.test({
  name: "a hook that can't be started: the hint names what is in its way",
  ignore: !canMount,
  async fn() {
    const elsewhere = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-hooks-" });
    try {
      const write = (path: string, text: string) => Deno.writeTextFile(path, text, { mode: 0o755 });
      await write(`${folder}/hook`, "#!/bin/sh\n");
      await write(`${elsewhere}/dos`, "#!/bin/sh\r\n");
      await write(`${elsewhere}/busy`, "#!/bin/sh\n");
      using _busy = await Deno.open(`${elsewhere}/busy`, { write: true });
      const expected = {
        [`${folder}/hook`]: "is it executable, and its file system not mounted with noexec?",
        [`${elsewhere}/dos`]: "is the interpreter in its first line there, and has it Unix line ends?",
        [`${elsewhere}/busy`]: "somebody is writing to it; it will be run again by the next run with -k",
      };
      for (const [program, cure] of Object.entries(expected)) {
        await assertRejects(() => runHook(program, {}), (error: Failure) => {
          assertEquals([error.kind, hint(error, { now })], ["hook.start", cure]);
          return true;
        });
      }
    } finally {
      await new Deno.Command("umount", { args: [folder] }).output();
      for (const each of [folder, elsewhere]) await Deno.remove(each, { recursive: true });
    }
  },
});
