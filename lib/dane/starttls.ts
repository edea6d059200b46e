/** Conversations over TCP with name servers (RFC 7766) and with the services that present a certificate. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Endpoint, Protocol } from "./service.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const dnsTimeout = 5_000;
const serviceTimeout = 10_000;
const longestMessage = 2 + 65_535;
/** Greetings and answers before TLS begins are a few lines. */
const longestTalk = 16_384;

/** Sends one DNS message and reads one.
 *
 * @param server where
 * @param message without the length in front
 * @returns the answer, likewise; at most 64 KiB by its very form
 * @throws {Error} there is no whole answer within five seconds
 */
export async function exchangeDns(server: Endpoint, message: Bytes): Promise<Bytes> {
  await using peer = await open(server, dnsTimeout, longestMessage);
  const { length } = message;
  peer.send(new Uint8Array([length >> 8, length & 255, ...message]));
  const isWhole = (bytes: Bytes) => bytes.length >= 2 && bytes.length >= 2 + (bytes[0] << 8 | bytes[1]);
  const answer = await peer.receive(isWhole);
  return answer.slice(2, 2 + (answer[0] << 8 | answer[1]));
}

/** Reads which certificate a service presents; nothing is trusted, and nothing sent but the beginning of the protocol.
 *
 * @param server where
 * @param name the host name that is asked for (SNI)
 * @param protocol what comes before TLS
 * @returns the end-entity certificate, DER
 * @throws {Error} there is none within ten seconds
 */
export async function peerCertificate(server: Endpoint, name: string, protocol: Protocol): Promise<Bytes> {
  await using peer = await open(server, serviceTimeout, longestTalk);
  await startTls(peer, name, protocol);
  // Whether to trust the certificate is not asked here: which one it is, is all that matters.
  const tls = connectTls({ socket: peer.socket, servername: name, rejectUnauthorized: false });
  try {
    await new Promise<void>((resolve, reject) => {
      tls.once("secureConnect", resolve);
      tls.once("error", reject);
      peer.socket.once("close", () => reject(peer.trouble() ?? new Error("the connection was closed")));
    });
    const { raw } = tls.getPeerCertificate();
    if (!raw) throw new Error("no certificate was presented");
    return new Uint8Array(raw);
  } finally {
    tls.destroy();
  }
}

interface Peer extends AsyncDisposable {
  socket: Socket;
  send(data: string | Bytes): void;
  /** Waits until what has come is whole. */
  receive(isWhole: (bytes: Bytes) => boolean): Promise<Bytes>;
  /** What broke the connection, if anything did. */
  trouble(): Error | undefined;
}

async function open({ address, port }: Endpoint, timeout: number, limit: number): Promise<Peer> {
  const socket = connectTcp({ host: address, port });
  let trouble: Error | undefined;
  const buffer: Bytes = new Uint8Array(limit);
  let size = 0;
  let wake = () => {};
  const stop = (error: Error) => {
    trouble ??= error;
    socket.destroy();
    wake();
  };
  const signal = AbortSignal.timeout(timeout);
  signal.addEventListener("abort", () => stop(signal.reason));
  socket.on("error", stop);
  socket.once("close", () => stop(new Error("the connection was closed")));
  const hear = (chunk: Uint8Array) => {
    if (size + chunk.length > limit) return stop(new Error(`more than ${limit} bytes were sent`));
    buffer.set(chunk, size);
    size += chunk.length;
    wake();
  };
  socket.on("data", hear);
  const peer: Peer = {
    socket,
    send: (data) => void socket.write(data),
    async receive(isWhole) {
      while (!isWhole(buffer.subarray(0, size))) {
        if (trouble) throw trouble;
        await new Promise<void>((resolve) => wake = resolve);
      }
      const whole = buffer.slice(0, size);
      size = 0;
      return whole;
    },
    trouble: () => trouble,
    [Symbol.asyncDispose]() {
      socket.destroy();
      return Promise.resolve();
    },
  };
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("close", () => reject(trouble));
  });
  return peer;
}

/** Brings a conversation to where TLS begins: RFC 3207, RFC 9051 §6.2.1, RFC 2595 §4, RFC 6120 §5. */
async function startTls(peer: Peer, name: string, protocol: Protocol): Promise<void> {
  const hear = async (pattern: RegExp) => {
    const isWhole = (bytes: Bytes) => pattern.test(text(bytes)) || refusal.test(text(bytes));
    if (!pattern.test(text(await peer.receive(isWhole)))) throw new Error(`STARTTLS is refused`);
  };
  switch (protocol) {
    case "tls":
      break;
    case "smtp":
      await hear(/^220 .*\r?\n/m);
      peer.send("EHLO check.invalid\r\n");
      await hear(/^250[ -]STARTTLS\r?\n(.*\r?\n)*^250 .*\r?\n|^250 STARTTLS\r?\n/im);
      peer.send("STARTTLS\r\n");
      await hear(/^220 .*\r?\n/m);
      break;
    case "imap":
      await hear(/^\* OK.*\r?\n/im);
      peer.send("a STARTTLS\r\n");
      await hear(/^a OK.*\r?\n/im);
      break;
    case "pop3":
      await hear(/^\+OK.*\r?\n/im);
      peer.send("STLS\r\n");
      await hear(/^\+OK.*\r?\n/im);
      break;
    case "xmpp":
      peer.send(
        `<?xml version='1.0'?><stream:stream to='${name}' version='1.0' xmlns='jabber:client' ` +
          "xmlns:stream='http://etherx.jabber.org/streams'>",
      );
      await hear(/<starttls[\s/>]/);
      peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
      await hear(/<proceed[\s/>]/);
  }
  peer.socket.removeAllListeners("data"); // what comes now is TLS
}

/** What a server says that won't begin with TLS, in any of the protocols. */
const refusal =
  /^[45]\d\d .*\r?\n|^250 .*\r?\n|^a (NO|BAD).*\r?\n|^-ERR.*\r?\n|<\/stream:features>|<failure[\s/>]/im;
const text = (bytes: Bytes) => new TextDecoder("latin1").decode(bytes);
