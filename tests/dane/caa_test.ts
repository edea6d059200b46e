/** CAA as CAs read it: who may issue, by which account and method; and where the records are found. */
import { Buffer } from "node:buffer";
import { assert, assertEquals } from "../kit/assert.ts";
import { caaIn, type CaaProperty, refusal } from "../../lib/dane/caa.ts";
import { caaProblems, findCaa } from "../../lib/dane/caa_lookup.ts";
import { dnsBy } from "../../lib/dane/everywhere.ts";
import { type Entry, makeNames, type Names } from "../kit/name_server.ts";

const accountUrl = "https://acme-v02.api.letsencrypt.org/acme/acct/123";
const issuance = { issuers: ["letsencrypt.org"], accountUrl, method: "http-01", isWildcard: false };

/** Properties as a zone file has them: `issue "…"`, a `!` in front where they are critical. */
const properties = (...lines: string[]): CaaProperty[] =>
  lines.map((line) => {
    const [, mark, tag, value] = /^(!?)(\S+) "(.*)"$/.exec(line)!;
    return { isCritical: mark === "!", tag, value };
  });

const rows: [rrset: string[], why: RegExp | undefined, isWildcard?: true][] = [
  [[], undefined],
  [['issue "letsencrypt.org"'], undefined],
  [['issue "LetsEncrypt.org"'], undefined],
  [['issue "other.org"'], /^has no "issue" for letsencrypt\.org$/],
  [['issue ";"'], /has no "issue"/],
  [['issue ";"', 'issue "letsencrypt.org"'], undefined],
  [['issue "other.org"', 'issue "letsencrypt.org"'], undefined],
  [['issue "%%%%%"'], /has no "issue"/],
  [['iodef "mailto:security@example.org"'], undefined],
  [['issuewild "other.org"'], undefined],
  [['issuewild "other.org"'], /has no "issuewild"/, true],
  [['issue "other.org"', 'issuewild "letsencrypt.org"'], undefined, true],
  [['issue "other.org"', 'issuewild "letsencrypt.org"'], /has no "issue"/],
  [['issue "letsencrypt.org"'], undefined, true],
  [['issue "other.org"'], /has no "issue" for/, true],
  [['issue "letsencrypt.org"', 'issuewild ";"'], /has no "issuewild"/, true],
  [['issue "letsencrypt.org"', '!unheard "of"'], /critical property that CAs don't know: unheard/],
  [['issue "letsencrypt.org"', 'unheard "of"'], undefined],
  [['!issue "letsencrypt.org"', '!iodef "mailto:a@b.org"'], undefined],
  [[`issue "letsencrypt.org; accounturi=${accountUrl}"`], undefined],
  [[`issue "letsencrypt.org; accounturi=${accountUrl}4"`], /one is for the account https:.*1234/],
  [[`issue "letsencrypt.org; accounturi=${accountUrl.toUpperCase()}"`], /one is for the account/],
  [[`issue "letsencrypt.org; accounturi="`], /one is for the account ""/],
  [[`issue "letsencrypt.org; accounturi=${accountUrl}; accounturi=${accountUrl}"`], /accounturi twice/],
  [[`issue "letsencrypt.org; accounturi=x"`, `issue "letsencrypt.org; accounturi=${accountUrl}"`], undefined],
  [['issue "letsencrypt.org; validationmethods=http-01"'], undefined],
  [['issue "letsencrypt.org; validationmethods=dns-01,http-01"'], undefined],
  [['issue "letsencrypt.org; validationmethods=dns-01"'], /one is for the validation methods dns-01/],
  [['issue "letsencrypt.org; validationmethods=dns-01,xhttp-01"'], /validation methods dns-01,xhttp-01/],
  [
    ['issue "letsencrypt.org; validationmethods=http-01; validationmethods=http-01"'],
    /validationmethods twice/,
  ],
  [['issue "letsencrypt.org; validationmethods="'], /one is for the validation methods ""/],
  [[`issue "letsencrypt.org; validationmethods=dns-01; accounturi=${accountUrl}"`], /validation methods/],
  [[
    'issue "letsencrypt.org; validationmethods=dns-01"',
    `issue "letsencrypt.org; accounturi=${accountUrl}x"`,
  ], /methods dns-01; one is for the account/],
];
for (const [rrset, why, isWildcard = false] of rows) {
  Deno.test(`refusal(): ${rrset.join(", ") || "no record"}${isWildcard ? ", for a wildcard" : ""}`, () => {
    const found = refusal(properties(...rrset), { ...issuance, isWildcard });
    if (why) assert(found !== undefined && why.test(found), String(found));
    else assertEquals(found, undefined);
  });
}

Deno.test("refusal(): a CA of several names, and one that doesn't know accounts", () => {
  const several = { ...issuance, issuers: ["a.org", "letsencrypt.org"] };
  assertEquals(refusal(properties('issue "letsencrypt.org"'), several), undefined);
  const any = { ...issuance, accountUrl: undefined };
  assertEquals(refusal(properties('issue "letsencrypt.org; accounturi=x"'), any), undefined);
});

Deno.test("caaIn() reads what is whole", () => {
  const record = (data: unknown) => ({ name: "a.org", type: "CAA", ttl: 1, data });
  assertEquals(caaIn(record({ flags: 128, tag: "ISSUE", value: "a" })), {
    isCritical: true,
    tag: "issue",
    value: "a",
  });
  for (const data of [null, "x", {}, Buffer.from("ab"), { flags: 0, tag: "issue" }]) {
    assertEquals(caaIn(record(data)), undefined);
  }
});

const caa = (name: string, value: string, tag = "issue"): Entry => ({
  name,
  type: "CAA",
  data: { flags: 0, tag, value },
});
const dnsOf = (names: Names) => dnsBy(names, { address: names.resolver, port: 53 });
const problems = (names: Names, name: string) => {
  const { isWildcard: _, ...rest } = issuance;
  return caaProblems(dnsOf(names), name, rest);
};

Deno.test("findCaa() goes up to the first name that has records, and no further", async () => {
  const names = makeNames([caa("www.example.org", "letsencrypt.org"), caa("example.org", "other.org")]);
  const at = async (name: string) => (await findCaa(dnsOf(names), name)).found.map(({ at }) => at);
  assertEquals(await at("www.example.org"), ["www.example.org"]);
  assertEquals(await at("a.b.www.example.org"), ["www.example.org"]);
  assertEquals(await at("*.www.example.org"), ["www.example.org"]);
  assertEquals(names.asked.filter((each) => each.includes("*")), []);
  assertEquals(await at("mail.example.org"), ["example.org"]);
  names.servers.get(names.resolver)!.push(caa("org", "other.org"));
  assertEquals(await at("mail.example.org"), ["example.org"]);
  assertEquals(await at("other.org"), ["org"]);
  assertEquals(await problems(makeNames([]), "a.b.example.org"), []);
});

Deno.test("findCaa() follows aliases at each name, and goes up from where it was", async () => {
  const names = makeNames([
    { name: "www.example.org", type: "CNAME", data: "host.example.org" },
    caa("host.example.org", "letsencrypt.org"),
    { name: "mail.example.org", type: "CNAME", data: "none.sub.example.org" },
    caa("sub.example.org", "other.org"),
  ]);
  assertEquals(await problems(names, "www.example.org"), []);
  assertEquals((await findCaa(dnsOf(names), "www.example.org")).found[0].at, "www.example.org");
  // Not from where the alias leads: that was RFC 6844's first form.
  assertEquals(await problems(names, "mail.example.org"), []);
});

Deno.test("findCaa(): where an alias leads into another zone, that zone's servers say it", async () => {
  const names = makeNames([
    { name: "www.example.org", type: "CNAME", data: "www.host.org" },
    caa("example.org", "other.org"),
  ]);
  const zone: Entry[] = [
    { name: "host.org", type: "SOA", data: { mname: "ns.host.org", rname: "root.host.org" } },
    { name: "host.org", type: "NS", data: "ns.host.org" },
    { name: "ns.host.org", type: "A", data: "192.0.2.90" },
    caa("www.host.org", "letsencrypt.org"),
  ];
  names.servers.get(names.resolver)!.push(...zone);
  names.servers.set("192.0.2.90", zone);
  assertEquals(await problems(names, "www.example.org"), []);
  names.servers.set("192.0.2.90", [...zone.slice(0, -1), caa("www.host.org", "third.org")]);
  assertEquals(await problems(names, "www.example.org"), [
    'CAA of www.example.org has no "issue" for letsencrypt.org',
  ]);
});

Deno.test("caaProblems(): one server that says something else is enough", async () => {
  const names = makeNames([caa("example.org", "letsencrypt.org")]);
  assertEquals(await problems(names, "www.example.org"), []);
  const set = (address: string, ...entries: Entry[]) =>
    names.servers.set(address, [
      ...names.servers.get(address)!.filter(({ type }) => type !== "CAA"),
      ...entries,
    ]);
  set("2001:db8::2", caa("example.org", "other.org"));
  assertEquals(await problems(names, "www.example.org"), [
    'CAA of example.org at ns2.example.org (2001:db8::2) has no "issue" for letsencrypt.org',
  ]);
  set("2001:db8::2");
  assertEquals(await problems(names, "www.example.org"), []);
  names.servers.get(names.resolver)!.push(caa("org", "other.org"));
  assertEquals(await problems(names, "www.example.org"), [
    'CAA of org at the resolver 127.0.0.53 has no "issue" for letsencrypt.org',
  ]);
  names.broken.set("192.0.2.1", "Connection refused");
  names.lame.add("192.0.2.2");
  const found = await problems(names, "www.example.org");
  assert(
    found.includes("ns1.example.org (192.0.2.1) refuses the connection at www.example.org"),
    found.join("\n"),
  );
  assert(found.some((each) => /\(192\.0\.2\.2\) does not speak for the zone/.test(each)), found.join("\n"));
});

Deno.test("caaProblems(): what records say can be shown", async () => {
  const names = makeNames([
    { name: "example.org", type: "CAA", data: { flags: 128, tag: "\x1b[2J", value: "\u202e" } },
  ]);
  const found = await problems(names, "example.org");
  assertEquals(found, ["CAA of example.org has a critical property that CAs don't know: \\u{1b}[2j"]);
});
