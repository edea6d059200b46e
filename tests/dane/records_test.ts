/** TLSA records, against a referee that we did not write, and the rule that keeps DANE whole. */
import { assertEquals } from "../kit/assert.ts";
import { readChain } from "../../lib/x509/certificate.ts";
import { generateKey } from "../../lib/x509/key.ts";
import {
  formatRecords,
  matchesChain,
  recordsFor,
  type TlsaRecord,
  uncovered,
} from "../../lib/dane/records.ts";
import { makeRoot } from "../kit/issuer.ts";

const root = await makeRoot("root");
const [key, next] = [
  await generateKey({ type: "ecdsa", length: 256 }),
  await generateKey({ type: "rsa", length: 2048 }),
];
const issue = async (spki = key.publicKey) =>
  await root.issue({ spki, domains: ["www.example.org"] }) + root.pem;
const [pem, nextPem] = [await issue(), await issue(next.publicKey)];
const [chain, nextChain] = [readChain(pem), readChain(nextPem)];

const hex = async (bytes: Uint8Array<ArrayBuffer>, name = "SHA-256") =>
  new Uint8Array(await crypto.subtle.digest(name, bytes)).toHex();

const hasReferee = await new Deno.Command("tlsa", { args: ["--version"], stdout: "null", stderr: "null" })
  .output()
  .then(({ success }) => success, () => false);
if (!hasReferee) console.error("SKIPPED: the comparison of TLSA records needs hash-slinger's tlsa");

Deno.test(
  { name: "records are those of hash-slinger, character by character", ignore: !hasReferee },
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (const [text, spki] of [[pem, key.publicKey], [nextPem, next.publicKey]] as const) {
        await Deno.writeTextFile(`${folder}/crt`, text);
        for (const matchingType of [1, 2]) {
          for (const port of [443, 25]) {
            // deno-fmt-ignore
            const args = ["--create", "--certificate", `${folder}/crt`, "--port", String(port), "--usage", "3",
            "--selector", "1", "--mtype", String(matchingType), "--output", "rfc", "www.example.org"];
            const { stdout, stderr } = await new Deno.Command("tlsa", { args, stdin: "null" }).output();
            const said = new TextDecoder().decode(stdout).trim().split("\n").at(-1);
            const records = await recordsFor(spki, [[3, 1, matchingType]]);
            const [line] = formatRecords([`_${port}._tcp.www.example.org`], records);
            assertEquals(line, said, new TextDecoder().decode(stderr));
          }
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test("formatRecords() writes zone lines, commands for nsupdate that replace, and JSON", () => {
  const record = (data: string): TlsaRecord => ({ usage: 3, selector: 1, matchingType: 1, data });
  const [services, records] = [["_25._tcp.mx.example.org", "_443._tcp.example.org"], [
    record("aa"),
    record("bb"),
  ]];
  assertEquals(formatRecords(services, records), [
    "_25._tcp.mx.example.org. IN TLSA 3 1 1 aa",
    "_25._tcp.mx.example.org. IN TLSA 3 1 1 bb",
    "_443._tcp.example.org. IN TLSA 3 1 1 aa",
    "_443._tcp.example.org. IN TLSA 3 1 1 bb",
  ]);
  assertEquals(formatRecords(["_25._tcp.mx.example.org"], records, "nsupdate"), [
    "update delete _25._tcp.mx.example.org. TLSA",
    "update add _25._tcp.mx.example.org. 3600 TLSA 3 1 1 aa",
    "update add _25._tcp.mx.example.org. 3600 TLSA 3 1 1 bb",
    "send",
  ]);
  assertEquals(JSON.parse(formatRecords(services, records, "json").join("\n"))[1], {
    name: "_25._tcp.mx.example.org",
    usage: 3,
    selector: 1,
    matchingType: 1,
    data: "bb",
  });
});

/** Records as a zone may hold them: which key, then usage, selector, matching type. */
const made = {
  "old 3 1 1": { usage: 3, selector: 1, matchingType: 1, data: await hex(key.publicKey) },
  "new 3 1 1": { usage: 3, selector: 1, matchingType: 1, data: await hex(next.publicKey) },
  "old 3 1 2": { usage: 3, selector: 1, matchingType: 2, data: await hex(key.publicKey, "SHA-512") },
  "new 3 1 2": { usage: 3, selector: 1, matchingType: 2, data: await hex(next.publicKey, "SHA-512") },
  "old 3 0 1": { usage: 3, selector: 0, matchingType: 1, data: await hex(chain[0].certificate) },
  "new 3 1 0": { usage: 3, selector: 1, matchingType: 0, data: next.publicKey.toHex() },
  "root 2 0 1": { usage: 2, selector: 0, matchingType: 1, data: await hex(chain[1].certificate) },
  "root 2 1 1": { usage: 2, selector: 1, matchingType: 1, data: await hex(chain[1].publicKey) },
  "leaf 2 1 1": { usage: 2, selector: 1, matchingType: 1, data: await hex(next.publicKey) },
  "old 1 1 1": { usage: 1, selector: 1, matchingType: 1, data: await hex(key.publicKey) },
  "strange 3 1 1": { usage: 3, selector: 1, matchingType: 1, data: "00".repeat(32) },
  "short 3 1 1": { usage: 3, selector: 1, matchingType: 1, data: "00" },
  "unknown 3 1 9": { usage: 3, selector: 1, matchingType: 9, data: "00".repeat(32) },
  "unknown 9 1 1": { usage: 9, selector: 1, matchingType: 1, data: "00".repeat(32) },
} satisfies Record<string, TlsaRecord>;

const rows: [records: (keyof typeof made)[], missingForNew: string[]][] = [
  [[], ["3 1 1"]],
  [["old 3 1 1"], ["3 1 1"]],
  [["new 3 1 1"], []],
  [["old 3 1 1", "new 3 1 1"], []],
  [["strange 3 1 1", "new 3 1 1"], []],
  // A stray digest of the old key alone: clients that prefer it refuse the new key.
  [["old 3 1 1", "new 3 1 1", "old 3 1 2"], ["3 1 2"]],
  [["old 3 1 1", "new 3 1 1", "old 3 1 2", "new 3 1 2"], []],
  [["new 3 1 1", "old 3 0 1"], ["3 0 1"]],
  [["new 3 1 1", "new 3 1 0"], []],
  [["new 3 1 1", "root 2 0 1"], []],
  [["new 3 1 1", "root 2 1 1"], []],
  [["new 3 1 1", "leaf 2 1 1"], ["2 1 1"]],
  [["new 3 1 1", "old 1 1 1"], ["1 1 1"]],
  // What RFC 6698 calls unusable is as if it weren't there.
  [["short 3 1 1"], ["3 1 1"]],
  [["new 3 1 1", "short 3 1 1", "unknown 3 1 9", "unknown 9 1 1"], []],
];
for (const [names, missing] of rows) {
  Deno.test(`uncovered(): ${names.join(", ") || "no record"}`, async () => {
    assertEquals(await uncovered(names.map((name) => made[name]), nextChain), missing);
  });
}

Deno.test("matchesChain() tells whose a record is", async () => {
  assertEquals(await matchesChain(made["old 3 1 1"], chain), true);
  assertEquals(await matchesChain(made["old 3 1 1"], nextChain), false);
  assertEquals(await matchesChain(made["root 2 0 1"], nextChain), true);
});
