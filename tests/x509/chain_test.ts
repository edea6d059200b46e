/** The checks before a certificate replaces anything; rows C1 to C10 of what a CA may send. */
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { checkChain } from "../../lib/x509/chain.ts";
import { Failure, readable } from "../../lib/errors.ts";
import { encodePem, readPem } from "../../lib/x509/pem.ts";
import { exportKey, generateKey, keyIdOf } from "../../lib/x509/key.ts";
import {
  Extension,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_subjectAltName,
  id_kp_clientAuth,
  KeyUsageFlags,
} from "@peculiar/asn1-x509";
import { OctetString } from "@peculiar/asn1-schema";
import { type Content, makeRoot } from "../kit/issuer.ts";

const hour = 3_600_000;
const day = 24 * hour;
const now = new Date();
const from = (ms: number) => new Date(+now + ms);
const yesterday = 1000 * Math.floor(+now / 1000) - day; // X.509 knows no milliseconds
const key = await generateKey({ type: "ecdsa", length: 256 });
const other = await generateKey({ type: "ecdsa", length: 256 });
const root = await makeRoot("root", { type: "rsa", length: 2048 });
const middle = await root.intermediate("middle", { type: "ecdsa", length: 384 });
const low = await middle.intermediate("low");
const stranger = await makeRoot("middle"); // the name of an issuer, another key
const second = await makeRoot("second root", { type: "rsa", length: 2048 });
const middleOf = (change: Partial<Content> = {}, issuer = root) =>
  issuer.issue({ spki: middle.key.publicKey, subject: "middle", ca: true, ...change });
const twin = await middleOf({}, second);
const strange = new Extension({ extnID: "1.2.3.4", critical: true, extnValue: new OctetString([5, 0]) });
const domains = ["a.example.org", "b.example.org"];
const expected = { keyId: await keyIdOf(key.publicKey), names: domains, now };
const leaf = (change: Partial<Content> = {}, issuer = middle) =>
  issuer.issue({ spki: key.publicKey, domains, ...change });
const good = await leaf();

/** What is sent, and how many certificates of it are to be written. */
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
    const { pem, certificate, warnings } = await checkChain(chain, expected);
    assertEquals(pem.match(/BEGIN CERTIFICATE/g)?.length, certificates);
    assertEquals(pem, chain.replaceAll("\r", "").replaceAll(/^\n|\n(?=\n)/g, "").trimEnd() + "\n");
    assertEquals(certificate.names, domains);
    assertEquals(warnings.length, certificates === 1 ? 1 : 0);
  });
}

const straight = good + middle.pem + root.pem;
const more: [name: string, chain: string, written: string][] = [
  ["a certificate twice", good + middle.pem + middle.pem + root.pem, straight],
  ["the leaf twice", good + good + middle.pem + root.pem, straight],
  ["the issuer first", middle.pem + good, good + middle.pem],
  ["the other way round", root.pem + middle.pem + good, straight],
  ["an extra certificate at the end", good + middle.pem + low.pem, good + middle.pem],
  ["an extra certificate in between", good + low.pem + middle.pem + root.pem, straight],
  ["a stranger of the issuer's name", good + stranger.pem + middle.pem, good + middle.pem],
  ["a twin of the issuer", good + twin + middle.pem + root.pem, straight],
  ["a twin of the issuer, its root alone", good + middle.pem + twin + second.pem, good + twin + second.pem],
  [
    "a twin that has expired",
    good + await middleOf({ notAfter: from(-day) }) + middle.pem,
    good + middle.pem,
  ],
  [
    "a twin that may not sign",
    good + await middleOf({ usage: KeyUsageFlags.cRLSign }) + middle.pem,
    good + middle.pem,
  ],
];
for (const [name, chain, written] of more) {
  Deno.test(`checkChain() finds the path that links: ${name}`, async () => {
    const { pem, warnings } = await checkChain(chain, expected);
    assertEquals([pem, warnings], [written, []]);
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
  ["another key", await leaf({ spki: other.publicKey }), "it is for a different key"],
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
    'it is for other names: "192.0.2.1" was not asked for',
  ],
  [
    "a mailbox beside the names",
    await leaf({ others: [new GeneralName({ rfc822Name: "root@a.example.org" })] }),
    "it is for something else than DNS names and addresses too",
  ],
  ["damaged names", await leaf({ damaged: id_ce_subjectAltName }), "it is damaged"],
  ["damaged constraints", await leaf({ damaged: id_ce_basicConstraints }), "it is damaged"],
  ["a certificate of a CA", await leaf({ ca: true }), "the first certificate is that of a CA"],
  ["an issuer alone", middle.pem, "the first certificate is that of a CA"],
  ["an unrelated issuer", good + low.pem, "none of the other certificates in the chain has signed it"],
  [
    "an issuer of the right name only",
    good + stranger.pem,
    "none of the other certificates in the chain has signed it",
  ],
  [
    "an issuer that has expired",
    good + await middleOf({ notAfter: new Date(yesterday) }) + root.pem,
    `its issuer "middle" expired on ${readable(new Date(yesterday))}`,
  ],
  [
    "an issuer that is no CA",
    good + await middleOf({ ca: false }),
    'its issuer "middle" is not that of a CA',
  ],
  [
    "an issuer that may sign no certificates",
    good + await middleOf({ usage: KeyUsageFlags.cRLSign }),
    'its issuer "middle" must not sign certificates',
  ],
  [
    "an issuer with a strange critical extension",
    good + await middleOf({ extensions: [strange] }),
    'its issuer "middle" has a critical extension that nobody understands: 1.2.3.4',
  ],
  [
    "a certificate for clients only",
    await leaf({ purposes: [id_kp_clientAuth] }) + middle.pem,
    "it is not for servers (no serverAuth)",
  ],
  [
    "a strange critical extension",
    await leaf({ extensions: [strange] }) + middle.pem,
    "it has a critical extension that nobody understands: 1.2.3.4",
  ],
  ["eleven certificates", good + root.pem.repeat(10), "the chain has more than 10 certificates"],
  ["two megabytes", "\n".repeat(2 << 20) + good, "it is larger than 1 MiB"],
];
for (const [name, chain, message] of refused) {
  Deno.test(`checkChain() refuses ${name}`, async () => {
    await assertRejects(() => checkChain(chain, expected), (error: unknown) => {
      assert(error instanceof Failure);
      assertEquals(error.message, `The CA's certificate is not usable: ${message}`);
      return true;
    });
  });
}

Deno.test("checkChain() refuses what is not valid now, and suspects the clock", async () => {
  const second = 1000 * Math.floor(+now / 1000); // X.509 knows no milliseconds
  const rows: [Content, RegExp][] = [
    [{ spki: key.publicKey, domains, notBefore: from(-2 * day), notAfter: from(-day) }, /it expired on/],
    [{ spki: key.publicKey, domains, notBefore: new Date(second + hour + 2000) }, /it is not valid before/],
  ];
  for (const [content, message] of rows) {
    const chain = await middle.issue(content);
    await assertRejects(() => checkChain(chain, expected), (error: unknown) => {
      assert(error instanceof Failure && error.kind === "ca.clock" && message.test(error.message));
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
      assert(outcome instanceof Failure, `byte ${i} ^ ${change}: ${outcome}`);
    }
  }
});

Deno.test("checkChain() is linear in what a CA sends", async () => {
  const junk = `-----BEGIN CERTIFICATE-----\n${"A\n".repeat(500_000)}`;
  const start = performance.now();
  await assertRejects(() => checkChain(junk, expected), Failure);
  assert(performance.now() - start < 2000);
});

Deno.test("checkChain() compares addresses as it does names", async () => {
  const names = ["2001:db8::1", "192.0.2.1", "a.example.org"];
  const chain = await leaf({ domains: ["a.example.org"], addresses: ["192.0.2.1", "2001:db8::1"] });
  assertEquals((await checkChain(chain, { ...expected, names })).certificate.names, names.sort());
  await assertRejects(
    () => checkChain(chain, { ...expected, names: ["a.example.org", "192.0.2.1"] }),
    /"2001:db8::1" was not asked for/,
  );
});

// Made by openssl, which we did not write: roots with a key of 8192 bits, with PSS, and with a key for PSS only.
const foreign = await Deno.readTextFile(new URL("foreign_issuers.pem", import.meta.url));
for (const [, name, keyId, chain] of foreign.matchAll(/^# (.*): ([0-9a-f]{64})\n([^#]*)/gm)) {
  Deno.test(`checkChain() verifies what ${name} has signed`, async () => {
    const wanted = { keyId, names: ["a.example.org"], now: new Date("2026-12-01") };
    assertEquals((await checkChain(chain, wanted)).pem, chain);
    const [leaf, issuer] = readPem(chain).blocks;
    leaf.der[leaf.der.length - 10] ^= 1;
    const changed = encodePem("CERTIFICATE", leaf.der) + encodePem("CERTIFICATE", issuer.der);
    await assertRejects(() => checkChain(changed, wanted), /none of the other certificates/);
  });
}
