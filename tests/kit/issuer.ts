/** A certification authority for chains that a real CA would not send. */
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_subjectAltName,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from "@peculiar/asn1-x509";
import { signDer } from "../../lib/x509/csr.ts";
import { generateKey, type KeyPair, type KeyType } from "../../lib/x509/key.ts";
import { encodePem } from "../../lib/x509/pem.ts";

/** What a certificate is to say. */
export interface Content {
  spki: Uint8Array<ArrayBuffer>;
  subject?: string;
  domains?: readonly string[];
  notBefore?: Date;
  notAfter?: Date;
  ca?: boolean;
  /** Names of other kinds, beside the domains. */
  others?: GeneralName[];
  /** An extension, by its identifier, that holds no DER. */
  damaged?: string;
}

/** A CA certificate, and what its key signs. */
export interface Issuer {
  name: string;
  pem: string;
  key: KeyPair;
  /** Issues a certificate, PEM. */
  issue(content: Content): Promise<string>;
  /** A CA below this one. */
  intermediate(name: string, keyType?: KeyType): Promise<Issuer>;
}

const day = 86_400_000;
const p256: KeyType = { type: "ecdsa", length: 256 };
let serial = 1;

/** Makes a self-signed root.
 *
 * @param name common name
 * @param keyType of its key
 */
export async function makeRoot(name: string, keyType = p256): Promise<Issuer> {
  const key = await generateKey(keyType);
  return toIssuer(name, key, await issue({ name, key }, { spki: key.spki, subject: name, ca: true }));
}

function toIssuer(name: string, key: KeyPair, pem: string): Issuer {
  return {
    name,
    pem,
    key,
    issue: (content) => issue({ name, key }, content),
    async intermediate(child, keyType = p256) {
      const childKey = await generateKey(keyType);
      const crt = await issue({ name, key }, { spki: childKey.spki, subject: child, ca: true });
      return toIssuer(child, childKey, crt);
    },
  };
}

async function issue(by: { name: string; key: KeyPair }, content: Content): Promise<string> {
  const { signatureAlgorithm } = await signDer(by.key, new ArrayBuffer());
  const extension = (extnID: string, value: unknown) =>
    new Extension({
      extnID,
      critical: true,
      extnValue: new OctetString(
        content.damaged === extnID ? new ArrayBuffer(3) : AsnConvert.serialize(value),
      ),
    });
  const domains = (content.domains ?? []).map((dNSName) => new GeneralName({ dNSName }));
  const names = [...domains, ...content.others ?? []];
  const tbs = new TBSCertificate({
    version: 2,
    serialNumber: new Uint8Array([1, ++serial >> 8, serial & 255]).buffer,
    signature: signatureAlgorithm,
    issuer: commonName(by.name),
    validity: new Validity({
      notBefore: content.notBefore ?? new Date(Date.now() - day / 24),
      notAfter: content.notAfter ?? new Date(Date.now() + 30 * day),
    }),
    subject: content.subject === undefined ? new Name([]) : commonName(content.subject),
    subjectPublicKeyInfo: AsnConvert.parse(content.spki, SubjectPublicKeyInfo),
    extensions: new Extensions([
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: content.ca ?? false })),
      ...names.length > 0 ? [extension(id_ce_subjectAltName, new SubjectAlternativeName(names))] : [],
    ]),
  });
  const raw = AsnConvert.serialize(tbs);
  const { signature } = await signDer(by.key, raw);
  const certificate = new Certificate({ tbsCertificate: tbs, signatureAlgorithm, signatureValue: signature });
  certificate.tbsCertificateRaw = raw;
  return encodePem("CERTIFICATE", new Uint8Array(AsnConvert.serialize(certificate)));
}

function commonName(value: string): Name {
  const attribute = new AttributeTypeAndValue({
    type: "2.5.4.3",
    value: new AttributeValue({ utf8String: value }),
  });
  return new Name([new RelativeDistinguishedName([attribute])]);
}

/** The certificates of a chain with their keys, as lib/ reads them. */
export { readChain as decodeChain } from "../../lib/x509/certificate.ts";
