/** The CA refuses, or takes its time. */
import { change, posts, type Row } from "./fault.ts";
import { refuse } from "../../kit/scripted_ca.ts";

export const refusals: Row[] = [
  ...[
    "unauthorized",
    "userActionRequired",
    "externalAccountRequired",
    "badCSR",
    "badPublicKey",
    "rejectedIdentifier",
    "caa",
    "orderNotReady",
  ].map((kind): Row => ({
    isOutside: true,
    what: `the problem ${kind}`,
    strike: refuse(403, kind),
    exits: [1],
    says: new RegExp(`The CA refused: ${kind}: because of ${kind}`),
    only: posts,
  })),
  {
    isOutside: true,
    what: "new terms",
    strike(answer) {
      refuse(403, "userActionRequired")(answer);
      change((fields) => fields.instance = "https://ca.example/terms\x1b")(answer);
    },
    exits: [1],
    says: /hint: read and accept the CA's new terms at https:\/\/ca\.example\/terms\\u\{1b\}/,
    only: ["newAccount", "newOrder"],
  },
  {
    isOutside: true,
    what: "the account is gone, once",
    times: 1,
    strike: refuse(400, "accountDoesNotExist"),
    exits: [0],
    only: ["newOrder", "authorization", "order"],
  },
  {
    isOutside: true,
    what: "the account is gone",
    strike: refuse(400, "accountDoesNotExist"),
    exits: [1],
    only: ["newOrder"],
  },
  {
    what: "pending for ever",
    strike: change((fields) => fields.status = "pending"),
    exits: [75],
    says: /needs longer than 5 minutes: the order is "pending"\nhint: the next run takes up this order/,
    requests: 120,
    only: ["order"],
  },
  {
    what: "processing for ever",
    strike: change((fields) => fields.status = fields.status === "valid" ? "processing" : fields.status),
    exits: [75],
    says: /needs longer than 5 minutes: the order is "processing"/,
    requests: 120,
    only: ["order"],
  },
];
