/** Strict PEM, RFC 7468. */

/** One encapsulated object. */
export interface PemBlock {
  label: string;
  der: Uint8Array<ArrayBuffer>;
}

/** Encodes one object as PEM, 64 characters a line.
 *
 * @param label such as `CERTIFICATE`
 * @param der the object
 * @returns PEM with a final newline
 */
export function encodePem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** Finds every PEM block of a text, in one pass.
 *
 * @param text PEM, with LF or CRLF
 * @returns the blocks in order, and all text that stands outside of them
 * @throws {TypeError} a block is not closed, or holds something other than base64
 */
export function readPem(text: string): { blocks: PemBlock[]; outside: string } {
  const blocks: PemBlock[] = [];
  const outside: string[] = [];
  let open: { label: string; lines: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const begin = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/.exec(line);
    const end = /^-----END ([A-Z0-9 ]+)-----\s*$/.exec(line);
    if (open) {
      if (end && end[1] === open.label) {
        blocks.push({ label: open.label, der: fromBase64(open.lines.join("")) });
        open = undefined;
      } else if (begin || end) throw new TypeError(`PEM block "${open.label}" is not closed`);
      else open.lines.push(line.trim());
    } else if (begin) open = { label: begin[1], lines: [] };
    else outside.push(line);
  }
  if (open) throw new TypeError(`PEM block "${open.label}" is not closed`);
  return { blocks, outside: outside.join("\n").trim() };
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text);
  } catch (cause) {
    throw new TypeError("PEM block holds damaged base64", { cause });
  }
}
