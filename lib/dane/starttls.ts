/** Which certificate a service presents, at once or after STARTTLS. */
import { connect } from "node:tls";
import { open, type Peer } from "./peer.ts";
import type { Endpoint, Protocol } from "./service.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const timeout = 10_000;
/** Greetings and answers before TLS begins are a few lines. */
const limit = 16_384;

/** One exchange before TLS: what is said, if anything, and the answer that lets it go on. */
interface Turn {
  say?: (host: string) => string;
  hear: RegExp;
}

const line = (text: string) => () => `${text}\r\n`;

/** What comes before TLS in each protocol. */
const dialogues: Record<Protocol, Turn[]> = {
  "tls": [],
  // RFC 3207 §4
  "smtp": [
    { hear: /^220 .*\r?\n/m },
    {
      say: line("EHLO check.invalid"),
      hear: /^250[ -]STARTTLS\r?\n(.*\r?\n)*^250 .*\r?\n|^250 STARTTLS\r?\n/im,
    },
    { say: line("STARTTLS"), hear: /^220 .*\r?\n/m },
  ],
  // RFC 9051 §6.2.1
  "imap": [
    { hear: /^\* OK.*\r?\n/im },
    { say: line("a STARTTLS"), hear: /^a OK.*\r?\n/im },
  ],
  // RFC 2595 §4
  "pop3": [
    { hear: /^\+OK.*\r?\n/im },
    { say: line("STLS"), hear: /^\+OK.*\r?\n/im },
  ],
  // RFC 6120 §5
  "xmpp": [
    {
      say: (host) =>
        `<?xml version='1.0'?><stream:stream to='${host}' version='1.0' xmlns='jabber:client' ` +
        "xmlns:stream='http://etherx.jabber.org/streams'>",
      hear: /<starttls[\s/>]/,
    },
    { say: () => "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", hear: /<proceed[\s/>]/ },
  ],
};

/** What a server says that won't begin with TLS, in any of the protocols. */
const refusal =
  /^[45]\d\d .*\r?\n|^250 .*\r?\n|^a (NO|BAD).*\r?\n|^-ERR.*\r?\n|<\/stream:features>|<failure[\s/>]/im;

/** Reads which certificate a service presents; nothing is trusted, and nothing sent but the beginning of the protocol.
 *
 * @param server where
 * @param host the name that is asked for (SNI)
 * @param protocol what comes before TLS
 * @returns the end-entity certificate, DER
 * @throws {Error} there is none within ten seconds
 */
export async function peerCertificate(server: Endpoint, host: string, protocol: Protocol): Promise<Bytes> {
  await using peer = await open(server, { timeout, limit });
  for (const turn of dialogues[protocol]) await take(turn, host, peer);
  peer.release(); // what comes now is TLS
  // Whether to trust the certificate is not asked here: which one it is, is all that matters.
  const tls = connect({ socket: peer.socket, servername: host, rejectUnauthorized: false });
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

async function take({ say, hear }: Turn, host: string, peer: Peer): Promise<void> {
  if (say) peer.send(say(host));
  const heard = await peer.receive((bytes) => hear.test(text(bytes)) || refusal.test(text(bytes)));
  if (!hear.test(text(heard))) throw new Error("STARTTLS is refused");
}

const text = (bytes: Bytes) => new TextDecoder("latin1").decode(bytes);
