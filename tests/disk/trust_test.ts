/** Who may change a file: owners, groups, permissions and links, up to the root directory. */
import { judge, type Scope } from "../../lib/disk/trust.ts";
import { assertEquals } from "../kit/assert.ts";
import { isRoot, makeFolder, stranger } from "../kit/files.ts";

const [us, group] = [Deno.uid()!, 4242];

interface Case {
  what: string;
  /** Changes the file `etc/line/file` of a folder, or what is above it. */
  change(at: (name: string) => string): void;
  scope?: Scope;
  /** The path that is to blame, and the cure without it; absent: nobody else may change the file. */
  blamed?: [name: string, cure: string];
}

const chmod = (name: string, mode: number) => (at: (name: string) => string) =>
  Deno.chmodSync(at(name), mode);
const chown = (name: string, uid: number, gid: number, mode: number) => (at: (name: string) => string) => {
  Deno.chownSync(at(name), uid, gid);
  Deno.chmodSync(at(name), mode);
};
const file = "etc/line/file";

const anybodys: Case[] = [
  { what: "nothing special", change() {} },
  { what: "readable for all", change: chmod(file, 0o644) },
  { what: "writable for all", change: chmod(file, 0o646), blamed: [file, "chmod o-w"] },
  {
    what: "in a directory that is writable for all",
    change: chmod("etc/line", 0o757),
    blamed: ["etc/line", "chmod o-w"],
  },
  {
    what: "below a directory that is writable for all",
    change: chmod("etc", 0o757),
    blamed: ["etc", "chmod o-w"],
  },
  { what: "below a directory that is writable for all, but sticky", change: chmod("etc", 0o1777) },
  { what: "missing, in a directory of ours", change: (at) => Deno.removeSync(at(file)) },
  {
    what: "missing, in a directory that is writable for all",
    change(at) {
      Deno.removeSync(at(file));
      Deno.chmodSync(at("etc/line"), 0o757);
    },
    blamed: ["etc/line", "chmod o-w"],
  },
  {
    what: "a link of ours to a file of ours",
    change(at) {
      Deno.renameSync(at(file), at("target"));
      Deno.symlinkSync("../../target", at(file));
    },
  },
  {
    what: "a link of ours to a file that is writable for all",
    change(at) {
      Deno.renameSync(at(file), at("target"));
      Deno.symlinkSync(at("target"), at(file));
      Deno.chmodSync(at("target"), 0o606);
    },
    blamed: ["target", "chmod o-w"],
  },
  {
    what: "a link of ours through a directory that is writable for all",
    change(at) {
      Deno.mkdirSync(at("open"));
      Deno.chmodSync(at("open"), 0o757);
      Deno.renameSync(at(file), at("open/target"));
      Deno.symlinkSync(at("open/target"), at(file));
    },
    blamed: ["open", "chmod o-w"],
  },
  {
    what: "a circle of links",
    change(at) {
      Deno.removeSync(at(file));
      Deno.symlinkSync("file", at(file));
    },
  },
];

const strangers: Case[] = [
  { what: "somebody else's", change: chown(file, stranger, 0, 0o600), blamed: [file, `chown ${us}`] },
  {
    what: "in somebody else's directory",
    change: chown("etc/line", stranger, 0, 0o755),
    blamed: ["etc/line", `chown ${us}`],
  },
  {
    what: "below somebody else's sticky directory",
    change: chown("etc", stranger, 0, 0o1755),
    blamed: ["etc", `chown ${us}`],
  },
  { what: "writable for a group", change: chown(file, us, group, 0o660), blamed: [file, "chmod g-w"] },
  {
    what: "writable for a group and all",
    change: chown(file, us, group, 0o666),
    blamed: [file, "chmod go-w"],
  },
  { what: "writable for root's group", change: chown(file, us, 0, 0o660) },
  { what: "in a group's directory", change: chown("etc", us, group, 0o770), blamed: ["etc", "chmod g-w"] },
  { what: "somebody else's, who may have it", change: chown(file, stranger, 0, 0o600), scope: "way" },
  {
    what: "somebody else's, who may have it, in somebody else's directory",
    change: chown("etc/line", stranger, 0, 0o755),
    scope: "way",
    blamed: ["etc/line", `chown ${us}`],
  },
  {
    what: "in somebody else's directory, where links alone count",
    change: chown("etc/line", stranger, 0, 0o755),
    scope: "links",
  },
  ...(["all", "links"] as Scope[]).map((scope): Case => ({
    what: `somebody else's link to a file of ours (${scope})`,
    change(at) {
      Deno.renameSync(at(file), at("target"));
      Deno.symlinkSync(at("target"), at(file));
      new Deno.Command("chown", { args: ["-h", String(stranger), at(file)] }).outputSync();
    },
    scope,
    blamed: [file, `chown -h ${us}`],
  })),
  {
    what: "below somebody else's link to a directory of ours",
    change(at) {
      Deno.renameSync(at("etc"), at("real"));
      Deno.symlinkSync("real", at("etc"));
      new Deno.Command("chown", { args: ["-h", String(stranger), at("etc")] }).outputSync();
    },
    blamed: ["etc", `chown -h ${us}`],
  },
];

for (const { what, change, scope, blamed } of [...anybodys, ...isRoot ? strangers : []]) {
  Deno.test(`trust: a file that is ${what}`, () => {
    using folder = makeFolder();
    Deno.chmodSync(folder.path, 0o755);
    folder.write(file);
    change((name) => `${folder.path}/${name}`);
    const { flaw, unseen } = judge()(`${folder.path}/${file}`, scope);
    const path = blamed && `${folder.path}/${blamed[0]}`;
    assertEquals(flaw && [flaw.path, flaw.cure], blamed && [path, `${blamed[1]} ${path}`]);
    assertEquals([flaw?.what.includes(`"${path}"`), unseen], [blamed && true, []]);
  });
}

Deno.test("trust: a directory that is to be written to may not even be sticky", () => {
  using folder = makeFolder();
  Deno.chmodSync(folder.path, 0o1777);
  assertEquals(judge()(folder.path).flaw?.cure, `chmod ${isRoot ? "o" : "go"}-w ${folder.path}`);
  assertEquals(judge()(`${folder.path}/file`).flaw, undefined);
});

Deno.test({
  name: "trust: what Deno doesn't let this run look at is told, and taken for good",
  permissions: { read: ["/tmp/letsencrypt-tiny-known"], sys: false },
}, () => {
  assertEquals(judge()("/tmp/letsencrypt-tiny-known/file"), { unseen: ["/", "/tmp"] });
});
