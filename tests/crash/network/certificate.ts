/** What comes for a certificate. */
import { body, type Row } from "./fault.ts";
import { refuse } from "../../kit/scripted_ca.ts";

export const certificateFaults: Row[] = [
  ...["", " \n", "<html></html>", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"].map((
    chain,
  ): Row => ({
    what: `the certificate ${JSON.stringify(chain).slice(0, 30)}`,
    strike: body(() => chain),
    exits: [1],
    isRefused: true,
    only: ["certificate"],
  })),
  {
    what: "a private key in the chain",
    strike: body((text) => text + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    exits: [1],
    isRefused: true,
    only: ["certificate"],
  },
  {
    what: "text in the chain",
    strike: body((text) => text + "hello\n"),
    exits: [1],
    isRefused: true,
    only: ["certificate"],
  },
  {
    what: "the issuer first",
    strike: body((text) => text.split(/(?=-----BEGIN)/).reverse().join("")),
    exits: [0],
    only: ["certificate"],
  },
  {
    what: "a thousand certificates",
    strike: body((text) => text.repeat(500)),
    exits: [1],
    isRefused: true,
    only: ["certificate"],
  },
  {
    what: "CRLF",
    strike: body((text) => text.replaceAll("\n", "\r\n")),
    exits: [0],
    only: ["certificate"],
  },
  {
    what: "404 for the certificate",
    strike: refuse(404, "malformed"),
    exits: [1],
    only: ["certificate"],
  },
];
