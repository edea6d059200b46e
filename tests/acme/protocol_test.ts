/** The pure parts of the protocol: what a CA may send, and what becomes of it. */
import { assert, assertEquals, assertThrows } from "../kit/assert.ts";
import { Failure, printable } from "../../lib/errors.ts";
import { txtValueOf } from "../../lib/acme/challenge.ts";
import { describeProblem, networkFailure } from "../../lib/acme/failure.ts";
import { linksOf, retryAfter } from "../../lib/acme/reply.ts";
import { encodePem, readPem } from "../../lib/x509/pem.ts";
import {
  httpsUrl,
  parseAuthorization,
  parseDirectory,
  parseOrder,
  parseProblem,
} from "../../lib/acme/schemas.ts";

const now = new Date("2027-01-01T00:00:00Z");
const day = 86_400_000;

const waits: [header: string | undefined, want: number | undefined][] = [
  [undefined, undefined],
  ["", undefined],
  ["5", 5000],
  [" 5 ", 5000],
  ["0", 0],
  ["86400", day],
  ["99999999999", 7 * day],
  ["1e99", undefined],
  ["-5", undefined],
  ["soon", undefined],
  ["5 minutes", undefined],
  ["2.5", 2500],
  ["5, 7", 5000],
  ["Fri, 01 Jan 2027 00:01:00 GMT", 60_000],
  ["Thu, 31 Dec 2026 00:00:00 GMT", 0],
  ["Fri, 01 Jan 2100 00:00:00 GMT", 7 * day],
];
for (const [header, want] of waits) {
  Deno.test(`retryAfter() takes "${header}" for ${want} ms`, () => {
    assertEquals(retryAfter(new Headers(header === undefined ? {} : { "retry-after": header }), now), want);
  });
}

Deno.test("httpsUrl() takes https URLs as they are, and nothing else", () => {
  for (
    const url of ["https://ca.example/a/%7e?b=C#d", "https://ca.example:14000/", "HTTPS://CA.example/x/../y"]
  ) {
    assertEquals(httpsUrl(url, "order"), url);
  }
  // deno-fmt-ignore
  const wrong = [undefined, null, 1, "", "http://ca.example/", "file:///etc/shadow", "data:text/plain,x", "//ca.example/x", "/x", "x",
    "https://user@ca.example/", "https://u:p@ca.example/", "https://", "https://ca.example/a b", "https://ca.example/\n",
    "https://ca.example/\u202e", `https://ca.example/${"x".repeat(8192)}`, " https://ca.example/"];
  for (const url of wrong) {
    assertThrows(() => httpsUrl(url, "order"), {
      message: "The CA sent no usable URL of the order",
    });
  }
});

const order = {
  status: "pending",
  identifiers: [{ type: "dns", value: "A.example.org" }],
  authorizations: ["https://ca.example/z/1"],
  finalize: "https://ca.example/f",
};
Deno.test("parseOrder() reads what it knows, and says what is missing", () => {
  assertEquals(parseOrder({ ...order, unknown: 1 }).identifiers, [{ type: "dns", value: "a.example.org" }]);
  const rows: [unknown, string][] = [
    [null, "not a JSON object"],
    [[], "status is missing"],
    ["x", "not a JSON object"],
    [{ ...order, authorizations: undefined }, "authorizations is missing"],
    [{ ...order, authorizations: "https://ca.example/" }, "authorizations is not usable"],
    [{ ...order, authorizations: [1] }, "authorizations.0 is not usable"],
    [{ ...order, finalize: "http://ca.example/f" }, "finalize is not usable"],
    [{ ...order, finalize: 7 }, "finalize is not usable"],
    [{ ...order, status: "done" }, "status is not usable"],
    [{ ...order, status: 1 }, "status is not usable"],
    [{ ...order, status: "valid" }, "certificate is missing"],
    [{ ...order, identifiers: [null] }, "identifiers.0 is not usable"],
    [
      { ...order, authorizations: ["https://ca.example/1", "https://ca.example/2"] },
      "it has more authorizations than names",
    ],
    [JSON.parse('{"__proto__":{"status":"pending"}}'), "status is missing"],
  ];
  for (const [json, why] of rows) {
    assertThrows(() => parseOrder(json), (error: unknown) => {
      assert(error instanceof Failure && !error.isTemporary);
      assert(error.message.endsWith(why), error.message);
      return true;
    });
  }
});

Deno.test("parseAuthorization() keeps challenges of unknown types, RFC 8555 §7.1.4, and drops what is none", () => {
  const challenge = { type: "new-99", url: "https://ca.example/c", status: "pending" };
  const read = parseAuthorization({
    status: "pending",
    identifier: order.identifiers[0],
    challenges: [{ type: "odd-1", status: "pending" }, 7, null, { ...challenge, error: null, token: 5 }],
  });
  assertEquals(read.challenges.map(({ type, token }) => [type, token]), [["new-99", undefined]]);
  const many = Array.from({ length: 150 }, () => challenge);
  assertEquals(parseAuthorization({ ...read, challenges: many }).challenges.length, 100);
  for (const challenges of [null, {}, undefined, "x"]) {
    assertEquals(parseAuthorization({ ...read, status: "valid", challenges }).challenges, []);
  }
});

Deno.test("parseDirectory() wants the three URLs that a client needs", () => {
  const directory = {
    newNonce: "https://a.example/1",
    newAccount: "https://a.example/2",
    newOrder: "https://a.example/3",
  };
  assertEquals(parseDirectory(directory).newOrder, "https://a.example/3");
  for (const name of Object.keys(directory)) {
    assertThrows(() => parseDirectory({ ...directory, [name]: undefined }), Failure);
  }
  const odd = { revokeCert: null, keyChange: 5, renewalInfo: "http://a.example/", meta: 7 };
  const { meta, ...urls } = parseDirectory({ ...directory, ...odd });
  assertEquals([urls.revokeCert, urls.keyChange, urls.renewalInfo], [undefined, undefined, undefined]);
  assertEquals([meta.termsOfService, meta.profiles, meta.externalAccountRequired], [undefined, {}, false]);
  const profiles = JSON.parse('{"classic":"90 days","odd":5,"__proto__":"x","constructor":"y"}');
  const read = parseDirectory({
    ...directory,
    meta: { profiles, caaIdentities: ["a.example", 1], website: [] },
  });
  assertEquals(Object.entries(read.meta.profiles), [["classic", "90 days"], ["odd", ""]]);
  assertEquals([read.meta.caaIdentities, read.meta.website], [["a.example"], undefined]);
});

Deno.test("describeProblem() shows the CA's words, one part for each subproblem, on one line", () => {
  const problem = parseProblem({
    type: "urn:ietf:params:acme:error:malformed",
    detail: "bad\nnames",
    subproblems: [
      {
        type: "urn:ietf:params:acme:error:caa",
        detail: "no",
        identifier: { type: "dns", value: "a.example.org" },
      },
      5,
    ],
  });
  assertEquals(describeProblem(problem), "malformed: bad\\u{a}names; a.example.org: caa: no; about:blank");
  assertEquals(describeProblem(parseProblem("garbage")), "about:blank");
  assertEquals(describeProblem(parseProblem({ detail: "no reason" })), "no reason");
});

Deno.test("retryAfter() compares a date with the CA's own clock, where it tells", () => {
  const headers = { "retry-after": "Fri, 01 Jan 2027 10:00:30 GMT", date: "Fri, 01 Jan 2027 10:00:00 GMT" };
  assertEquals(retryAfter(new Headers(headers), now), 30_000);
});

Deno.test("describeProblem() cuts long words, but no link of the CA before 4,000 characters", () => {
  const told = (detail: string) =>
    describeProblem({ type: "x", detail, subproblems: [] }).slice("x: ".length);
  const link = `https://ca.example/unpause?jwt=${"j".repeat(1200)}`;
  assertEquals(told(`Your account is paused: ${link}`), `Your account is paused: ${link}`);
  assertEquals(told(`See ${link} and ${"x".repeat(900)}`), `See ${link}…`);
  assertEquals(told(`${"x".repeat(600)} ${link}`), `${"x".repeat(500)}…`);
  assertEquals(told(link + "k".repeat(9000)).length, 4001);
});

const links: [header: string, want: string[]][] = [
  ["", []],
  ['<https://ca.example/1>;rel="index"', []],
  ['<https://ca.example/1>;rel="index", </c/2>;rel="alternate", <c/3> ; title="a, b" ; rel=alternate', [
    "https://ca.example/c/2",
    "https://ca.example/x/c/3",
  ]],
  ['<https://ca.example/1>;rel="up alternate"', ["https://ca.example/1"]],
  ["garbage", []],
];
for (const [header, want] of links) {
  Deno.test(`linksOf() reads "${header}"`, () => {
    const headers = new Headers(header ? { link: header } : {});
    const reply = { url: "https://ca.example/x/1", status: 200, headers, text: "", json: () => ({}) };
    assertEquals(linksOf(reply, "alternate"), want);
  });
}

Deno.test("txtValueOf() is what openssl calculates", async () => {
  const child = new Deno.Command("openssl", {
    args: ["dgst", "-sha256", "-binary"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("token.thumbprint"));
  await writer.close();
  const { stdout } = await child.output();
  assertEquals(
    await txtValueOf("token.thumbprint"),
    stdout.toBase64({ alphabet: "base64url", omitPadding: true }),
  );
});

Deno.test("networkFailure() goes by what failed, not by words in the URL", () => {
  const rows: [message: string, kind: string, says: RegExp][] = [
    ["dns error: failed to lookup address information", "ca.unreachable", /: name not known$/],
    ["tcp connect error: Connection refused (os error 111)", "ca.unreachable", /: connection refused$/],
    ["tls handshake eof", "ca.unreachable", /: tls handshake eof$/],
    ["invalid peer certificate: UnknownIssuer", "ca.untrusted", /UnknownIssuer$/],
    [
      'invalid peer certificate: certificate not valid for name "expired.example"',
      "ca.wrong-host",
      /not trusted/,
    ],
    ["invalid peer certificate: Expired", "ca.clock", /not trusted/],
  ];
  const url = "https://expired.example/dns/lookup/timeout/refused/invalid%20peer";
  for (const [why, kind, says] of rows) {
    const cause = new Error(`error sending request for url (${url}): client error (Connect): ${why}`);
    const failure = networkFailure(new TypeError("fetch failed", { cause }), url);
    assertEquals([why, failure.kind], [why, kind]);
    assert(says.test(failure.message), failure.message);
    assertEquals([failure.about.host, failure.isTemporary], ["expired.example", kind === "ca.unreachable"]);
  }
  assert(/no answer in time$/.test(networkFailure(new DOMException("x", "TimeoutError"), url).message));
  assertThrows(() => networkFailure(new RangeError("a bug"), url), RangeError);
});

Deno.test("printable() lets no control, bidirectional or zero-width character through, and cuts", () => {
  const evil = "\x1b]0;x\x07\r\n\u202e\u200b\u2066\ufeff\u0085\u{e0041}";
  assert(/^[\x20-\x7e]+$/.test(printable(evil)), printable(evil));
  assertEquals(printable("größer 漢字"), "größer 漢字");
  assertEquals(printable("x".repeat(600)), "x".repeat(500) + "…");
  assertEquals(printable("\x00".repeat(600)).length, 501);
});

Deno.test("readPem() undoes encodePem(), 64 characters a line", () => {
  for (const length of [1, 47, 48, 49, 1000]) {
    const der = crypto.getRandomValues(new Uint8Array(length));
    const pem = encodePem("CERTIFICATE", der);
    assertEquals(Math.max(...pem.split("\n").slice(1, -2).map((line) => line.length)) <= 64, true);
    assertEquals(readPem(pem), { blocks: [{ label: "CERTIFICATE", der }], outside: "" });
  }
});
