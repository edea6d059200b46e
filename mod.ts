/** Let's Encrypt Tiny as a library: the ACME protocol, and the certificate line. */
export { type Account, openAccount } from "./lib/account.ts";
export { obtainCertificate, type Request, type Solver } from "./lib/acme.ts";
export { type Certificate, checkChain, readCertificate } from "./lib/certificate.ts";
export { type Config, parseConfig } from "./lib/config.ts";
export { createCsr } from "./lib/csr.ts";
export * from "./lib/errors.ts";
export { exportKey, generateKey, importKey, type KeyPair, type KeyType, spkiHash } from "./lib/keys.ts";
export { type Action, describe, type Line, plan, type Slot } from "./lib/plan.ts";
export { tlsaRecords } from "./lib/tlsa.ts";
export { openTransport, type System, type Transport } from "./lib/transport.ts";
