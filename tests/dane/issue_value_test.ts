/** The grammar of RFC 8659 §4.2, from its words and its examples. */
import { assertEquals } from "../kit/assert.ts";
import { readIssueValue, valuesOf } from "../../lib/dane/issue_value.ts";

const rows: [text: string, issuer?: string, parameters?: [string, string][]][] = [
  ["ca1.example.net", "ca1.example.net", []],
  ["CA1.Example.NET", "ca1.example.net", []],
  [";", "", []],
  ["", "", []],
  ["  ca1.example.net  ", "ca1.example.net", []],
  ["ca1.example.net;", "ca1.example.net", []],
  ["ca1.example.net; account=230123", "ca1.example.net", [["account", "230123"]]],
  ["ca1.example.net;\taccount = 230123 ; b=", "ca1.example.net", [["account", "230123"], ["b", ""]]],
  [
    "letsencrypt.org; accounturi=https://a.org/acct/1?x=1&y=2; validationmethods=http-01,dns-01",
    "letsencrypt.org",
    [
      ["accounturi", "https://a.org/acct/1?x=1&y=2"],
      ["validationmethods", "http-01,dns-01"],
    ],
  ],
  ["; account=1", "", [["account", "1"]]],
  ["%%%%%"],
  ["ca1.example.net; account"],
  ["ca1.example.net; a=1;"],
  ["ca1.example.net;;a=1"],
  ["ca1.example.net; a=b c"],
  ["ca1.example.net; a_b=1"],
  ["ca1..example.net"],
  ["-ca.example.net"],
  ["ca1.example.net account=1"],
  ["ca1.example.net; a=\u00e9"],
];
for (const [text, issuer, parameters] of rows) {
  Deno.test(`readIssueValue(): ${JSON.stringify(text)}`, () => {
    assertEquals(readIssueValue(text), issuer === undefined ? undefined : { issuer, parameters });
  });
}

Deno.test("valuesOf() finds all of a tag, however it was written", () => {
  assertEquals(valuesOf(readIssueValue("a.org; X=1; y=2; x=3")!, "x"), ["1", "3"]);
});
