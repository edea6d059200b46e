/** Records of persistent validation: both forms of the draft, with its test vectors. */
import { assert, assertEquals } from "../kit/assert.ts";
import {
  accountDigestUri,
  findPersistRecord,
  formatPersistRecord,
  type PersistRecord,
  readPersistRecord,
  stringsOf,
} from "../../lib/dane/persist.ts";

const url = "https://ca.example/acct/123";
const account = {
  prefix: "https://ca.example/",
  url,
  thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
};

Deno.test("accountDigestUri(): the test vectors of draft -02, for one name and for many", async () => {
  assertEquals(
    await accountDigestUri(account, "example.com"),
    "https://ca.example/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
  );
  assertEquals(
    await accountDigestUri(account, "*"),
    "https://ca.example/sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug",
  );
});

const rows: [text: string, want: PersistRecord | string][] = [
  [`ca.example; accounturi=${url}`, { issuer: "ca.example", accountUri: url, isForWildcards: false }],
  [`CA.example;accounturi=${url};policy=WildCard`, {
    issuer: "ca.example",
    accountUri: url,
    isForWildcards: true,
  }],
  [`ca.example; accounturi=${url}; policy=other; unheard=of`, {
    issuer: "ca.example",
    accountUri: url,
    isForWildcards: false,
  }],
  [`ca.example; accounturi=${url}; persistUntil=1767225600`, {
    issuer: "ca.example",
    accountUri: url,
    isForWildcards: false,
    until: new Date("2026-01-01T00:00:00Z"),
  }],
  ["v=spf1 -all", "is no issuer with parameters"],
  ["", "is no issuer with parameters"],
  [`; accounturi=${url}`, "is no issuer with parameters"],
  ["ca.example", "has no accounturi"],
  ["ca.example;", "ends with a semicolon"],
  [`ca.example; accounturi=${url};`, "is no issuer with parameters"],
  ["ca.example; accounturi=", "has no accounturi"],
  [`ca.example; accounturi=${url}; accounturi=${url}`, "has accounturi twice"],
  [`ca.example; accounturi=${url}; policy=wildcard; POLICY=wildcard`, "has policy twice"],
  ...["soon", "1.5", "-1", "", "1e9"].map((until): typeof rows[number] => [
    `ca.example; accounturi=${url}; persistUntil=${until}`,
    "has a persistUntil that is no whole number of seconds",
  ]),
];
for (const [text, want] of rows) {
  Deno.test(`readPersistRecord(): ${JSON.stringify(text)}`, () =>
    assertEquals(readPersistRecord(text), want));
}

Deno.test("formatPersistRecord() writes what readPersistRecord() reads", () => {
  const record = {
    issuer: "ca.example",
    accountUri: url,
    isForWildcards: true,
    until: new Date(1767225600_000),
  };
  const text = formatPersistRecord(record);
  assertEquals(text, `ca.example; accounturi=${url}; policy=wildcard; persistUntil=1767225600`);
  assertEquals(readPersistRecord(text), record);
  assertEquals(
    formatPersistRecord({ issuer: "a.org", accountUri: "b", isForWildcards: false }),
    "a.org; accounturi=b",
  );
});

Deno.test("stringsOf(): at most 255 octets each, nothing lost", () => {
  assertEquals(stringsOf("a".repeat(255)).map(({ length }) => length), [255]);
  assertEquals(stringsOf("a".repeat(600)).map(({ length }) => length), [255, 255, 90]);
  assertEquals(stringsOf(""), [""]);
});

Deno.test("findPersistRecord(): the one that fits and lasts longest, or why none does", () => {
  const now = new Date("2026-06-01T00:00:00Z");
  const holder = { issuers: ["CA.example"], accountUris: [url], isWildcard: false, now };
  const at = (date: string) => `persistUntil=${Date.parse(date) / 1000}`;
  const ours = `ca.example; accounturi=${url}`;
  const find = (texts: string[], more = {}) => {
    const found = findPersistRecord(texts, { ...holder, ...more });
    return typeof found === "string" ? found : found.until?.toISOString().slice(0, 10) ?? "for ever";
  };
  assertEquals(find([ours, "v=spf1 -all", "other.org; accounturi=x"]), "for ever");
  assertEquals(find([`${ours}; ${at("2027-01-01")}`, `${ours}; ${at("2028-01-01")}`]), "2028-01-01");
  assertEquals(find([ours, `${ours}; ${at("2028-01-01")}`]), "for ever");
  assertEquals(find([]), "has no record for CA.example");
  assertEquals(find(["other.org; accounturi=x"]), "has no record for CA.example");
  assertEquals(find([`${ours}4`]), `has no record that fits: one is for the account ${url}4`);
  assertEquals(find([`${ours}4`], { accountUris: [url, `${url}4`] }), "for ever");
  assertEquals(find([`${ours}; ${at("2026-06-01")}`]), "has no record that fits: one has expired");
  assertEquals(find([`${ours}; ${at("2026-06-02")}`]), "2026-06-02");
  assertEquals(find([ours], { isWildcard: true }), "has no record that fits: one is not for wildcards");
  assertEquals(find([`${ours}; policy=wildcard`], { isWildcard: true }), "for ever");
  assertEquals(find([`${ours};`]), "has no record that fits: one is no issuer with parameters");
  assert(find([`${ours}4`, `${ours};`]).includes("; one is no issuer"));
});
