/** The checks before a certificate replaces anything. */
import { assert, assertEquals } from "../kit/assert.ts";
import { makeRoot } from "../kit/issuer.ts";
import { contents, makeLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";

/** All but the copies of what was issued, which may have to be revoked. */
const used = (files: string) => files.split("\n").filter((each) => !/backups\/live\.crt\./.test(each));

Deno.test("a certificate that is not exactly what was asked for replaces nothing", async (test) => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, {
    head: "key-type = ecdsa\n",
    domains: ["one.example.org", "two.example.org"],
  });
  assertEquals((await line.run("init")).exit, 0);
  const other = await makeRoot("somebody else");
  const day = 86_400_000;
  const now = Date.now();
  const wrong: [what: string, says: RegExp, cause: () => void][] = [
    [
      "another key",
      /for a different key/,
      () => ca.content = (content) => ({ ...content, spki: other.key.publicKey }),
    ],
    [
      "a name missing",
      /other names.*two\.example\.org/,
      () => ca.content = (content) => ({ ...content, domains: ["one.example.org"] }),
    ],
    [
      "a name too many",
      /other names.*evil/,
      () => ca.content = (content) => ({ ...content, domains: [...content.domains!, "evil.example"] }),
    ],
    [
      "expired",
      /expired|ended|until/,
      () => ca.content = (content) => ({ ...content, notAfter: new Date(now - 60_000) }),
    ],
    [
      "not yet valid",
      /valid/,
      () => ca.content = (content) => ({ ...content, notBefore: new Date(now + day) }),
    ],
    ["a CA", /of a CA/, () => ca.content = (content) => ({ ...content, ca: true })],
    ["an unrelated issuer", /issue|link|sign/, () => ca.chain = ([leaf]) => leaf + other.pem],
  ];
  for (const [what, says, cause] of wrong) {
    await test.step(what, async () => {
      cause();
      const before = contents(line);
      const { exit, out, err } = await line.run("renew", "--force");
      ca.content = ca.chain = undefined;
      assertEquals([exit, out], [1, []]);
      assert(says.test(err[0]), err.join("\n"));
      assertEquals(used(contents(line)), used(before));
      assertEquals((await line.run("renew", "--force")).exit, 0);
    });
  }
});
