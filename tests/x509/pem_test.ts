/** PEM as RFC 7468 has it, for readers that are stricter than ours. */
import { assert, assertEquals, assertRejects, assertThrows } from "../kit/assert.ts";
import { readCertificate } from "../../lib/x509/certificate.ts";
import { encodePem, readPem } from "../../lib/x509/pem.ts";

Deno.test("encodePem() writes lines of 64 characters, and readPem() reads them", () => {
  for (const length of [1, 47, 48, 49, 96, 1000]) {
    const der = crypto.getRandomValues(new Uint8Array(length));
    const pem = encodePem("X", der);
    const lines = pem.split("\n").slice(1, -2);
    assert(lines.slice(0, -1).every((line) => line.length === 64), pem);
    assert(lines.at(-1)!.length <= 64, pem);
    assertEquals(readPem(pem), { blocks: [{ label: "X", der }], outside: "" });
  }
});

Deno.test("readPem() wants each block closed by its own name", () => {
  const whole = encodePem("A", new Uint8Array(3));
  for (const text of [whole.replace("END A", "END B"), whole + whole.replace(/-----END.*/, "")]) {
    assertThrows(() => readPem(text), /is not closed/);
  }
});

Deno.test("readCertificate() takes no block of another kind for a certificate", async () => {
  for (const label of ["PRIVATE KEY", "X509 CRL", "CERTIFICATE REQUEST"]) {
    await assertRejects(
      () => readCertificate(encodePem(label, new Uint8Array(3))),
      /no certificate in PEM form/,
    );
  }
});
