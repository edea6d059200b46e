/** Chains at the very edge of what is taken, and signatures that only a lenient reader would believe. */
import { createSign, generateKeyPairSync } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { RSAPublicKey } from "@peculiar/asn1-rsa";
import { AlgorithmIdentifier, SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { makeRoot } from "../kit/issuer.ts";
import { checkChain } from "../../lib/x509/chain.ts";
import { generateKey, keyIdOf } from "../../lib/x509/key.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import { isSignedBy } from "../../lib/x509/signature.ts";

const key = await generateKey({ type: "ecdsa", length: 256 });
const root = await makeRoot("root");
const now = new Date(1000 * Math.floor(Date.now() / 1000));
const expected = { keyId: await keyIdOf(key.publicKey), names: ["a.example.org"], now };
const content = { spki: key.publicKey, domains: ["a.example.org"] };

Deno.test("a certificate that ends at this very second has expired", async () => {
  const end = async (notAfter: Date) =>
    await checkChain(await root.issue({ ...content, notAfter }), expected);
  await assertRejects(() => end(now), /it expired on/);
  await end(new Date(+now + 1000));
});

Deno.test("nothing but certificates is taken, whatever else it is", async () => {
  const good = await root.issue(content);
  for (const label of ["X509 CRL", "PUBLIC KEY", "CERTIFICATE REQUEST", "EC PARAMETERS"]) {
    const chain = good + encodePem(label, new Uint8Array([5, 0]));
    await assertRejects(() => checkChain(chain, expected), new RegExp(`a block "${label}" in the chain`));
  }
});

Deno.test("issuers that sign each other make no circle, and each key stands once in a chain", async () => {
  const [one, two] = [await makeRoot("one"), await makeRoot("two")];
  const leaf = await one.issue(content);
  const cross = (by: typeof one, of: typeof one) =>
    by.issue({ spki: of.key.publicKey, subject: of.name, ca: true });
  const [oneByTwo, twoByOne] = [await cross(two, one), await cross(one, two)];
  const { pem } = await checkChain([leaf, oneByTwo, twoByOne, one.pem, two.pem].join(""), expected);
  assertEquals(pem.match(/BEGIN CERTIFICATE/g)?.length, 3);
});

/** The number of a modulus, as a key. */
function toSpki(modulus: bigint, exponent: Uint8Array<ArrayBuffer>): SubjectPublicKeyInfo {
  const hex = modulus.toString(16);
  const bytes = Uint8Array.fromHex(`00${hex.length % 2 ? "0" : ""}${hex}`);
  return new SubjectPublicKeyInfo({
    algorithm: new AlgorithmIdentifier({
      algorithm: "1.2.840.113549.1.1.1",
      parameters: new Uint8Array([5, 0]).buffer,
    }),
    subjectPublicKey: AsnConvert.serialize(
      new RSAPublicKey({ modulus: bytes.buffer, publicExponent: exponent.buffer }),
    ),
  });
}
const algorithm = new AlgorithmIdentifier({ algorithm: "1.2.840.113549.1.1.11" });

Deno.test("a signature by a large RSA key is one number, and not that number and the modulus", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 4104 });
  const n = BigInt(
    `0x${Uint8Array.fromBase64(publicKey.export({ format: "jwk" }).n!, { alphabet: "base64url" }).toHex()}`,
  );
  const data = new TextEncoder().encode("data");
  const signature = new Uint8Array(createSign("sha256").update(data).sign(privateKey));
  const by = toSpki(n, new Uint8Array([1, 0, 1]));
  assertEquals(await isSignedBy({ algorithm, signature, data: data.buffer }, by), true);
  const larger = (BigInt(`0x${signature.toHex()}`) + n).toString(16);
  const forged = Uint8Array.fromHex(larger.padStart(larger.length + larger.length % 2, "0"));
  assertEquals(await isSignedBy({ algorithm, signature: forged, data: data.buffer }, by), false);
});

Deno.test("an RSA key of a megabit is refused at once", async () => {
  const by = toSpki(2n ** 4_000_000n - 1n, new Uint8Array([0xff, 0xff, 0xff, 0xff]));
  const signature = new Uint8Array(500_000).fill(0x7f);
  const begin = performance.now();
  assertEquals(await isSignedBy({ algorithm, signature, data: new ArrayBuffer(1) }, by), false);
  assert(performance.now() - begin < 1500, `${performance.now() - begin} ms`);
});
