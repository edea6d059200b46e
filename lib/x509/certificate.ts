/** Issued certificates: reading a chain, and the checks before one replaces anything. */
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  BasicConstraints,
  Certificate as X509,
  id_ce_basicConstraints,
  id_ce_subjectAltName,
  SubjectAlternativeName,
} from "@peculiar/asn1-x509";
import { ECDSASigValue, ECParameters } from "@peculiar/asn1-ecc";
import { clockTolerance } from "../time.ts";
import { CertificateError, printable, readable } from "../errors.ts";
import { spkiHash } from "./key.ts";
import { encodePem, readPem } from "./pem.ts";

/** What the line needs to know of an end-entity certificate. */
export interface Certificate {
  notBefore: Date;
  notAfter: Date;
  /** DNS names of subjectAltName, lower case, sorted. */
  domains: string[];
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  spki: string;
  /** Serial number, hex as in the DER. */
  serial: string;
}

const maxCertificates = 10;
const maxBytes = 1 << 20;

/** Reads the first certificate of a chain.
 *
 * @param text PEM, end-entity certificate first
 * @returns what the line needs to know of it
 * @throws {TypeError} the text holds no readable certificate
 */
export async function readCertificate(text: string): Promise<Certificate> {
  const { blocks } = readPem(text);
  if (blocks[0]?.label !== "CERTIFICATE") throw new TypeError("no certificate in PEM form");
  return await describe(AsnConvert.parse(blocks[0].der, X509));
}

/** The key of a certificate.
 *
 * @param der the certificate
 * @returns SHA-256 of its SubjectPublicKeyInfo, hex
 * @throws {TypeError} it is damaged
 */
export const readSpki = (der: Uint8Array<ArrayBuffer>): Promise<string> =>
  spkiHash(spkiOf(AsnConvert.parse(der, X509)));

/** What TLSA records can be about: each certificate of a chain with its SubjectPublicKeyInfo, DER.
 *
 * @param text PEM, end-entity certificate first
 */
export function readChain(
  text: string,
): { certificate: Uint8Array<ArrayBuffer>; spki: Uint8Array<ArrayBuffer> }[] {
  return readPem(text).blocks.filter(({ label }) => label === "CERTIFICATE").map(({ der }) => ({
    certificate: der,
    spki: spkiOf(AsnConvert.parse(der, X509)),
  }));
}

/** Checks a chain that the CA sent, before it replaces anything (RFC 8555 §7.4.2, §9.1, §11.4).
 *
 * @param text what the CA sent
 * @param expected the key and the names that were asked for, and the time
 * @returns the chain as it is to be written: LF line ends, one final newline; and its first certificate
 * @throws {CertificateError} it is not exactly what was asked for
 */
export async function checkChain(
  text: string,
  expected: { spki: string; domains: readonly string[]; now: Date },
): Promise<{ pem: string; certificate: Certificate }> {
  const reject = (why: string, hint?: string): never => {
    throw new CertificateError(`The CA's certificate is not usable: ${why}`, { hint });
  };
  if (text.length > maxBytes) reject("it is larger than 1 MiB");
  const { blocks, outside } = await attempt(() => readPem(text), reject);
  if (blocks.length === 0) reject("the CA returned no certificate");
  const foreign = blocks.find((block) => block.label !== "CERTIFICATE");
  if (foreign) reject(`there is a block "${foreign.label}" in the chain`);
  if (outside) reject("there is text between the certificates");
  if (blocks.length > maxCertificates) reject(`the chain has more than ${maxCertificates} certificates`);
  const { chain, certificate, ca } = await attempt(async () => {
    const chain = blocks.map((block) => AsnConvert.parse(block.der, X509));
    if (!chain.every((x509, i) => isDer(x509, blocks[i].der))) throw new TypeError("not DER");
    return { chain, certificate: await describe(chain[0]), ca: isCa(chain[0]) };
  }, reject);
  if (ca) reject("the first certificate is that of a CA");
  if (certificate.spki !== expected.spki) reject("it is for a different key");
  if (alternativeNames(chain[0]).some(({ dNSName }) => dNSName === undefined)) {
    reject("it is for something else than DNS names too");
  }
  const wanted = [...expected.domains].sort();
  if (certificate.domains.join() !== wanted.join()) {
    reject(`it is for other names: ${differences(certificate.domains, wanted)}`);
  }
  const { notBefore, notAfter } = certificate;
  if (notAfter <= notBefore) reject("it ends before it begins");
  const clock = `the clock of this machine says ${readable(expected.now)}: is it right?`;
  if (+notBefore > +expected.now + clockTolerance) {
    reject(`it is not valid before ${readable(notBefore)}`, clock);
  }
  if (notAfter <= expected.now) reject(`it expired on ${readable(notAfter)}`, clock);
  for (let i = 0; i + 1 < chain.length; i++) {
    if (!await isIssuedBy(chain[i], chain[i + 1])) {
      reject(`certificate ${i + 1} of the chain is not signed by certificate ${i + 2}`);
    }
  }
  return { pem: blocks.map((block) => encodePem(block.label, block.der)).join(""), certificate };
}

async function attempt<T>(read: () => T | Promise<T>, reject: (why: string) => never): Promise<T> {
  try {
    return await read();
  } catch {
    return reject("it is damaged");
  }
}

function differences(actual: readonly string[], wanted: readonly string[]): string {
  const missing = wanted.filter((name) => !actual.includes(name)).map((name) => `"${name}" is missing`);
  const extra = actual.filter((name) => !wanted.includes(name)).map((name) => `"${name}" was not asked for`);
  return printable([...missing, ...extra].join(", "), 400);
}

async function describe(x509: X509): Promise<Certificate> {
  const { validity, serialNumber } = x509.tbsCertificate;
  return {
    notBefore: validity.notBefore.getTime(),
    notAfter: validity.notAfter.getTime(),
    domains: alternativeNames(x509).flatMap(({ dNSName }) => dNSName?.toLowerCase() ?? []).sort(),
    spki: await spkiHash(spkiOf(x509)),
    serial: hex(serialNumber),
  };
}

const spkiOf = (x509: X509) => new Uint8Array(AsnConvert.serialize(x509.tbsCertificate.subjectPublicKeyInfo));

function extension<T>(x509: X509, id: string, schema: new () => T): T | undefined {
  const found = x509.tbsCertificate.extensions?.find((each) => each.extnID === id);
  return found && AsnConvert.parse(found.extnValue.buffer, schema);
}

const hex = (bytes: ArrayBuffer) => new Uint8Array(bytes).toHex();

const alternativeNames = (x509: X509) => [
  ...extension(x509, id_ce_subjectAltName, SubjectAlternativeName) ?? [],
];

/** Whether what the signature doesn't cover is as it has to be (RFC 5280 §4.1.1): the parser is more lenient than servers. */
function isDer(x509: X509, der: Uint8Array<ArrayBuffer>): boolean {
  const element = (tag: string, content: string) => {
    const length = (content.length / 2).toString(16);
    const octets = length.padStart(length.length + length.length % 2, "0");
    return tag + (content.length < 256 ? octets : `8${octets.length / 2}${octets}`) + content;
  };
  const { tbsCertificateRaw, tbsCertificate, signatureValue } = x509;
  const algorithm = hex(AsnConvert.serialize(tbsCertificate.signature));
  const signature = element("03", `00${hex(signatureValue)}`);
  return der.toHex() === element("30", hex(tbsCertificateRaw!) + algorithm + signature);
}

const isCa = (x509: X509) => extension(x509, id_ce_basicConstraints, BasicConstraints)?.cA === true;

/** Signature algorithms that WebCrypto can verify; RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3. */
const algorithms: Record<string, { name: string; hash?: string }> = {
  "1.2.840.113549.1.1.11": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "1.2.840.113549.1.1.12": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
  "1.2.840.113549.1.1.13": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512" },
  "1.2.840.10045.4.3.2": { name: "ECDSA", hash: "SHA-256" },
  "1.2.840.10045.4.3.3": { name: "ECDSA", hash: "SHA-384" },
  "1.2.840.10045.4.3.4": { name: "ECDSA", hash: "SHA-512" },
  "1.3.101.112": { name: "Ed25519" },
};
const curves: Record<string, { name: string; bytes: number }> = {
  "1.2.840.10045.3.1.7": { name: "P-256", bytes: 32 },
  "1.3.132.0.34": { name: "P-384", bytes: 48 },
  "1.3.132.0.35": { name: "P-521", bytes: 66 },
};

/** Whether one certificate names and is signed by another, RFC 5280 §6.1.3 (a)(1) and (a)(4). */
async function isIssuedBy(x509: X509, issuer: X509): Promise<boolean> {
  const name = (of: X509, part: "issuer" | "subject") => hex(AsnConvert.serialize(of.tbsCertificate[part]));
  if (name(x509, "issuer") !== name(issuer, "subject")) return false;
  const algorithm = algorithms[x509.signatureAlgorithm.algorithm];
  if (!algorithm) {
    throw new CertificateError(
      `The CA's certificate is signed with an unknown algorithm: ${x509.signatureAlgorithm.algorithm}`,
    );
  }
  try {
    const spki = issuer.tbsCertificate.subjectPublicKeyInfo;
    const parameters = algorithm.name === "ECDSA" ? spki.algorithm.parameters : undefined;
    const curve = parameters
      ? curves[AsnConvert.parse(parameters, ECParameters).namedCurve ?? ""]
      : undefined;
    const key = await crypto.subtle.importKey(
      "spki",
      spkiOf(issuer),
      curve ? { ...algorithm, namedCurve: curve.name } : algorithm,
      false,
      ["verify"],
    );
    const raw = new Uint8Array(x509.signatureValue);
    const signature = curve ? ecdsaFromDer(raw, curve.bytes) : raw;
    return await crypto.subtle.verify(algorithm, key, signature, x509.tbsCertificateRaw!);
  } catch {
    return false;
  }
}

/** The SEQUENCE of RFC 3279 §2.2.3 as WebCrypto's r‖s. */
function ecdsaFromDer(der: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const value = AsnConvert.parse(der, ECDSASigValue);
  if (hex(AsnConvert.serialize(value)) !== der.toHex()) throw new TypeError("not DER");
  const { r, s } = value;
  const signature = new Uint8Array(2 * length);
  [r, s].forEach((integer, i) => {
    const bytes = new Uint8Array(integer);
    if (bytes.slice(0, -length).some((each) => each !== 0)) {
      throw new TypeError("larger than the curve allows");
    }
    const fitting = bytes.slice(-length);
    signature.set(fitting, (i + 1) * length - fitting.length);
  });
  return signature;
}
