/** What is due where the configuration says no times. */
import { assertEquals } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import type { Line } from "../../lib/line/line.ts";
import { plan } from "../../lib/line/paper.ts";
import { day } from "../../lib/time.ts";

const now = new Date("2027-01-01T00:00:00Z");
const config = parseConfig(
  "domains = example.org\nkey-type = ecdsa\n[acme]\naccount-key = /a.key\nchallenge-dir = /srv\n",
  "/c",
);

/** What `cron` does with a key of a hundred years and a certificate with so many days left. */
function planned(life: number, left: number): string[] {
  const notAfter = new Date(+now + left * day);
  const notBefore = new Date(+notAfter - life * day);
  const line: Line = {
    live: {
      kind: "certified",
      key: { keyId: "aa", keyType: config.keyType, created: new Date(+now - 36_500 * day) },
      certificate: { notAfter, notBefore, names: config.domains, keyId: "aa", serial: "01" },
    },
    staging: { kind: "empty" },
    due: { certchange: false, keychange: false },
    isDnsKnown: true,
    isServed: true,
    hasAnnounced: false,
    outputsStale: false,
    damaged: [],
    isInterrupted: false,
    revocations: [],
  };
  return plan(line, { command: "cron", config, hooks: true, now }).map(({ kind }) => kind);
}

Deno.test("without times a certificate is renewed in its last third, a short one in its last half, and a key stays", () => {
  assertEquals([planned(90, 31), planned(90, 29)], [[], ["obtain"]]);
  assertEquals([planned(6, 3.1), planned(6, 2.9)], [[], ["obtain"]]);
});
