/** The connection fails, or something else answers. A read is repeated; what changes something is only if its outcome can
 * be learned. */
import { body, except, objects, type Row, status } from "./fault.ts";
import { refuse } from "../../kit/scripted_ca.ts";
import { isWhole } from "../extent.ts";

export const transportFaults: Row[] = [
  {
    what: "reset before the reply, once",
    times: 1,
    strike: (_, { response }) => !!response.socket?.destroy(),
    exits: [0],
    only: except("newAccount", "newOrder"),
  },
  {
    what: "reset before the reply to what can't be repeated, once",
    times: 1,
    strike: (_, { response }) => !!response.socket?.destroy(),
    exits: [75],
    only: ["newAccount", "newOrder"],
  },
  {
    what: "reset before the reply",
    strike: (_, { response }) => !!response.socket?.destroy(),
    exits: [75],
    only: except("challenge"),
  },
  {
    what: "reset before the reply, though it was heard",
    strike: (_, { response }) => !!response.socket?.destroy(),
    exits: [0],
    only: ["challenge"],
  },
  {
    what: "reset in mid-body",
    strike(answer, { response }) {
      response.writeHead(answer.status, { ...answer.headers, "content-length": "100000" });
      response.write(answer.body, () => response.socket?.destroy());
      return true;
    },
    exits: [75],
    only: except("newNonce", "challenge"),
  },
  {
    isOutside: true,
    what: "500 once",
    times: 1,
    strike: status(500),
    exits: [0],
  },
  {
    isOutside: true,
    what: "500",
    strike: status(500),
    exits: [75],
  },
  {
    what: "500 once, though it was done",
    times: 1,
    strike: status(500),
    exits: [0],
    only: ["challenge", "finalize"],
  },
  { isOutside: true, what: "503 with a problem", strike: refuse(503, "serverInternal"), exits: [75] },
  {
    isOutside: true,
    what: "429, retry in a second",
    times: 1,
    strike: refuse(429, "rateLimited", { "retry-after": "1" }),
    exits: [0],
  },
  {
    isOutside: true,
    what: "429, retry tomorrow",
    strike: refuse(429, "rateLimited", { "retry-after": "86400" }),
    exits: [75],
    says: /the CA asks to wait until 20|status 429/,
  },
  ...["-1", "garbage", "1e99", "", "Thu, 01 Jan 1970 00:00:00 GMT"].map((value): Row => ({
    isOutside: true,
    what: `503 with Retry-After "${value}", once`,
    times: 1,
    strike: refuse(503, "serverInternal", { "retry-after": value }),
    exits: [0],
  })),
  {
    isOutside: true,
    what: "a captive portal",
    strike: (answer) =>
      void Object.assign(answer, {
        status: 200,
        headers: { "content-type": "text/html" },
        body: "<html>\x1b[31mLog in",
      }),
    exits: [1],
    says: /answered with text\/html, not JSON: <html>\\u\{1b\}\[31mLog in\nhint: .*captive portal/,
    only: objects,
  },
  {
    what: "no content type",
    strike: (answer) => void delete answer.headers["content-type"],
    exits: [1],
    only: objects,
  },
  {
    what: "a content type with a charset",
    strike: (answer) => void (answer.headers["content-type"] += "; charset=utf-8"),
    exits: [0],
    only: objects,
  },
  {
    what: "truncated JSON",
    strike: body((text) => text.slice(0, 10)),
    exits: [1],
    only: objects,
  },
  {
    what: "a huge body",
    strike: body(() => "[" + " ".repeat(3 << 20) + "]"),
    exits: [1],
    only: except("newNonce", "challenge"),
  },
  {
    what: "a huge body, though what it says can be read elsewhere",
    strike: body(() => "[" + " ".repeat(3 << 20) + "]"),
    exits: [0],
    only: ["challenge"],
  },
  {
    what: "an object of 300 kB",
    strike: body((text) => text.replace("{", "{" + " ".repeat(300_000))),
    exits: [1],
    only: objects,
  },
  {
    isOutside: true,
    what: "a redirect",
    strike: (answer) =>
      void Object.assign(answer, { status: 307, headers: { location: "http://127.0.0.1:1/elsewhere" } }),
    exits: [1],
    says: /Unexpected redirect from localhost:\d+ to "http:\/\/127\.0\.0\.1:1\/elsewhere"/,
  },
  // A second of these takes half a minute.
  ...isWhole
    ? [
      {
        what: "no answer",
        strike: () => true,
        exits: [75],
        says: /no answer in time/,
        only: ["directory", "newOrder", "order"],
      } satisfies Row,
      {
        what: "an answer that takes for ever",
        strike(answer, { response }) {
          response.writeHead(answer.status, { ...answer.headers, "content-length": "100000" });
          const drip = setInterval(() => response.write(" "), 1000);
          response.on("close", () => clearInterval(drip));
          return true;
        },
        exits: [75],
        says: /no answer in time/,
        only: ["directory", "newOrder", "certificate"],
      } satisfies Row,
    ]
    : [],
];
