/** The write primitive: whole or not at all, with owner, group and list kept, and whatever lies in the way. */
import { create, fs, remove } from "../../lib/disk/descriptor.ts";
import { checkWritable, makeDirectory } from "../../lib/disk/directory.ts";
import { changeMode, modeOf as modeIn } from "../../lib/disk/mode.ts";
import { formerName, temporaryName } from "../../lib/disk/names.ts";
import { put, renameAll } from "../../lib/disk/write.ts";
import { Failure } from "../../lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../kit/assert.ts";
import { isRoot, makeFolder, modeOf, namesIn, stranger, succeeds } from "../kit/files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (path: string) => Deno.readTextFileSync(path);
const kind = (wanted: string, says: RegExp = /./) => (error: unknown) =>
  error instanceof Failure && error.kind === wanted && says.test(error.message);

Deno.test("put: any umask gives the same permissions, and nothing but the file is left", () => {
  using folder = makeFolder();
  const before = Deno.umask();
  try {
    for (const umask of [0o000, 0o022, 0o077, 0o777]) {
      Deno.umask(umask);
      put(`${folder.path}/file`, bytes("x"), { mode: 0o640 });
      makeDirectory(`${folder.path}/directory`, 0o710);
      assertEquals(modeOf(`${folder.path}/file`).split(" ")[0], "640");
      assertEquals(modeOf(`${folder.path}/directory`).split(" ")[0], "710");
      assertEquals(namesIn(folder.path), ["directory", "file"]);
      Deno.removeSync(`${folder.path}/directory`);
    }
  } finally {
    Deno.umask(before);
  }
});

Deno.test("put: a link that was planted as the temporary name leads nowhere", () => {
  using folder = makeFolder();
  const secret = folder.write("secret", "secret", 0o600);
  const path = `${folder.path}/file`;
  Deno.symlinkSync(secret, temporaryName(path));
  put(path, bytes("new"), { mode: 0o644 });
  assertEquals([read(path), read(secret), modeOf(secret).split(" ")[0]], ["new", "secret", "600"]);
  assert(Deno.lstatSync(path).isFile);
});

Deno.test("put: a directory in the way of the temporary name is told, and stays", () => {
  using folder = makeFolder();
  const path = `${folder.path}/file`;
  Deno.mkdirSync(temporaryName(path));
  assertThrows(() => put(path, bytes("new"), { mode: 0o644 }), kind("files.storage", /file\.tmp"$/));
  assertEquals(namesIn(folder.path), [".file.tmp"]);
});

Deno.test("a file is private from birth, and nothing is left of it where it can't be filled", () => {
  using folder = makeFolder();
  const path = `${folder.path}/file`;
  const before = Deno.umask(0);
  try {
    create(path, (descriptor) => {
      assertEquals(modeOf(path).split(" ")[0], "600");
      assertEquals(fs().fstatSync(descriptor).size, 0);
    });
    Deno.removeSync(path);
    assertThrows(() =>
      create(path, () => {
        throw Object.assign(new Error("no"), { code: "ENOSPC" });
      }), kind("files.storage", /^No space left writing/));
  } finally {
    Deno.umask(before);
  }
  assertEquals(namesIn(folder.path), []);
});

Deno.test("put new: what is there is neither replaced nor followed", () => {
  using folder = makeFolder();
  const path = folder.write("file", "old");
  const link = `${folder.path}/link`;
  Deno.symlinkSync(path, link);
  for (const each of [path, link]) {
    assertThrows(() => put(each, bytes("new"), { mode: 0o600, new: true }), kind("files.taken"));
  }
  assertEquals([read(path), namesIn(folder.path)], ["old", ["file", "link"]]);
});

Deno.test("put: a link stays, and what it leads to is replaced beside itself", () => {
  using folder = makeFolder();
  const target = folder.write("elsewhere/target", "old");
  Deno.symlinkSync(target, `${folder.path}/link`);
  put(`${folder.path}/link`, bytes("new"), { mode: 0o600 });
  assert(Deno.lstatSync(`${folder.path}/link`).isSymlink);
  assertEquals([read(target), namesIn(`${folder.path}/elsewhere`)], ["new", ["target"]]);
});

Deno.test({
  name: "owner and group come along, and can't be given away where one is not root",
  ignore: !isRoot,
}, () => {
  using folder = makeFolder();
  const path = folder.write("file", "old", 0o640);
  Deno.chownSync(path, stranger, 1);
  put(path, bytes("new"), modeIn(path)!);
  assertEquals(modeOf(path), `640 ${stranger} 1`);
  for (const [uid, gid] of [[stranger, 0], [0, 1]]) {
    put(path, bytes("new"), { mode: 0o640, uid, gid });
    assertEquals(modeOf(path), `640 ${uid} ${gid}`);
  }
  Deno.chownSync(path, stranger, 1);
  const staged = folder.write("staged", "next", 0o600);
  changeMode(staged, modeIn(path)!);
  assertEquals(modeOf(staged), `640 ${stranger} 1`);
  assertThrows(() => {
    Deno.symlinkSync(path, `${folder.path}/link`);
    changeMode(`${folder.path}/link`, { mode: 0o666 });
  }, kind("files.storage", /symbolic link/));
  assertEquals(modeOf(path), `640 ${stranger} 1`);
});

const canAcl = (() => {
  using folder = makeFolder();
  return succeeds("setfacl", "-m", "u:1:r", folder.write("file"));
})();
if (!canAcl) {
  console.error("SKIPPED: access control lists need Debian's package acl and a file system that has them");
}
const aclOf = (path: string) =>
  new TextDecoder().decode(new Deno.Command("getfacl", { args: ["-cpn", path] }).outputSync().stdout)
    .split("\n").filter((line) => line);

Deno.test({
  name: "an access control list comes along, but nothing for others, and no right to write",
  ignore: !canAcl,
}, () => {
  using folder = makeFolder();
  const path = folder.write("file", "old", 0o600);
  assert(succeeds("setfacl", "-m", "u:1:rw,g:2:r", path));
  put(path, bytes("new"), { ...modeIn(path)!, mode: 0o640 });
  assertEquals(aclOf(path), [
    "user::rw-",
    "user:1:rw-\t#effective:r--",
    "group::---",
    "group:2:r--",
    "mask::r--",
    "other::---",
  ]);
  // Where the bits of the group are gone, a list means nothing.
  put(path, bytes("newer"), { ...modeIn(path)!, mode: 0o600 });
  assertEquals(aclOf(path), ["user::rw-", "group::---", "other::---"]);
});

Deno.test("renameAll: the second can't be replaced, so the first is as before; the message names the second", () => {
  using folder = makeFolder();
  const [key, crt] = [folder.write("live.key", "old key", 0o640), `${folder.path}/live.crt`];
  const [nextKey, nextCrt] = [folder.write("staging.key", "new key"), folder.write("staging.crt", "new crt")];
  Deno.mkdirSync(crt); // no file can take the place of a directory
  const { ino } = Deno.statSync(key);
  assertThrows(
    () => renameAll([[nextKey, key], [nextCrt, crt]]),
    (error: unknown) => error instanceof Failure && error.about.path === crt && error.message.includes(crt),
  );
  assertEquals([read(key), read(nextKey), read(nextCrt)], ["old key", "new key", "new crt"]);
  assertEquals([modeOf(key).split(" ")[0], Deno.statSync(key).ino], ["640", ino]);
  assertEquals(namesIn(folder.path), ["live.crt", "live.key", "staging.crt", "staging.key"]);
});

Deno.test("renameAll: the same where links lead to other directories, and where there was nothing before", () => {
  using folder = makeFolder();
  const target = folder.write("elsewhere/target.key", "old key");
  const [key, crt] = [`${folder.path}/live.key`, `${folder.path}/live.crt`];
  Deno.symlinkSync(target, key);
  Deno.mkdirSync(crt);
  const [nextKey, nextCrt] = [folder.write("staging.key", "new key"), folder.write("staging.crt", "new crt")];
  assertThrows(() => renameAll([[nextKey, key], [nextCrt, crt]]), kind("files.storage"));
  assertEquals([read(key), read(nextKey), namesIn(`${folder.path}/elsewhere`)], ["old key", "new key", [
    "target.key",
  ]]);
  Deno.removeSync(key);
  assertThrows(() => renameAll([[nextKey, key], [nextCrt, crt]]), kind("files.storage"));
  assertEquals(namesIn(folder.path), ["elsewhere", "live.crt", "staging.crt", "staging.key"]);
});

Deno.test("renameAll: a left-over of a run that was killed is no obstacle", () => {
  using folder = makeFolder();
  const key = folder.write("live.key", "old key");
  folder.write(formerName(key).slice(folder.path.length + 1), "older key");
  const crt = folder.write("live.crt", "old crt");
  renameAll([[folder.write("a", "new key"), key], [folder.write("b", "new crt"), crt]]);
  assertEquals([read(key), read(crt), namesIn(folder.path)], ["new key", "new crt", [
    "live.crt",
    "live.key",
  ]]);
});

Deno.test("remove: never a directory, even an empty one", () => {
  using folder = makeFolder();
  Deno.mkdirSync(`${folder.path}/directory`);
  assertThrows(() => remove(`${folder.path}/directory`), kind("files.storage"));
  remove(`${folder.path}/nothing`);
  assertEquals(namesIn(folder.path), ["directory"]);
});

Deno.test(
  { name: "checkWritable: whether what is to be written there can have its owner", ignore: !isRoot },
  () => {
    using folder = makeFolder();
    checkWritable(folder.path, { mode: 0o640, uid: stranger, gid: 1 });
    assertEquals(namesIn(folder.path), []);
    Deno.removeSync(folder.path);
    assertThrows(() => checkWritable(folder.path), kind("files.storage", /No such directory/));
    Deno.mkdirSync(folder.path);
  },
);
