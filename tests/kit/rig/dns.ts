/** Questions to a DNS server, RFC 1035, over TCP, RFC 7766. Not the product's code: the tests judge that. */

/** What a server says about TLSA records. */
export interface TlsaAnswer {
  /** Validated by DNSSEC: the AD bit, RFC 4035 §3.2.3. */
  isValidated: boolean;
  /** Response code; 0: no error. */
  code: number;
  /** Record data, such as `3 1 1 5247…`, sorted. */
  records: string[];
  /** Seconds for which the answer may be kept. */
  ttl: number;
}

const tlsaType = 52;

/** Asks one server for the TLSA records of a service.
 *
 * @param server its address, port 53
 * @param name such as `_443._tcp.www.example.test`
 */
export async function askTlsa(server: string, name: string): Promise<TlsaAnswer> {
  const message = await exchange(server, question(name));
  const view = new DataView(message.buffer);
  const flags = view.getUint16(2);
  const answer: TlsaAnswer = {
    isValidated: (flags & 0x20) !== 0,
    code: flags & 15,
    records: [],
    ttl: Infinity,
  };
  let at = skipName(message, 12) + 4;
  for (let count = view.getUint16(6); count > 0; count--) {
    at = skipName(message, at);
    const data = message.subarray(at + 10, at + 10 + view.getUint16(at + 8));
    if (view.getUint16(at) === tlsaType) {
      answer.records.push(`${data.subarray(0, 3).join(" ")} ${data.subarray(3).toHex()}`);
      answer.ttl = Math.min(answer.ttl, view.getUint32(at + 4));
    }
    at += 10 + data.length;
  }
  answer.records.sort();
  return answer;
}

/** Recursion desired, and the AD bit to ask for the same, RFC 6840 §5.7. */
function question(name: string): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  const id = crypto.getRandomValues(new Uint8Array(2));
  return Uint8Array.of(...id, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, tlsaType, 0, 1);
}

async function exchange(server: string, message: Uint8Array): Promise<Uint8Array> {
  const connection = await Deno.connect({ hostname: server, port: 53 });
  const patience = setTimeout(() => connection.close(), 5000);
  try {
    const writer = connection.writable.getWriter();
    await writer.write(Uint8Array.of(message.length >> 8, message.length & 255, ...message));
    let received = new Uint8Array();
    for await (const chunk of connection.readable) {
      received = Uint8Array.of(...received, ...chunk);
      const length = received.length < 2 ? Infinity : received[0] << 8 | received[1];
      if (received.length >= 2 + length) return received.slice(2, 2 + length);
    }
    throw new Error(`${server} closes the connection`);
  } finally {
    clearTimeout(patience);
    try {
      connection.close();
    } catch { /* reading to its end has closed it */ }
  }
}

/** Where a name ends: at its root label or after a pointer, RFC 1035 §4.1.4. */
function skipName(message: Uint8Array, at: number): number {
  while (message[at] !== 0) {
    if (message[at] >= 0xc0) return at + 2;
    at += message[at] + 1;
  }
  return at + 1;
}
