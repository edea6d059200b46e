/** The beginning of each protocol up to TLS, against servers that talk as the RFCs have them, and some that don't. */
import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { readChain } from "../../lib/x509/certificate.ts";
import type { Protocol } from "../../lib/dane/service.ts";
import { peerCertificate } from "../../lib/dane/starttls.ts";
import { makeTlsCertificate } from "../kit/pebble.ts";

const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
await makeTlsCertificate(folder);
const [cert, key] = ["crt", "key"].map((end) => Deno.readTextFileSync(`${folder}/tls.${end}`));
await Deno.remove(folder, { recursive: true });
const [{ certificate: expected }] = readChain(cert);

/** What a server says at first, and after each thing that it hears; `TLS`: it begins with TLS then. */
type Script = [greeting: string, ...turns: [hears: RegExp, says: string][]];

/** Serves one script on a port of its own. */
async function withServer(script: Script, use: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const [greeting, ...turns] = script;
    const begin = () => {
      socket.removeAllListeners("data");
      const tls = new TLSSocket(socket, { isServer: true, cert, key });
      tls.on("error", () => {});
    };
    if (greeting === "TLS") return begin();
    if (greeting) socket.write(greeting);
    socket.on("data", (heard: Buffer) => {
      const turn = turns.shift();
      if (!turn || !turn[0].test(heard.toString("latin1"))) return socket.destroy();
      // In two pieces, as a network may deliver it.
      const [first, second] = [turn[1].replace(/TLS$/, "").slice(0, 4), turn[1].replace(/TLS$/, "").slice(4)];
      socket.write(first, () => setTimeout(() => socket.write(second), 5));
      if (turn[1].endsWith("TLS")) begin();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    sockets.forEach((each) => each.destroy());
    await new Promise((resolve) => server.close(resolve));
  }
}

const features =
  "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";
const good: [what: string, protocol: Protocol, script: Script][] = [
  ["TLS at once", "tls", ["TLS"]],
  ["SMTP", "smtp", [
    "220-mail.example.org\r\n220 ESMTP ready\r\n",
    [/^EHLO \S+\r\n$/, "250-mail.example.org\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n"],
    [/^STARTTLS\r\n$/, "220 go ahead\r\nTLS"],
  ]],
  ["SMTP with STARTTLS last", "smtp", [
    "220 ready\r\n",
    [/^EHLO /, "250-mail.example.org\r\n250 STARTTLS\r\n"],
    [/^STARTTLS/, "220 go\r\nTLS"],
  ]],
  ["IMAP", "imap", ["* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", [
    /^a STARTTLS\r\n$/,
    "a OK begin\r\nTLS",
  ]]],
  ["POP3", "pop3", ["+OK ready\r\n", [/^STLS\r\n$/, "+OK begin\r\nTLS"]]],
  ["XMPP", "xmpp", [
    "",
    [/to='localhost'.*jabber:client/, `<?xml version='1.0'?><stream:stream id='1'>${features}`],
    [/^<starttls /, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>TLS"],
  ]],
];
for (const [what, protocol, script] of good) {
  Deno.test(`peerCertificate(): ${what}`, async () => {
    await withServer(script, async (port) => {
      assertEquals(await peerCertificate({ address: "127.0.0.1", port }, "localhost", protocol), expected);
    });
  });
}

const bad: [what: string, protocol: Protocol, says: RegExp, script: Script][] = [
  ["SMTP without STARTTLS", "smtp", /STARTTLS is refused/, [
    "220 ready\r\n",
    [/^EHLO /, "250-mail.example.org\r\n250 HELP\r\n"],
  ]],
  ["SMTP that refuses it", "smtp", /STARTTLS is refused/, [
    "220 ready\r\n",
    [/^EHLO /, "250-a\r\n250 STARTTLS\r\n"],
    [/^STARTTLS/, "454 not now\r\n"],
  ]],
  ["SMTP that is busy", "smtp", /STARTTLS is refused/, ["421 too many connections\r\n"]],
  ["IMAP that refuses it", "imap", /STARTTLS is refused/, ["* OK\r\n", [/STARTTLS/, "a BAD what?\r\n"]]],
  ["POP3 that refuses it", "pop3", /STARTTLS is refused/, ["+OK\r\n", [/STLS/, "-ERR no\r\n"]]],
  ["XMPP without it", "xmpp", /STARTTLS is refused/, ["", [
    /stream/,
    "<stream:stream><stream:features></stream:features>",
  ]]],
  ["a server that hangs up", "imap", /closed/, ["* OK\r\n"]],
  ["an endless greeting", "smtp", /more than 16384 bytes/, [`220-${"x".repeat(40_000)}`]],
  ["no TLS after all", "pop3", /./, ["+OK\r\n", [/STLS/, "+OK begin\r\n"], [
    /./s,
    "hello, this is no TLS at all\r\n",
  ]]],
];
for (const [what, protocol, says, script] of bad) {
  Deno.test(`peerCertificate(): ${what} is an error`, async () => {
    await withServer(script, async (port) => {
      const begin = performance.now();
      await assertRejects(() => peerCertificate({ address: "127.0.0.1", port }, "localhost", protocol), says);
      assert(performance.now() - begin < 5000);
    });
  });
}

Deno.test("peerCertificate(): a server that says nothing is given up after ten seconds, a closed port at once", async () => {
  await withServer([""], async (port) => {
    const begin = performance.now();
    await assertRejects(() => peerCertificate({ address: "127.0.0.1", port }, "localhost", "smtp"), {
      name: "TimeoutError",
    });
    assert(performance.now() - begin < 11_000);
  });
  await assertRejects(
    () => peerCertificate({ address: "127.0.0.1", port: 1 }, "localhost", "tls"),
    /refused/i,
  );
});
