/** Keys and CSRs; the referee is openssl, which we did not write. */
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { createCsr } from "../../lib/x509/csr.ts";
import { exportKey, generateKey, keyIdOf, type KeyType } from "../../lib/x509/key.ts";
import { importKey } from "../../lib/x509/import_key.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import { openssl } from "../kit/pebble.ts";

const types: KeyType[] = [
  { type: "rsa", length: 2048 },
  { type: "rsa", length: 3072 },
  { type: "rsa", length: 4096 },
  { type: "ecdsa", length: 256 },
  { type: "ecdsa", length: 384 },
];
const domains = ["example.org", "www.example.org", "xn--bcher-kva.example"];
const addresses = ["192.0.2.1", "2001:db8::1"];

for (const keyType of types) {
  Deno.test(`generateKey() and createCsr(): openssl accepts ${keyType.type} ${keyType.length}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const pair = await generateKey(keyType);
      await Deno.writeTextFile(`${folder}/key`, await exportKey(pair));
      await openssl("pkey", "-in", `${folder}/key`, "-check", "-noout");
      assert(
        (await openssl("pkey", "-in", `${folder}/key`, "-text", "-noout")).includes(`(${keyType.length} bit`),
      );
      await Deno.writeFile(`${folder}/csr`, await createCsr(pair, [...domains, ...addresses]));
      const csr = ["req", "-inform", "DER", "-in", `${folder}/csr`];
      await openssl(...csr, "-verify", "-noout");
      const text = await openssl(...csr, "-text", "-noout");
      assert(/Subject: *\n/.test(text), text);
      assert(text.includes("Subject Alternative Name: critical"), text);
      assert(text.includes(domains.map((name) => `DNS:${name}`).join(", ")), text);
      assert(text.includes("IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1"), text);
      assertEquals((await importKey(await exportKey(pair))).publicKey, pair.publicKey);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** A key as other programs write it. */
async function foreignKeys() {
  const rsa = await openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048");
  const ec = await openssl("ecparam", "-name", "prime256v1", "-genkey");
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/rsa`, rsa);
    await Deno.writeTextFile(`${folder}/ec`, ec);
    const convert = (name: string, ...args: string[]) => openssl("pkey", "-in", `${folder}/${name}`, ...args);
    const der = async (name: string) => (await convert(name, "-pubout")).replace(/-----.*-----|\n/g, "");
    return {
      rsaSpki: Uint8Array.fromBase64(await der("rsa")),
      ecSpki: Uint8Array.fromBase64(await der("ec")),
      pkcs8: rsa,
      pkcs1: await convert("rsa", "-traditional"),
      ecPkcs8: await convert("ec"),
      sec1: await convert("ec", "-traditional"),
      sec1WithParameters: ec,
      encrypted: await convert("rsa", "-aes256", "-passout", "pass:secret"),
      encryptedPkcs1: await convert("rsa", "-traditional", "-aes256", "-passout", "pass:secret"),
      ed25519: await openssl("genpkey", "-algorithm", "ED25519"),
      threePrimes: await openssl(
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-pkeyopt",
        "rsa_keygen_primes:3",
      ),
      p521: await openssl("ecparam", "-name", "secp521r1", "-genkey", "-noout"),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("importKey() reads what other programs write", async () => {
  const keys = await foreignKeys();
  assert(keys.pkcs1.startsWith("-----BEGIN RSA PRIVATE KEY-----"));
  assert(keys.sec1WithParameters.startsWith("-----BEGIN EC PARAMETERS-----"));
  const rsa = [
    keys.pkcs8,
    keys.pkcs1,
    keys.pkcs1.replaceAll("\n", "\r\n"),
    `Bag Attributes\n  x: 1\n${keys.pkcs8}`,
  ];
  for (const text of rsa) assertEquals((await importKey(text)).publicKey, keys.rsaSpki);
  const ec = [keys.ecPkcs8, keys.sec1, keys.sec1WithParameters];
  for (const text of ec) assertEquals((await importKey(text)).publicKey, keys.ecSpki);
});

Deno.test("importKey() says what is wrong with a key", async () => {
  const keys = await foreignKeys();
  const der = "\u0030\u0082\u0004";
  const rows: [string, RegExp][] = [
    ["", /no private key in PEM form/],
    [der, /no private key in PEM form/],
    [keys.encrypted, /encrypted; this tool needs an unencrypted key/],
    [keys.encryptedPkcs1, /encrypted; this tool needs an unencrypted key/],
    [keys.pkcs8 + keys.ecPkcs8, /2 private keys in one file/],
    [keys.ed25519, /neither RSA nor ECDSA on P-256 or P-384/],
    [keys.threePrimes, /^the RSA key has more than two primes$/],
    [keys.p521, /neither RSA nor ECDSA on P-256 or P-384/],
    [keys.pkcs8.replace("-----END PRIVATE KEY-----", ""), /not closed/],
    [keys.pkcs8.replace(/\n.{8}/, "\n?!?!?!?!"), /damaged base64/],
    [encodePem("PRIVATE KEY", new Uint8Array(40)), /./],
  ];
  for (const [text, message] of rows) {
    await assertRejects(() => importKey(text), (error: Error) => {
      assert(message.test(error.message), `${error.message} is not ${message}`);
      assert(
        !(text.length > 100 && error.message.includes(text.slice(60, 90))),
        "no piece of the key in a message",
      );
      return true;
    });
  }
});

Deno.test("keyIdOf() is what openssl calculates", async () => {
  const keys = await foreignKeys();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/spki`, keys.ecSpki);
    const digest = await openssl("dgst", "-sha256", "-r", `${folder}/spki`);
    assertEquals(await keyIdOf(keys.ecSpki), digest.split(" ")[0]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
