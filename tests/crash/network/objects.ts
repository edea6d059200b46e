/** Objects that are not what RFC 8555 §7.1 says, or not what they were. */
import { body, change, json, objects, type Row } from "./fault.ts";

const strange = [
  "http://127.0.0.1/x",
  "file:///etc/shadow",
  "data:,x",
  "//x/y",
  "relative",
  "https://u:p@x/",
  "https://" + "x".repeat(8192),
];

export const objectFaults: Row[] = [
  {
    what: "null",
    strike: json(null),
    exits: [1],
    only: objects,
  },
  {
    what: "an array",
    strike: json([]),
    exits: [1],
    only: objects,
  },
  {
    what: "a deep array",
    strike: body(() => "[".repeat(100_000) + "]".repeat(100_000)),
    exits: [1],
    only: objects,
  },
  {
    what: "a member twice, of which the last counts",
    strike: body((text) => text.replace("{", '{"status":"invalid",')),
    exits: [0],
    only: ["newOrder", "authorization", "order", "finalize"],
  },
  {
    what: "nothing but a prototype",
    strike: body(() => '{"__proto__": {"status": "valid"}}'),
    exits: [1],
    only: objects,
  },
  {
    what: "an unknown status",
    strike: change((fields) => fields.status = "strange"),
    exits: [1],
    only: ["newOrder", "authorization", "order", "finalize"],
  },
  {
    what: "a number for the status",
    strike: change((fields) => fields.status = 5),
    exits: [1],
    only: ["newOrder", "authorization", "order", "finalize"],
  },
  {
    what: "no Location",
    strike: (answer) => void delete answer.headers.location,
    exits: [1],
    only: ["newAccount", "newOrder"],
  },
  ...strange.flatMap((url): Row[] => [
    {
      what: `Location ${url.slice(0, 30)}`,
      strike: (answer) => void (answer.headers.location = url),
      exits: [1],
      only: ["newAccount", "newOrder"],
    },
    {
      what: `finalize ${url.slice(0, 30)}`,
      strike: change((fields) => fields.finalize = url),
      exits: [1],
      only: ["newOrder", "order"],
    },
    {
      what: `authorizations ${url.slice(0, 30)}`,
      strike: change((fields) => fields.authorizations = [url]),
      exits: [1],
      only: ["newOrder", "order"],
    },
    {
      what: `certificate ${url.slice(0, 30)}`,
      strike: change((fields) => fields.certificate &&= url),
      exits: [1],
      only: ["order"],
    },
    {
      what: `challenge url ${url.slice(0, 30)}`,
      strike: change((fields) => (fields.challenges as { url: string }[]).forEach((each) => each.url = url)),
      exits: [1],
      only: ["authorization"],
    },
    {
      what: `newOrder ${url.slice(0, 30)}`,
      strike: change((fields) => fields.newOrder = url),
      exits: [1],
      only: ["directory"],
    },
  ]),
  {
    what: "the order is for other names",
    strike: change((fields) => fields.identifiers = [{ type: "dns", value: "evil.example" }]),
    exits: [1],
    only: ["newOrder", "order", "finalize"],
  },
  {
    what: "the order has other authorizations now",
    strike: change((fields) =>
      fields.authorizations = (fields.authorizations as string[]).map((each) => `${each}0`)
    ),
    exits: [1],
    says: /changed the order/,
    only: ["order"],
  },
  {
    what: "an empty list of authorizations",
    strike: change((fields) => fields.authorizations = []),
    exits: [1],
    only: ["newOrder"],
  },
];
