/** PKCS#10 certification requests, RFC 2986. */
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  Attribute,
  Extension,
  Extensions,
  GeneralName,
  id_ce_subjectAltName,
  Name,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
} from "@peculiar/asn1-x509";
import { Attributes, CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { ECDSASigValue } from "@peculiar/asn1-ecc";
import { type KeyPair, sign } from "./key.ts";

const extensionRequest = "1.2.840.113549.1.9.14"; // RFC 2985 §5.4.2
const sha256WithRsa = "1.2.840.113549.1.1.11"; // RFC 4055 §5
const ecdsaWithSha = { 256: "1.2.840.10045.4.3.2", 384: "1.2.840.10045.4.3.3" }; // RFC 5758 §3.2

/** Asks for a certificate: empty subject, all names in subjectAltName (RFC 8555 §7.4).
 *
 * @param pair the key that the certificate will be for
 * @param domains DNS names
 * @returns the request, DER
 */
export async function createCsr(pair: KeyPair, domains: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const names = new SubjectAlternativeName(domains.map((dNSName) => new GeneralName({ dNSName })));
  const extensions = new Extensions([
    new Extension({
      extnID: id_ce_subjectAltName,
      critical: true, // RFC 5280 §4.2.1.6: critical where the subject is empty
      extnValue: new OctetString(AsnConvert.serialize(names)),
    }),
  ]);
  const info = new CertificationRequestInfo({
    subject: new Name([]),
    subjectPKInfo: AsnConvert.parse(pair.spki, SubjectPublicKeyInfo),
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

/** Signs a structure as X.509 does, with SHA-256 (SHA-384 for P-384).
 *
 * @param pair whose private key signs
 * @param der what is signed
 * @returns the signature and the name of its algorithm
 */
export async function signDer(
  pair: KeyPair,
  der: ArrayBuffer,
): Promise<{ signatureAlgorithm: AlgorithmIdentifier; signature: ArrayBuffer }> {
  const signature = await sign(pair, new Uint8Array(der));
  if (pair.keyType.type === "rsa") {
    const parameters = new Uint8Array([5, 0]).buffer; // NULL, RFC 4055 §5
    return {
      signatureAlgorithm: new AlgorithmIdentifier({ algorithm: sha256WithRsa, parameters }),
      signature: signature.buffer,
    };
  }
  const algorithm = ecdsaWithSha[pair.keyType.length as 256 | 384];
  return { signatureAlgorithm: new AlgorithmIdentifier({ algorithm }), signature: ecdsaToDer(signature) };
}

/** WebCrypto's r‖s as the SEQUENCE that X.509 wants, RFC 3279 §2.2.3. */
function ecdsaToDer(signature: Uint8Array<ArrayBuffer>): ArrayBuffer {
  const half = signature.length / 2;
  const integer = (bytes: Uint8Array<ArrayBuffer>) => {
    const start = bytes.findIndex((byte) => byte !== 0);
    const trimmed = bytes.slice(start);
    return trimmed[0] & 0x80 ? new Uint8Array([0, ...trimmed]).buffer : trimmed.buffer;
  };
  return AsnConvert.serialize(
    new ECDSASigValue({ r: integer(signature.slice(0, half)), s: integer(signature.slice(half)) }),
  );
}
