/** Authorizations and challenges, RFC 8555 §7.1.4 and §8. */
import { change, type Row } from "./fault.ts";

export const challengeFaults: Row[] = [
  {
    what: "the authorization is for another name",
    strike: change((fields) => fields.identifier = { type: "dns", value: "evil.example" }),
    exits: [1],
    says: /challenge for evil\.example/,
    only: ["authorization"],
  },
  ...["deactivated", "expired", "revoked"].map((status): Row => ({
    what: `the authorization is ${status}`,
    strike: change((fields) => fields.status = status),
    exits: [1],
    says: new RegExp(`one\\.example\\.org: ${status}`),
    isLost: true,
    only: ["authorization"],
  })),
  {
    what: "no http-01",
    strike: change((fields) =>
      fields.challenges = [{ type: "dns-01", url: "https://x/", status: "pending" }]
    ),
    exits: [1],
    only: ["authorization"],
  },
  {
    what: "a failed http-01 and unknown challenges before the pending one",
    strike: change((fields) =>
      fields.challenges = [
        { type: "http-01", url: "https://x/", status: "invalid", token: "a-token-that-has-failed-before" },
        { type: "strange-99", url: "https://x/", status: "pending" },
        ...fields.challenges as object[],
      ]
    ),
    exits: [0],
    only: ["authorization"],
  },
  {
    what: "challenges that are no list",
    strike: change((fields) => fields.challenges = "x"),
    exits: [1],
    only: ["authorization"],
  },
  ...[
    "../../etc/cron.d/x",
    "..%2f",
    "/etc/x",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "",
    ".",
    "x".repeat(300),
    "aaaaaaaaaaaaaaaaaaaaaa==",
    "töken-töken-töken-töken",
  ].map((token): Row => ({
    what: `the token ${JSON.stringify(token).slice(0, 40)}`,
    strike: change((fields) =>
      (fields.challenges as { token: string }[]).forEach((each) => each.token = token)
    ),
    exits: [1],
    only: ["authorization"],
  })),
  {
    what: "the challenge fails",
    strike: change((fields) => {
      fields.status = "invalid";
      fields.error = { type: "urn:ietf:params:acme:error:connection", detail: "203.0.113.5: Timeout" };
    }),
    exits: [1],
    says: /refused the order: connection: 203\.0\.113\.5: Timeout/,
    isLost: true,
    only: ["order"],
  },
];
