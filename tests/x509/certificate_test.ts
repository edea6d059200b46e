/** What is read of certificates; the referee is openssl, which we did not write. */
import { assertEquals } from "../kit/assert.ts";
import { issuerOf, readCertificate, topmostIssuer } from "../../lib/x509/certificate.ts";
import { formatSerial } from "../../lib/x509/serial.ts";
import { generateKey, keyIdOf } from "../../lib/x509/key.ts";
import { makeRoot } from "../kit/issuer.ts";
import { openssl } from "../kit/pebble.ts";

const key = await generateKey({ type: "ecdsa", length: 256 });
const root = await makeRoot("root");
const middle = await root.intermediate("middle");
const good = await middle.issue({ spki: key.publicKey, domains: ["b.example.org", "A.example.org"] });

/** Has openssl look at a certificate. */
async function shown(pem: string, ...args: string[]): Promise<string> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, pem);
    return await openssl("x509", "-in", file, "-noout", ...args);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("readCertificate() reads what openssl shows", async () => {
  const text = await shown(
    good,
    "-serial",
    "-enddate",
    "-dateopt",
    "iso_8601",
    "-ext",
    "authorityKeyIdentifier",
  );
  const certificate = await readCertificate(good + middle.pem);
  assertEquals(text.match(/serial=(.*)/)?.[1], formatSerial(certificate.serial));
  const end = certificate.notAfter.toISOString().slice(0, 19).replace("T", " ") + "Z";
  assertEquals(text.match(/notAfter=(.*)/)?.[1], end);
  assertEquals(
    text.match(/^ +([0-9A-F:]{59})$/m)?.[1].replaceAll(":", "").toLowerCase(),
    certificate.authorityKeyId,
  );
  assertEquals(certificate.keyId, await keyIdOf(key.publicKey));
  assertEquals(certificate.names, ["a.example.org", "b.example.org"]);
  assertEquals([certificate.issuer, certificate.subject], ["middle", ""]);
  assertEquals(issuerOf(new TextEncoder().encode(good + middle.pem)), "middle");
  assertEquals(topmostIssuer(good + middle.pem), "root");
});

Deno.test("formatSerial() prints serial numbers as openssl does", async () => {
  for (
    const bytes of [[0], [1], [0x7f], [0x00, 0x80], [0x80], [0xff, 0x01], [0x00, 0xff, 0xfe], [
      0x01,
      0x02,
      0x03,
    ]]
  ) {
    const serial = new Uint8Array(bytes);
    const pem = await root.issue({ spki: key.publicKey, serial });
    const text = await shown(pem, "-serial");
    assertEquals(`serial=${formatSerial((await readCertificate(pem)).serial)}\n`, text);
  }
});
