/** The certificate that a server serves, asked for as a client does. */
import net from "node:net";
import tls from "node:tls";

/** A service of the zone and where it is. */
export interface Service {
  /** Such as `www.example.test`. */
  name: string;
  port: number;
  address: string;
}

/** The name of a service's TLSA records. */
export const tlsaName = ({ name, port }: Service) => `_${port}._tcp.${name}`;

/** Connects, on port 25 with STARTTLS (RFC 3207), and takes what comes: judging it is the referee's part.
 *
 * @param service whom to ask
 * @returns the end-entity certificate, DER
 */
export async function servedCertificate({ name, port, address }: Service): Promise<Uint8Array> {
  const socket = net.connect({ host: address, port });
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  const patience = setTimeout(() => broken.reject(new Error("no answer in time")), 5000);
  socket.on("error", broken.reject);
  socket.on("close", () => broken.reject(new Error("connection closed")));
  try {
    if (port === 25) {
      for (const command of ["EHLO probe.example.test\r\n", "STARTTLS\r\n", ""]) {
        await Promise.race([broken.promise, reply(socket)]);
        if (command) socket.write(command);
      }
    }
    const secured = Promise.withResolvers<void>();
    const connection = tls.connect(
      { socket, servername: name, rejectUnauthorized: false },
      () => secured.resolve(),
    );
    connection.on("error", broken.reject);
    await Promise.race([broken.promise, secured.promise]);
    const { raw } = connection.getPeerCertificate();
    connection.destroy();
    return new Uint8Array(raw);
  } finally {
    clearTimeout(patience);
    socket.destroy();
  }
}

/** Reads one reply, RFC 5321 §4.2: its last line has a space after the code. */
async function reply(socket: net.Socket): Promise<void> {
  const complete = Promise.withResolvers<void>();
  let text = "";
  const listener = (chunk: Uint8Array) => {
    text += new TextDecoder().decode(chunk);
    if (!/^\d{3} .*\r\n$/m.test(text)) return;
    socket.off("data", listener);
    if (text.startsWith("2")) complete.resolve();
    else complete.reject(new Error(text.trim()));
  };
  socket.on("data", listener);
  await complete.promise;
}
