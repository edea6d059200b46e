/** Who issued a certificate, for a person's eye. */
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import { readPem } from "./pem.ts";

/** organizationName and commonName, RFC 5280 §4.1.2.4. */
const shown = ["2.5.4.10", "2.5.4.3"];

/** The issuer of the first certificate of a chain.
 *
 * @param chain PEM
 * @returns such as `Let's Encrypt R11`; undefined: it names itself in another way
 */
export function issuerOf(chain: Uint8Array): string | undefined {
  const [{ der }] = readPem(new TextDecoder().decode(chain)).blocks;
  const attributes = AsnConvert.parse(der, Certificate).tbsCertificate.issuer.flat();
  const parts = shown.flatMap((type) => attributes.filter((each) => each.type === type));
  return parts.map((each) => each.value.toString()).join(" ") || undefined;
}
