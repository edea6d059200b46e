/** Each request of an issuance × each fault of the network, the protocol and the certificate: what is said, what stays. */
import { assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { requestKinds, startScriptedCa } from "../kit/scripted_ca.ts";
import { report, sample } from "./extent.ts";
import { certificateFaults } from "./network/certificate.ts";
import { challengeFaults } from "./network/challenges.ts";
import { judge, meet } from "./network/judge.ts";
import { nonceFaults } from "./network/nonces.ts";
import { objectFaults } from "./network/objects.ts";
import { refusals } from "./network/refusals.ts";
import { transportFaults } from "./network/transport.ts";

const rows = [
  ...transportFaults,
  ...nonceFaults,
  ...objectFaults,
  ...refusals,
  ...challengeFaults,
  ...certificateFaults,
];

Deno.test("each request of an issuance × each fault: one line, files untouched, and the next run works", async (test) => {
  await using ca = await startScriptedCa();
  const line = await makeLine(ca, { head: "key-type = ecdsa\n", domains: ["one.example.org"] });
  ca.patience = 30;
  ca.now = () => new Date(Date.now() + line.offset);
  line.isHurried = true;
  assertEquals((await line.run("init")).exit, 0);
  const points = rows.flatMap((row) => (row.only ?? requestKinds).map((kind) => ({ row, kind })));
  const chosen = sample(points, 101);
  const violations: string[] = [];
  for (const { row, kind } of chosen) {
    await test.step(`${kind}: ${row.what}`, async () => {
      const found = judge(await meet(ca, line, row, kind));
      violations.push(...found);
      assertEquals(found, []);
    });
  }
  report("network", "renew", chosen.length, violations);
});
