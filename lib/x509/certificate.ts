/** What is read of issued certificates. */
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AuthorityKeyIdentifier,
  Certificate as X509,
  id_ce_authorityKeyIdentifier,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  type Name as DistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
} from "@peculiar/asn1-x509";
import { keyIdOf } from "./key.ts";
import type { Name } from "./name.ts";
import { readPem } from "./pem.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What one needs to know of an end-entity certificate. */
export interface Certificate {
  /** From when it is valid. */
  notBefore: Date;
  /** Until when it is valid. */
  notAfter: Date;
  /** DNS names (lower case) and IP addresses of subjectAltName, sorted. */
  names: Name[];
  /** SHA-256 of its public key (SubjectPublicKeyInfo), lower-case hex. */
  keyId: string;
  /** Serial number, lower-case hex of its DER content; `formatSerial` makes it readable. */
  serial: string;
  /** Common name of whom it is for, or what else there is of a name; often empty. */
  subject: string;
  /** Who issued it, for a person's eye: such as `Let's Encrypt YE1`. */
  issuer: string;
  /** Which key signed it (RFC 5280 §4.2.1.1), lower-case hex. */
  authorityKeyId?: string;
  /** Which key it is for (RFC 5280 §4.2.1.2), lower-case hex. */
  subjectKeyId?: string;
}

/** Reads the first certificate of a chain.
 *
 * @param text PEM, end-entity certificate first
 * @returns what one needs to know of it
 * @throws {TypeError} the text holds no readable certificate
 */
export async function readCertificate(text: string): Promise<Certificate> {
  return await describe(AsnConvert.parse(firstBlock(text), X509));
}

/** The first certificate of a chain as it is, for requests that are about it.
 *
 * @param text PEM, end-entity certificate first
 * @returns its DER
 * @throws {TypeError} the text holds no certificate
 */
export function firstBlock(text: string): Bytes {
  const [block] = readPem(text).blocks;
  if (block?.label !== "CERTIFICATE") throw new TypeError("no certificate in PEM form");
  return block.der;
}

/** The key of a certificate.
 *
 * @param der the certificate
 * @returns SHA-256 of its public key, lower-case hex
 * @throws {TypeError} it is damaged
 */
export const readKeyId = (der: Bytes): Promise<string> => keyIdOf(publicKeyOf(AsnConvert.parse(der, X509)));

/** What TLSA records can be about: each certificate of a chain with its public key.
 *
 * @param text PEM, end-entity certificate first
 * @returns both as DER
 * @throws {TypeError} one is damaged
 */
export function readChain(text: string): { certificate: Bytes; publicKey: Bytes }[] {
  return readPem(text).blocks.filter(({ label }) => label === "CERTIFICATE").map(({ der }) => ({
    certificate: der,
    publicKey: publicKeyOf(AsnConvert.parse(der, X509)),
  }));
}

/** Who issued the first certificate of a chain, for a person's eye.
 *
 * @param chain PEM
 * @returns such as `Let's Encrypt YE1`; undefined: it names itself in another way
 */
export const issuerOf = (chain: Uint8Array): string | undefined =>
  shownName(AsnConvert.parse(firstBlock(new TextDecoder().decode(chain)), X509).tbsCertificate.issuer) ||
  undefined;

/** The issuer of the topmost certificate of a chain, by which people choose among several chains.
 *
 * @param text PEM, end-entity certificate first
 * @returns its common name
 * @throws {TypeError} the text holds no readable certificate
 */
export function topmostIssuer(text: string): string {
  const top = readPem(text).blocks.at(-1);
  if (top?.label !== "CERTIFICATE") throw new TypeError("no certificate in PEM form");
  return commonName(AsnConvert.parse(top.der, X509).tbsCertificate.issuer);
}

/** Describes a certificate that has been parsed; see {@link readCertificate}. */
export async function describe(x509: X509): Promise<Certificate> {
  const { validity, serialNumber, subject, issuer } = x509.tbsCertificate;
  const names = [...alternativeNames(x509)].flatMap(({ dNSName, iPAddress }) =>
    dNSName?.toLowerCase() ?? iPAddress ?? []
  );
  const authority = extension(x509, id_ce_authorityKeyIdentifier, AuthorityKeyIdentifier)?.keyIdentifier;
  const own = extension(x509, id_ce_subjectKeyIdentifier, SubjectKeyIdentifier);
  return {
    notBefore: validity.notBefore.getTime(),
    notAfter: validity.notAfter.getTime(),
    names: names.sort(),
    keyId: await keyIdOf(publicKeyOf(x509)),
    serial: hex(serialNumber),
    subject: commonName(subject),
    issuer: shownName(issuer),
    ...authority ? { authorityKeyId: hex(authority.buffer) } : {},
    ...own ? { subjectKeyId: hex(own.buffer) } : {},
  };
}

/** The SubjectPublicKeyInfo of a certificate, DER. */
export const publicKeyOf = (x509: X509): Bytes =>
  new Uint8Array(AsnConvert.serialize(x509.tbsCertificate.subjectPublicKeyInfo));

/** The general names of subjectAltName. */
export const alternativeNames = (x509: X509): SubjectAlternativeName =>
  extension(x509, id_ce_subjectAltName, SubjectAlternativeName) ?? new SubjectAlternativeName();

/** An extension of a certificate, if it is there. */
export function extension<T>(x509: X509, id: string, schema: new () => T): T | undefined {
  const found = x509.tbsCertificate.extensions?.find((each) => each.extnID === id);
  return found && AsnConvert.parse(found.extnValue.buffer, schema);
}

/** Bytes as lower-case hex. */
export const hex = (bytes: ArrayBuffer): string => new Uint8Array(bytes).toHex();

/** organizationName and commonName, RFC 5280 §4.1.2.4. */
const [organizationName, commonNameType] = ["2.5.4.10", "2.5.4.3"];
const shownName = (name: DistinguishedName) => textOf(name, [organizationName, commonNameType]);
const commonName = (name: DistinguishedName) => textOf(name, [commonNameType]);

function textOf(name: DistinguishedName, types: readonly string[]): string {
  const attributes = [...name].flatMap((part) => [...part]);
  const parts = types.flatMap((type) => attributes.filter((each) => each.type === type));
  return parts.map(({ value }) => value.toString()).join(" ");
}
