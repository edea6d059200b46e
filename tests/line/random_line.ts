/** Random lines, configurations and clocks, for what must hold for all of them. */
import { parseConfig } from "../../lib/config/config.ts";
import type { Situation } from "../../lib/line/decide.ts";
import type { Line, Revocation, Slot } from "../../lib/line/line.ts";
import { day, hour } from "../../lib/time.ts";
import fc from "../kit/fast_check.ts";

/** The time at which random lines are looked at. */
export const now = new Date("2027-01-01T00:00:00Z");
const from = (ms: number) => new Date(+now + ms);

/** A configuration with these times and hooks. */
export function configWith(
  options: { staging?: number; gated?: boolean; hooks?: string; outputs?: boolean } = {},
) {
  const { staging = 0, gated = false, hooks = "", outputs = false } = options;
  return parseConfig(
    `domains = a.example.org b.example.org
key-type = ecdsa
[timing]
staging-hours = ${staging}
max-key-age-days = 256
renew-cert-before-expiry-days = 30
[hooks]
${hooks}
[acme]
account-key = /a/account.key
challenge-dir = /c
[dirs]
certs = /d/certs
keys = /d/keys
backups = /d/backups
[files]
${outputs ? "outputs = chain" : ""}
${gated ? "[tlsa]\nservices = _443._tcp.a.example.org\nresolver = 127.0.0.1\n" : ""}`,
    "line.conf",
  );
}

const hookLines = ["post-certchange = /h/cert\n", "post-keychange = /h/key\n"];
const config = fc.record({
  staging: fc.constantFrom(0, 48),
  gated: fc.boolean(),
  hooks: fc.subarray(hookLines).map((lines) => lines.join("")),
  outputs: fc.boolean(),
}).map(configWith);

const keyId = fc.constantFrom("aa", "bb", "cc");
const instant = fc.integer({ min: -400, max: 400 }).map((days) => from(days * day + hour));
const key = fc.record({
  keyId,
  keyType: fc.constantFrom({ type: "ecdsa" as const, length: 256 }, { type: "rsa" as const, length: 4096 }),
  created: instant,
});
const slot: fc.Arbitrary<Slot> = fc.oneof(
  fc.constant<Slot>({ kind: "empty" }),
  key.map((key): Slot => ({ kind: "key", key })),
  fc.record({
    key,
    left: fc.integer({ min: -20, max: 90 }),
    life: fc.constantFrom(6, 45, 90),
    names: fc.boolean(),
  })
    .map(({ key, left, life, names }): Slot => ({
      kind: "certified",
      key,
      certificate: {
        keyId: key.keyId,
        notAfter: from(Math.min(left, life) * day),
        notBefore: from((Math.min(left, life) - life) * day),
        names: names ? ["a.example.org", "b.example.org"] : ["a.example.org"],
        serial: "01",
      },
    })),
);
const revocation: fc.Arbitrary<Revocation> = fc.oneof(
  keyId.map((keyId) => ({ keyId, reason: 1 })),
  fc.constantFrom("01", "02").map((serial) => ({ serial, reason: 4 })),
);

/** Any line, whether or not it can come to be. */
export const line: fc.Arbitrary<Line> = fc.record({
  live: slot,
  staging: slot,
  announced: fc.option(instant, { nil: undefined }),
  observed: fc.option(fc.record({ at: fc.option(instant, { nil: undefined }), problems: fc.constant([]) }), {
    nil: undefined,
  }),
  isDnsKnown: fc.boolean(),
  isServed: fc.boolean(),
  damaged: fc.constant([]),
  isInterrupted: fc.constant(false),
  due: fc.record({ certchange: fc.boolean(), keychange: fc.boolean() }),
  hasAnnounced: fc.boolean(),
  outputsStale: fc.boolean(),
  revocations: fc.array(revocation, { maxLength: 2 }),
  retryAfter: fc.option(instant, { nil: undefined }),
  heldBack: fc.record({ cron: fc.option(instant, { nil: undefined }), byHand: fc.constant(undefined) }),
});

/** Any run of the command. */
export const options: fc.Arbitrary<Omit<Situation, "line" | "progress">> = fc.record({
  command: fc.constantFrom("init", "renew", "cron", "revoke", "compromise"),
  config,
  hooks: fc.boolean(),
  now: fc.constant(now),
});
