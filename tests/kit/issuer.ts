/** A certification authority, also for chains that a real CA would not send. */
import { createHash } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from "@peculiar/asn1-x509";
import { signDer } from "../../lib/x509/signature.ts";
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
  /** IP addresses in subjectAltName. */
  addresses?: readonly string[];
  /** Names of other kinds, beside the domains. */
  others?: GeneralName[];
  /** DER without sign; default: the next of a series. */
  serial?: Uint8Array<ArrayBuffer>;
  /** Purposes of the key, by their identifiers; default: a server's. */
  purposes?: string[];
  /** What a key may be used for; default: what a CA or a server needs. */
  usage?: number;
  /** Extensions of one's own, beside the others. */
  extensions?: Extension[];
  /** An extension, by its identifier, that holds no DER. */
  damaged?: string;
}

/** A CA certificate, and what its key signs. */
export interface Issuer {
  name: string;
  pem: string;
  key: KeyPair;
  /** The key identifier in what it issues, RFC 5280 §4.2.1.2 (1). */
  keyId: Uint8Array<ArrayBuffer>;
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
  return toIssuer(name, key, await issue({ name, key }, { spki: key.publicKey, subject: name, ca: true }));
}

function toIssuer(name: string, key: KeyPair, pem: string): Issuer {
  return {
    name,
    pem,
    key,
    keyId: keyIdOf(key),
    issue: (content) => issue({ name, key }, content),
    async intermediate(child, keyType = p256) {
      const childKey = await generateKey(keyType);
      const crt = await issue({ name, key }, { spki: childKey.publicKey, subject: child, ca: true });
      return toIssuer(child, childKey, crt);
    },
  };
}

/** SHA-1 of the public key itself, without its algorithm. */
function keyIdOf({ publicKey }: KeyPair): Uint8Array<ArrayBuffer> {
  const { subjectPublicKey } = AsnConvert.parse(publicKey, SubjectPublicKeyInfo);
  return new Uint8Array(createHash("sha1").update(new Uint8Array(subjectPublicKey)).digest());
}

async function issue(by: { name: string; key: KeyPair }, content: Content): Promise<string> {
  const { signatureAlgorithm } = await signDer(by.key, new ArrayBuffer());
  serial++;
  const tbs = new TBSCertificate({
    version: 2,
    serialNumber: (content.serial ?? new Uint8Array([1, serial >> 16, serial >> 8, serial])).buffer,
    signature: signatureAlgorithm,
    issuer: commonName(by.name),
    validity: new Validity({
      // A CA outlives every year that is simulated.
      notBefore: content.notBefore ?? new Date(content.ca ? Date.UTC(2020) : Date.now() - day / 24),
      notAfter: content.notAfter ?? new Date(content.ca ? Date.UTC(2049) : Date.now() + 30 * day),
    }),
    subject: content.subject === undefined ? new Name([]) : commonName(content.subject),
    subjectPublicKeyInfo: AsnConvert.parse(content.spki, SubjectPublicKeyInfo),
    extensions: new Extensions(extensionsOf(by.key, content)),
  });
  const raw = AsnConvert.serialize(tbs);
  const { signature } = await signDer(by.key, raw);
  const certificate = new Certificate({ tbsCertificate: tbs, signatureAlgorithm, signatureValue: signature });
  certificate.tbsCertificateRaw = raw;
  return encodePem("CERTIFICATE", new Uint8Array(AsnConvert.serialize(certificate)));
}

function extensionsOf(issuer: KeyPair, content: Content): Extension[] {
  const { ca = false, domains = [], addresses = [], others = [], damaged } = content;
  const extension = (extnID: string, value: unknown, critical = true) =>
    new Extension({
      extnID,
      critical,
      extnValue: new OctetString(damaged === extnID ? new ArrayBuffer(3) : AsnConvert.serialize(value)),
    });
  const names = [
    ...domains.map((dNSName) => new GeneralName({ dNSName })),
    ...addresses.map((iPAddress) => new GeneralName({ iPAddress })),
    ...others,
  ];
  const usage = content.usage ??
    (ca ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature);
  const authority = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdOf(issuer).buffer) });
  const purposes = content.purposes ?? (ca ? [] : [id_kp_serverAuth]);
  return [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: ca })),
    extension(id_ce_keyUsage, new KeyUsage(usage)),
    ...purposes.length > 0 ? [extension(id_ce_extKeyUsage, new ExtendedKeyUsage(purposes), false)] : [],
    extension(id_ce_authorityKeyIdentifier, authority, false),
    ...names.length > 0 ? [extension(id_ce_subjectAltName, new SubjectAlternativeName(names))] : [],
    ...content.extensions ?? [],
  ];
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
