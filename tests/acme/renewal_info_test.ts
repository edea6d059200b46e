/** Renewal information, RFC 9773: certificates' names, windows, pauses, and answers that are none. */
import { assert, assertEquals } from "../kit/assert.ts";
import { boulder, usualWindow, windowAnswer } from "../kit/ca/boulder.ts";
import { type Answer, json, makeScriptedCa, problem } from "../kit/scripted_ca.ts";
import { Connection } from "../../lib/acme/connection.ts";
import { askRenewalInfo, certIdOf, chooseTime } from "../../lib/acme/renewal_info.ts";
import { parseRenewalInfo } from "../../lib/acme/schemas.ts";
import { readCertificate } from "../../lib/x509/certificate.ts";
import { hurry, MemorySolver, open, request } from "./client.ts";

const minute = 60_000;
const hour = 60 * minute;

Deno.test("certIdOf() is as in RFC 9773 §4.1: the key identifier, and the serial number with its leading 00", () => {
  const authorityKeyId = "69885b6b87464041e1b37b847ba0ae2cde01c8d4";
  assertEquals(certIdOf({ authorityKeyId, serial: "0087654321" }), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
  assertEquals(certIdOf({ serial: "01" }), undefined);
});

Deno.test("askRenewalInfo() asks without signature, by the name that the CA has for the certificate", async () => {
  await using ca = await makeScriptedCa();
  ca.use(...boulder(ca));
  const account = await open(ca);
  const { chain } = await account.obtain(request(["a.example.org"], new MemorySolver(ca)));
  const certId = certIdOf(await readCertificate(chain))!;
  assertEquals(certId, [...ca.certificates.values()][0].certId);
  const { renewalInfo } = account.connection.directory;
  const before = ca.requests.length;
  // Without the directory: an idle run needs this one request.
  const connection = Connection.to(renewalInfo!, account.connection.network);
  const { window, nextCheck, failure } = await askRenewalInfo(connection, {
    certId,
    renewalInfo: renewalInfo!,
  });
  assertEquals(ca.requests.slice(before).map(({ kind }) => kind), ["renewalInfo"]);
  const [issued] = [...ca.certificates.values()];
  const expected = JSON.parse(String(usualWindow(issued, ca).body)).suggestedWindow;
  assertEquals([window!.start.toISOString(), window!.end.toISOString()], [expected.start, expected.end]);
  assertEquals(failure, undefined);
  assert(Math.abs(+nextCheck - +ca.now() - 6 * hour) < minute);
  assertEquals(ca.violations, []);
});

const start = new Date("2027-01-01T00:00:00Z");
const end = new Date("2027-01-02T00:00:00Z");
const pauses: [retryAfter: string | undefined, pause: number][] = [
  ["21600", 6 * hour],
  ["1", minute],
  ["0", minute],
  ["-1", 6 * hour],
  ["soon", 6 * hour],
  [undefined, 6 * hour],
  ["9999999", 24 * hour],
  ["Thu, 01 Jan 1970 00:00:00 GMT", minute],
];
for (const [retryAfter, pause] of pauses) {
  Deno.test(`askRenewalInfo() takes Retry-After "${retryAfter}" for ${pause / minute} minutes`, async () => {
    const asked = await ask(() => {
      const { headers, ...answer } = windowAnswer(start, end);
      delete headers["retry-after"];
      return {
        ...answer,
        headers: retryAfter === undefined ? headers : { ...headers, "retry-after": retryAfter },
      };
    });
    assertEquals([asked.window?.start, asked.window?.end, asked.failure], [start, end, undefined]);
    assert(Math.abs(+asked.nextCheck - +asked.now - pause) < minute / 2, String(asked.nextCheck));
  });
}

const noAnswers: [what: string, answer: Answer][] = [
  ["a window that ends before it begins", windowAnswer(end, start)],
  ["a window without length", windowAnswer(start, start)],
  ["a time that is none", json({ suggestedWindow: { start: "tomorrow", end } })],
  ["a date that is none", json({ suggestedWindow: { start: "2027-13-41T00:00:00Z", end } })],
  ["no window", json({})],
  ["null", json(null as never)],
  ["404", problem(404, "malformed", "no such certificate")],
  ["500", problem(500, "serverInternal", "down")],
  ["HTML", { status: 200, headers: { "content-type": "text/html" }, body: "<html>" }],
];
for (const [what, answer] of noAnswers) {
  Deno.test(`askRenewalInfo() takes ${what} for no answer, and asks again in six hours`, async () => {
    const { window, failure, nextCheck, now } = await ask(() => answer);
    assertEquals([window, failure?.area], [undefined, "ca"]);
    assert(Math.abs(+nextCheck - +now - 6 * hour) < minute);
  });
}

Deno.test("askRenewalInfo() leaves the CA alone for as long as it asks for, up to a day", async () => {
  for (const [seconds, hours] of [[7 * 3600, 7], [7 * 86_400, 24], [30, 6]]) {
    const { nextCheck, now } = await ask(() =>
      problem(503, "serverInternal", "down", { "retry-after": String(seconds) })
    );
    assert(Math.abs(+nextCheck - +now - hours * hour) < minute, `${seconds}`);
  }
});

/** Asks a CA that gives one answer. */
async function ask(renewalInfo: () => Answer) {
  await using ca = await makeScriptedCa();
  const network = hurry(ca);
  ca.renewalInfo = renewalInfo;
  const account = await open(ca, undefined, network);
  await account.obtain(request(["a.example.org"], new MemorySolver(ca)));
  const [{ certId }] = [...ca.certificates.values()];
  const info = await askRenewalInfo(account.connection, {
    certId,
    renewalInfo: account.connection.directory.renewalInfo!,
  });
  return { ...info, now: network.now() };
}

Deno.test("parseRenewalInfo() reads times as RFC 3339 has them, and only a page with https", () => {
  const read = (start: string, explanationURL?: unknown) =>
    parseRenewalInfo({ suggestedWindow: { start, end: "2027-02-01T00:00:00Z" }, explanationURL });
  for (
    const text of ["2027-01-01T00:00:00.123456Z", "2027-01-01t01:00:00+01:00", "2026-12-31T23:00:00-01:00"]
  ) {
    assertEquals(Math.trunc(+read(text).start / 1000), +start / 1000);
  }
  assertEquals(
    read("2027-01-01T00:00:00Z", "https://ca.example/why").explanationURL,
    "https://ca.example/why",
  );
  for (const page of ["http://ca.example/", "javascript:alert(1)", 5, null]) {
    assertEquals(read("2027-01-01T00:00:00Z", page).explanationURL, undefined);
  }
});

Deno.test("chooseTime() lies in the window, its end excluded", () => {
  for (const random of [0, 0.5, 0.999999999, ...Array.from({ length: 50 }, () => Math.random())]) {
    const chosen = chooseTime({ start, end }, random);
    assert(chosen >= start && chosen < end);
  }
  assertEquals(chooseTime({ start, end }, 0.5), new Date("2027-01-01T12:00:00Z"));
});
