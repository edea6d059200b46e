/** The checks before a certificate replaces anything; rows C1 to C10 of what a CA may send. */
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { checkChain, readCertificate } from "../../lib/x509/certificate.ts";
import { CertificateError } from "../../lib/errors.ts";
import { encodePem, readPem } from "../../lib/x509/pem.ts";
import { exportKey, generateKey, spkiHash } from "../../lib/x509/key.ts";
import { GeneralName, id_ce_basicConstraints, id_ce_subjectAltName } from "@peculiar/asn1-x509";
import { type Content, makeRoot } from "../kit/issuer.ts";
import { openssl } from "../kit/pebble.ts";

const hour = 3_600_000;
const day = 24 * hour;
const now = new Date();
const from = (ms: number) => new Date(+now + ms);
const key = await generateKey({ type: "ecdsa", length: 256 });
const other = await generateKey({ type: "ecdsa", length: 256 });
const root = await makeRoot("root", { type: "rsa", length: 2048 });
const middle = await root.intermediate("middle", { type: "ecdsa", length: 384 });
const low = await middle.intermediate("low");
const stranger = await makeRoot("middle"); // the name of an issuer, another key
const domains = ["a.example.org", "b.example.org"];
const expected = { spki: await spkiHash(key.spki), domains, now };
const leaf = (change: Partial<Content> = {}, issuer = middle) =>
  issuer.issue({ spki: key.spki, domains, ...change });
const good = await leaf();

const accepted: [name: string, chain: string, certificates: number][] = [
  ["a leaf alone", good, 1],
  ["one issuer", good + middle.pem, 2],
  ["two issuers", good + middle.pem + root.pem, 3],
  ["three issuers", await leaf({}, low) + low.pem + middle.pem + root.pem, 4],
  [
    "names in another order and case",
    await leaf({ domains: ["B.example.org", "a.Example.org"] }) + middle.pem,
    2,
  ],
  ["a lifetime of six days", await leaf({ notAfter: from(6 * day) }), 1],
  ["a clock that is half an hour behind", await leaf({ notBefore: from(hour / 2) }), 1],
  ["CRLF", (good + middle.pem).replaceAll("\n", "\r\n"), 2],
  ["no final newline", (good + middle.pem).trimEnd(), 2],
  ["empty lines", `\n${good}\n\n${middle.pem}\n`, 2],
];
for (const [name, chain, certificates] of accepted) {
  Deno.test(`checkChain() accepts ${name}`, async () => {
    const { pem, certificate } = await checkChain(chain, expected);
    assertEquals(pem.match(/BEGIN CERTIFICATE/g)?.length, certificates);
    assertEquals(pem, chain.replaceAll("\r", "").replaceAll(/^\n|\n(?=\n)/g, "").trimEnd() + "\n");
    assertEquals(certificate.domains, domains);
  });
}

const refused: [name: string, chain: string, message: string][] = [
  ["an empty answer", "", "the CA returned no certificate"],
  ["white space", " \n\n", "the CA returned no certificate"],
  ["HTML", "<html></html>", "the CA returned no certificate"],
  [
    "a private key in the chain",
    good + await exportKey(other),
    'there is a block "PRIVATE KEY" in the chain',
  ],
  ["text between the blocks", `${good}hello\n${middle.pem}`, "there is text between the certificates"],
  ["text after the chain", `${good}hello`, "there is text between the certificates"],
  ["a block that is not closed", good.replace("-----END CERTIFICATE-----\n", ""), "it is damaged"],
  ["damaged base64", good.replace(/\n..../, "\n!!!!"), "it is damaged"],
  ["damaged DER", good.replace(/\n..../, "\nAAAA"), "it is damaged"],
  ["another key", await leaf({ spki: other.spki }), "it is for a different key"],
  [
    "a missing name",
    await leaf({ domains: ["a.example.org"] }),
    'it is for other names: "b.example.org" is missing',
  ],
  [
    "a name too many",
    await leaf({ domains: [...domains, "c.example.org"] }),
    'it is for other names: "c.example.org" was not asked for',
  ],
  [
    "names in the subject only",
    await leaf({ domains: [], subject: "a.example.org" }),
    'it is for other names: "a.example.org" is missing, "b.example.org" is missing',
  ],
  [
    "an address beside the names",
    await leaf({ others: [new GeneralName({ iPAddress: "192.0.2.1" })] }),
    "it is for something else than DNS names too",
  ],
  [
    "a mailbox beside the names",
    await leaf({ others: [new GeneralName({ rfc822Name: "root@a.example.org" })] }),
    "it is for something else than DNS names too",
  ],
  ["damaged names", await leaf({ damaged: id_ce_subjectAltName }), "it is damaged"],
  ["damaged constraints", await leaf({ damaged: id_ce_basicConstraints }), "it is damaged"],
  ["a certificate of a CA", await leaf({ ca: true }), "the first certificate is that of a CA"],
  ["the issuer first", middle.pem + good, "the first certificate is that of a CA"],
  ["an unrelated issuer", good + low.pem, "certificate 1 of the chain is not signed by certificate 2"],
  [
    "an issuer of the right name only",
    good + stranger.pem,
    "certificate 1 of the chain is not signed by certificate 2",
  ],
  [
    "an extra certificate at the end",
    good + middle.pem + low.pem,
    "certificate 2 of the chain is not signed by certificate 3",
  ],
  ["eleven certificates", good + root.pem.repeat(10), "the chain has more than 10 certificates"],
  ["two megabytes", "\n".repeat(2 << 20) + good, "it is larger than 1 MiB"],
];
for (const [name, chain, message] of refused) {
  Deno.test(`checkChain() refuses ${name}`, async () => {
    await assertRejects(() => checkChain(chain, expected), (error: unknown) => {
      assert(error instanceof CertificateError);
      assertEquals(error.message, `The CA's certificate is not usable: ${message}`);
      return true;
    });
  });
}

Deno.test("checkChain() refuses what is not valid now, with a hint about the clock", async () => {
  const second = 1000 * Math.floor(+now / 1000); // X.509 knows no milliseconds
  const rows: [Content, RegExp][] = [
    [{ spki: key.spki, domains, notBefore: from(-2 * day), notAfter: from(-day) }, /it expired on/],
    [{ spki: key.spki, domains, notBefore: new Date(second + hour + 2000) }, /it is not valid before/],
  ];
  for (const [content, message] of rows) {
    const chain = await middle.issue(content);
    await assertRejects(() => checkChain(chain, expected), (error: unknown) => {
      assert(error instanceof CertificateError && message.test(error.message));
      assert(error.about.cure?.includes("is it right?"));
      return true;
    });
  }
  const backwards = await leaf({ notBefore: from(day), notAfter: from(-day) });
  await assertRejects(() => checkChain(backwards, expected), /ends before it begins/);
});

Deno.test("checkChain() refuses a certificate with any byte changed", async () => {
  const [{ der }] = readPem(good).blocks;
  for (let i = 0; i < der.length; i++) {
    for (const change of [0x01, 0x80, 0xff]) {
      const changed = der.slice();
      changed[i] ^= change;
      // The issuer's signature covers all.
      const outcome = await checkChain(encodePem("CERTIFICATE", changed) + middle.pem, expected)
        .catch((error) => error);
      assert(outcome instanceof CertificateError, `byte ${i} ^ ${change}: ${outcome}`);
    }
  }
});

Deno.test("checkChain() is linear in what a CA sends", async () => {
  const junk = `-----BEGIN CERTIFICATE-----\n${"A\n".repeat(500_000)}`;
  const start = performance.now();
  await assertRejects(() => checkChain(junk, expected), CertificateError);
  assert(performance.now() - start < 2000);
});

Deno.test("readCertificate() reads what openssl shows", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, good);
    const shown = await openssl("x509", "-in", file, "-noout", "-serial", "-enddate", "-dateopt", "iso_8601");
    const { serial, notAfter, spki } = await readCertificate(good);
    assertEquals(shown.match(/serial=(.*)/)?.[1].toLowerCase(), serial);
    assertEquals(
      shown.match(/notAfter=(.*)/)?.[1],
      notAfter.toISOString().slice(0, 19).replace("T", " ") + "Z",
    );
    assertEquals(spki, await spkiHash(key.spki));
    await Deno.writeTextFile(file, root.pem);
    const chain = await Deno.makeTempFile();
    await Deno.writeTextFile(chain, good + middle.pem);
    await openssl("verify", "-CAfile", file, "-untrusted", chain, chain);
    await Deno.remove(chain);
  } finally {
    await Deno.remove(file);
  }
});
