/** The checks before a chain replaces anything: RFC 8555 §7.4.2, §9.1 and §11.4, RFC 5280 §6.1. */
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  BasicConstraints,
  Certificate as X509,
  ExtendedKeyUsage,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_kp_serverAuth,
  KeyUsage,
  KeyUsageFlags,
} from "@peculiar/asn1-x509";
import { clockTolerance } from "../time.ts";
import { Failure, type Kind, printable, readable } from "../errors.ts";
import { alternativeNames, type Certificate, describe, extension, hex, publicKeyOf } from "./certificate.ts";
import type { Name } from "./name.ts";
import { encodePem, readPem } from "./pem.ts";
import { isKnownAlgorithm, isSignedBy } from "./signature.ts";

/** What was asked for. */
export interface Expected {
  /** SHA-256 of the public key, lower-case hex. */
  keyId: string;
  /** All names, in any order. */
  names: readonly Name[];
  /** The time. */
  now: Date;
}

/** A chain that may be used. */
export interface CheckedChain {
  /** The chain as it is to be written: end-entity certificate first, LF line ends, one final newline. */
  pem: string;
  /** Its first certificate. */
  certificate: Certificate;
  /** What is unusual, though no reason to refuse it. */
  warnings: string[];
}

const maxCertificates = 10;
const maxBytes = 1 << 20;
/** Extensions that may be critical, since whoever verifies a chain understands them: RFC 5280 §4.2, RFC 7633. */
const understood = /^2\.5\.29\.(14|15|17|18|19|30|31|32|33|35|36|37|46|54)$|^1\.3\.6\.1\.5\.5\.7\.1\.(1|24)$/;
const anyPurpose = "2.5.29.37.0"; // RFC 5280 §4.2.1.12

/** Checks a chain that the CA sent, before it replaces anything.
 *
 * Some CAs send a certificate twice, in another order, or signed by two issuers: what doesn't belong to the path from
 * the end-entity certificate upwards is left out.
 *
 * @param text what the CA sent
 * @param expected the key and the names that were asked for, and the time
 * @returns the path that links
 * @throws {Failure} `ca.certificate` or `ca.clock`: it is not exactly what was asked for
 */
export async function checkChain(text: string, expected: Expected): Promise<CheckedChain> {
  const bundle = await parse(text);
  const leaf = bundle.find(({ certificate }) => certificate.keyId === expected.keyId) ?? bundle[0];
  checkLeaf(leaf, expected);
  const { path, fault } = await climb([leaf], bundle, expected.now);
  if (fault) throw refusal(fault);
  const isAlone = path.length === 1;
  if (isAlone && bundle.some((each) => each.identity !== leaf.identity)) {
    throw refusal("none of the other certificates in the chain has signed it");
  }
  return {
    pem: path.map(({ der }) => encodePem("CERTIFICATE", der)).join(""),
    certificate: leaf.certificate,
    warnings: isAlone ? ["the CA sent no issuer with the certificate: some clients will not trust it"] : [],
  };
}

interface Parsed {
  der: Uint8Array<ArrayBuffer>;
  x509: X509;
  certificate: Certificate;
  /** Subject and public key: the same for a certificate and its twin from another issuer. */
  identity: string;
  isCa: boolean;
  /** As far as the usage of its key is limited. */
  mayIssue: boolean;
  isForServers: boolean;
}

const refusal = (why: string, kind: Kind = "ca.certificate") =>
  new Failure(kind, `The CA's certificate is not usable: ${why}`);

async function parse(text: string): Promise<Parsed[]> {
  if (text.length > maxBytes) throw refusal("it is larger than 1 MiB");
  const { blocks, outside } = await orDamaged(() => readPem(text));
  if (blocks.length === 0) throw refusal("the CA returned no certificate");
  const foreign = blocks.find((block) => block.label !== "CERTIFICATE");
  if (foreign) throw refusal(`there is a block "${foreign.label}" in the chain`);
  if (outside) throw refusal("there is text between the certificates");
  if (blocks.length > maxCertificates) {
    throw refusal(`the chain has more than ${maxCertificates} certificates`);
  }
  return await orDamaged(() => Promise.all(blocks.map(({ der }) => parseOne(der))));
}

async function parseOne(der: Uint8Array<ArrayBuffer>): Promise<Parsed> {
  const x509 = AsnConvert.parse(der, X509);
  if (!isDer(x509, der)) throw new TypeError("not DER");
  const usage = extension(x509, id_ce_keyUsage, KeyUsage);
  const purposes = extension(x509, id_ce_extKeyUsage, ExtendedKeyUsage);
  return {
    der,
    x509,
    certificate: await describe(x509),
    identity: nameOf(x509, "subject") + hex(publicKeyOf(x509).buffer),
    isCa: extension(x509, id_ce_basicConstraints, BasicConstraints)?.cA === true,
    mayIssue: !usage || (usage.toNumber() & KeyUsageFlags.keyCertSign) !== 0,
    isForServers: !purposes || purposes.includes(id_kp_serverAuth) || purposes.includes(anyPurpose),
  };
}

async function orDamaged<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch {
    throw refusal("it is damaged");
  }
}

function checkLeaf({ x509, certificate, isCa, isForServers }: Parsed, expected: Expected): void {
  if (isCa) throw refusal("the first certificate is that of a CA");
  if (certificate.keyId !== expected.keyId) throw refusal("it is for a different key");
  if ([...alternativeNames(x509)].some((each) => (each.dNSName ?? each.iPAddress) === undefined)) {
    throw refusal("it is for something else than DNS names and addresses too");
  }
  const wanted = [...expected.names].sort();
  if (certificate.names.join() !== wanted.join()) {
    throw refusal(`it is for other names: ${differences(certificate.names, wanted)}`);
  }
  const { notBefore, notAfter } = certificate;
  if (notAfter <= notBefore) throw refusal("it ends before it begins");
  if (+notBefore > +expected.now + clockTolerance) {
    throw refusal(`it is not valid before ${readable(notBefore)}`, "ca.clock");
  }
  if (notAfter <= expected.now) throw refusal(`it expired on ${readable(notAfter)}`, "ca.clock");
  if (!isForServers) throw refusal("it is not for servers (no serverAuth)");
  const critical = criticalOf(x509);
  if (critical) throw refusal(`it has a critical extension that nobody understands: ${critical}`);
}

function differences(actual: readonly Name[], wanted: readonly Name[]): string {
  const missing = wanted.filter((name) => !actual.includes(name)).map((name) => `"${name}" is missing`);
  const extra = actual.filter((name) => !wanted.includes(name)).map((name) => `"${name}" was not asked for`);
  return printable([...missing, ...extra].join(", "), 400);
}

/** What is wrong with an issuer, RFC 5280 §6.1.4 (k), (n) and (o), §6.1.3 (a)(2). */
function issuerFault({ x509, certificate, isCa, mayIssue }: Parsed, now: Date): string | undefined {
  const { notAfter } = certificate;
  if (notAfter <= now) return `expired on ${readable(notAfter)}`;
  if (!isCa) return "is not that of a CA";
  if (!mayIssue) return "must not sign certificates";
  const critical = criticalOf(x509);
  return critical && `has a critical extension that nobody understands: ${critical}`;
}

const criticalOf = (x509: X509) =>
  x509.tbsCertificate.extensions?.find((each) => each.critical && !understood.test(each.extnID))?.extnID;

interface Climb {
  path: Parsed[];
  /** Why the path must not be used, where there is no other. */
  fault?: string;
}

/** The longest sound path upwards; a key signs once in it, so that twins that sign each other make no circle. */
async function climb(path: Parsed[], bundle: readonly Parsed[], now: Date): Promise<Climb> {
  const child = path.at(-1)!;
  let best: Climb | undefined;
  for (const issuer of bundle) {
    if (path.some(({ identity }) => identity === issuer.identity)) continue;
    if (nameOf(child.x509, "issuer") !== nameOf(issuer.x509, "subject")) continue;
    const { signatureAlgorithm, signatureValue, tbsCertificateRaw, tbsCertificate } = child.x509;
    let fault;
    if (isKnownAlgorithm(signatureAlgorithm)) {
      const signature = new Uint8Array(signatureValue);
      const signed = { algorithm: signatureAlgorithm, signature, data: tbsCertificateRaw! };
      if (!await isSignedBy(signed, issuer.x509.tbsCertificate.subjectPublicKeyInfo)) continue;
      const why = issuerFault(issuer, now);
      fault = why && `its issuer "${printable(issuer.certificate.subject, 100)}" ${why}`;
    } else fault = `it is signed with an unknown algorithm: ${tbsCertificate.signature.algorithm}`;
    const found = fault ? { path, fault } : await climb([...path, issuer], bundle, now);
    const isBetter = !best || (best.fault && !found.fault) ||
      !found.fault === !best.fault && found.path.length > best.path.length;
    if (isBetter) best = found;
  }
  return best ?? { path };
}

const nameOf = (x509: X509, part: "issuer" | "subject") =>
  hex(AsnConvert.serialize(x509.tbsCertificate[part]));

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
