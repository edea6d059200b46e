/** RFC 8555 §6.5: nonces that are refused, missing or none. */
import { posts, type Row } from "./fault.ts";
import { refuse } from "../../kit/scripted_ca.ts";

export const nonceFaults: Row[] = [
  {
    isOutside: true,
    what: "badNonce, five times",
    times: 5,
    strike: refuse(400, "badNonce"),
    exits: [0],
    only: posts,
  },
  {
    isOutside: true,
    what: "badNonce for ever",
    strike: refuse(400, "badNonce"),
    exits: [1],
    says: /keeps rejecting nonces/,
    requests: 200,
    only: posts,
  },
  {
    isOutside: true,
    what: "badNonce without a fresh nonce, twice",
    times: 2,
    strike(answer) {
      refuse(400, "badNonce")(answer);
      delete answer.headers["replay-nonce"];
    },
    exits: [0],
    only: posts,
  },
  {
    what: "no nonce, once",
    times: 1,
    strike: (answer) => void delete answer.headers["replay-nonce"],
    exits: [0],
    only: ["newNonce"],
  },
  {
    what: "no nonce, ever",
    strike: (answer) => void (answer.headers["replay-nonce"] = "a=b"),
    exits: [1],
    says: /no usable nonces/,
    only: ["newNonce"],
  },
  {
    what: "no nonce",
    strike: (answer) => void delete answer.headers["replay-nonce"],
    exits: [0],
    only: posts,
  },
  ...["a=b", "a, b", "x".repeat(10_000), " "].map((nonce): Row => ({
    what: `the nonce "${nonce.slice(0, 5)}"`,
    strike: (answer) => void (answer.headers["replay-nonce"] = nonce),
    exits: [0],
    only: posts,
  })),
];
