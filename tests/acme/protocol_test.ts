/** The pure parts of the protocol: what a CA may send, and what becomes of it. */
import { assert, assertEquals, assertThrows } from "../kit/assert.ts";
import { describeProblem, printable, TransportError } from "../../lib/errors.ts";
import { encodePem, readPem } from "../../lib/x509/pem.ts";
import {
  httpsUrl,
  parseAuthorization,
  parseDirectory,
  parseOrder,
  parseProblem,
  retryAfter,
} from "../../lib/acme/objects.ts";

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
      message: "The CA sent a malformed order: a URL is not usable",
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
    [[], "not a JSON object"],
    ["x", "not a JSON object"],
    [{ ...order, authorizations: undefined }, "authorizations is missing"],
    [{ ...order, authorizations: "https://ca.example/" }, "authorizations is missing"],
    [{ ...order, authorizations: [1] }, "a URL is not usable"],
    [{ ...order, finalize: "http://ca.example/f" }, "a URL is not usable"],
    [{ ...order, finalize: 7 }, "finalize is missing"],
    [{ ...order, status: "done" }, "status is unknown"],
    [{ ...order, status: 1 }, "status is missing"],
    [{ ...order, status: "valid" }, "certificate is missing"],
    [{ ...order, identifiers: [null] }, "not a JSON object"],
    [JSON.parse('{"__proto__":{"status":"pending"}}'), "identifiers is missing"],
  ];
  for (const [json, why] of rows) {
    assertThrows(() => parseOrder(json), (error: unknown) => {
      assert(error instanceof TransportError && !error.isTemporary);
      assert(error.message.endsWith(why), error.message);
      return true;
    });
  }
});

Deno.test("parseAuthorization() keeps challenges of unknown types, RFC 8555 §7.1.4", () => {
  const challenge = { type: "new-99", url: "https://ca.example/c", status: "pending" };
  const read = parseAuthorization({
    status: "pending",
    identifier: order.identifiers[0],
    challenges: [challenge],
  });
  assertEquals(read.challenges[0].type, "new-99");
  assertThrows(() => parseAuthorization({ ...read, challenges: {} }), TransportError);
});

Deno.test("parseDirectory() wants the three URLs that a client needs", () => {
  const directory = {
    newNonce: "https://a.example/1",
    newAccount: "https://a.example/2",
    newOrder: "https://a.example/3",
  };
  assertEquals(parseDirectory(directory).newOrder, "https://a.example/3");
  for (const name of Object.keys(directory)) {
    assertThrows(() => parseDirectory({ ...directory, [name]: undefined }), TransportError);
  }
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
