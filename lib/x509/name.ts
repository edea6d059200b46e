/** What a certificate is for. */

/** A DNS name, or an IP address as RFC 5952 writes it: `example.org`, `*.example.org`, `192.0.2.1`, `2001:db8::1`. */
export type Name = string;

/** Whether a name is an IP address: no DNS name has a colon, or consists of digits and points alone.
 *
 * @param name canonical text
 */
export const isAddress = (name: Name): boolean => /^[0-9.]+$/.test(name) || name.includes(":");
