/** RFC 8555 §7.4.2 and §7.6, RFC 9773: certificates. */
import { createHash, createPublicKey, verify } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { CertificationRequest } from "@peculiar/asn1-csr";
import { Certificate, Extensions, id_ce_subjectAltName, SubjectAlternativeName } from "@peculiar/asn1-x509";
import { type Answer, type Call, json, problem, refusal } from "./answers.ts";
import { keyIdOf } from "./jws_check.ts";
import type { Issued, Order } from "./objects.ts";
import { own, showOrder } from "./orders.ts";
import type { State } from "./state.ts";

const hour = 3_600_000;

/** §7.4. */
export async function finalize(state: State, { url, account, payload }: Call): Promise<Answer> {
  const order = own(state, url.replace("/finalize/", "/order/"), account!.url);
  if (order.status !== "ready") return problem(403, "orderNotReady", `the order is ${order.status}`);
  const request = readCsr(payload.csr);
  const keyId = createHash("sha256").update(request.spki).digest("hex");
  if (!request.isSigned) throw state.wrong("the signature of the CSR is not valid");
  if (request.names.toSorted().join() !== order.names.toSorted().join()) {
    throw refusal(400, "badCSR", "other names than in the order");
  }
  if (keyId === keyIdOf(account!.jwk)) throw state.wrong("the certificate's key is the account's");
  if (state.blockedKeys.has(keyId)) throw refusal(400, "badCSR", "public key is forbidden");
  order.status = "processing";
  await state.later(() => issue(state, order, request.spki));
  return json(showOrder(order), 200, { location: order.url });
}

/** What a CSR asks for. */
function readCsr(csr: string) {
  const request = AsnConvert.parse(
    Uint8Array.fromBase64(csr, { alphabet: "base64url" }),
    CertificationRequest,
  );
  const info = request.certificationRequestInfo;
  const spki = new Uint8Array(AsnConvert.serialize(info.subjectPKInfo));
  const extensions = [...info.attributes].flatMap((
    { values },
  ) => [...AsnConvert.parse(values[0], Extensions)]);
  const san = extensions.find(({ extnID }) => extnID === id_ce_subjectAltName)?.extnValue;
  const names = san ? [...AsnConvert.parse(san, SubjectAlternativeName)] : [];
  // RFC 5758 §3.2: ECDSA with SHA-384; the others here are with SHA-256.
  const hash = request.signatureAlgorithm.algorithm === "1.2.840.10045.4.3.3" ? "sha384" : "sha256";
  const key = createPublicKey({ key: spki as unknown as Uint8Array & string, type: "spki", format: "der" });
  const signed = new Uint8Array(request.certificationRequestInfoRaw ?? AsnConvert.serialize(info));
  return {
    spki,
    names: names.map(({ dNSName, iPAddress }) => dNSName ?? iPAddress ?? "something else"),
    isSigned: verify(hash, signed, key, new Uint8Array(request.signature)),
  };
}

/** Issues a certificate for an order. */
export async function issue(state: State, order: Order, spki: Uint8Array<ArrayBuffer>): Promise<void> {
  const ofType = (type: string) =>
    order.identifiers.filter((each) => each.type === type).map(({ value }) => value);
  const notBefore = new Date(+state.now() - hour);
  const lifetime = state.profiles?.[order.profile ?? ""]?.lifetime ?? state.lifetime;
  const content = {
    spki,
    domains: ofType("dns"),
    addresses: ofType("ip"),
    notBefore,
    notAfter: new Date(+notBefore + lifetime),
  };
  const pem = await state.issuer.issue(state.content?.(content) ?? content);
  const der = Uint8Array.fromBase64(pem.replace(/-----.*-----/g, ""));
  const chain = [pem, state.issuer.pem];
  const issued: Issued = {
    url: `${state.base}/certificate/${state.id()}`,
    order,
    pem,
    der,
    chain: state.chain?.(chain) ?? chain.join(""),
    ...describe(der, state),
    issuedAt: state.now(),
  };
  state.certificates.set(issued.url, issued);
  Object.assign(order, { status: "valid", certificate: issued.url });
  for (const each of state.behaviours) each.issued?.(issued);
}

function describe(der: Uint8Array<ArrayBuffer>, { issuer }: State) {
  const { tbsCertificate: tbs } = AsnConvert.parse(der, Certificate);
  const serial = new Uint8Array(tbs.serialNumber);
  const spki = new Uint8Array(AsnConvert.serialize(tbs.subjectPublicKeyInfo));
  const encode = (bytes: Uint8Array) => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  return {
    serial: serial.toHex(),
    certId: `${encode(issuer.keyId)}.${encode(serial)}`,
    keyId: createHash("sha256").update(spki).digest("hex"),
    notBefore: tbs.validity.notBefore.getTime(),
    notAfter: tbs.validity.notAfter.getTime(),
  };
}

/** §7.4.2. */
export function certificate(state: State, { url }: Call): Answer {
  const { chain } = state.find(state.certificates, url);
  return { status: 200, headers: { "content-type": "application/pem-certificate-chain" }, body: chain };
}

/** §7.6: by the account that ordered it, or by the certificate's own key. */
export function revokeCert(state: State, { account, jwk, payload }: Call): Answer {
  const der = Uint8Array.fromBase64(payload.certificate, { alphabet: "base64url" });
  const found = [...state.certificates.values()].find((each) => each.der.toHex() === der.toHex());
  if (!found) throw refusal(404, "malformed", "no such certificate");
  const by = account ? "account" : "certificate key";
  const mayRevoke = account ? found.order.account === account.url : keyIdOf(jwk!) === found.keyId;
  if (!mayRevoke) throw refusal(403, "unauthorized", `not this ${by}'s certificate`);
  if (state.revocations.some(({ certificate }) => certificate === found)) {
    throw refusal(400, "alreadyRevoked", "it is revoked already");
  }
  const { reason = 0 } = payload;
  state.revocations.push({ certificate: found, reason, by, revokedAt: state.now() });
  // Boulder: who has the key has proved that it is not secret.
  if (reason === 1 && !account) state.blockedKeys.add(found.keyId);
  return { status: 200, headers: {}, body: "" };
}

/** RFC 9773 §4.1. */
export function renewalInfo(state: State, { url }: Call): Answer {
  const certId = url.split("/").at(-1);
  const found = [...state.certificates.values()].find((each) => each.certId === certId);
  if (!found || !state.renewalInfo) throw refusal(404, "malformed", "no such certificate");
  return state.renewalInfo(found, state);
}
