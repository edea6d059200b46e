/** PKCS#10 certification requests, RFC 2986. */
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  Attribute,
  Extension,
  Extensions,
  GeneralName,
  id_ce_subjectAltName,
  Name as DistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
} from "@peculiar/asn1-x509";
import { Attributes, CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import type { KeyPair } from "./key.ts";
import { isAddress, type Name } from "./name.ts";
import { signDer } from "./signature.ts";

const extensionRequest = "1.2.840.113549.1.9.14"; // RFC 2985 §5.4.2

/** Asks for a certificate: empty subject, all names in subjectAltName (RFC 8555 §7.4, RFC 8738 §3).
 *
 * @param pair the key that the certificate will be for
 * @param names DNS names and IP addresses
 * @returns the request, DER
 */
export async function createCsr(pair: KeyPair, names: readonly Name[]): Promise<Uint8Array<ArrayBuffer>> {
  const alternativeNames = new SubjectAlternativeName(
    names.map((name) => new GeneralName(isAddress(name) ? { iPAddress: name } : { dNSName: name })),
  );
  const extensions = new Extensions([
    new Extension({
      extnID: id_ce_subjectAltName,
      critical: true, // RFC 5280 §4.2.1.6: critical where the subject is empty
      extnValue: new OctetString(AsnConvert.serialize(alternativeNames)),
    }),
  ]);
  const info = new CertificationRequestInfo({
    subject: new DistinguishedName([]),
    subjectPKInfo: AsnConvert.parse(pair.publicKey, SubjectPublicKeyInfo),
    attributes: new Attributes([
      new Attribute({ type: extensionRequest, values: [AsnConvert.serialize(extensions)] }),
    ]),
  });
  const signed = AsnConvert.serialize(info);
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    ...await signDer(pair, signed),
  });
  request.certificationRequestInfoRaw = signed;
  return new Uint8Array(AsnConvert.serialize(request));
}
