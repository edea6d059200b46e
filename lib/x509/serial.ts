/** Serial numbers of certificates, for a person's eye. */

/** A serial number as `openssl x509 -serial` prints it.
 *
 * @param serial hex of its DER content
 * @returns upper-case hex without the octet that only holds the sign
 */
export function formatSerial(serial: string): string {
  const value = BigInt.asIntN(serial.length * 4, BigInt(`0x${serial || "0"}`));
  const digits = (value < 0n ? -value : value).toString(16).toUpperCase();
  return (value < 0n ? "-" : "") + (digits.length % 2 ? `0${digits}` : digits);
}
