/** Let's Encrypt Tiny as a library: ACME (RFC 8555), and the certificate line.
 *
 * The exported names follow the layers of `lib/`: keys, CSR and chains are pure; `openTransport`, `openAccount` and
 * `obtainCertificate` speak with a CA over an injected `System`; the rest is the certificate line, with `plan` as its
 * heart and `main` as the whole command.
 *
 * A certificate, from nothing to PEM; every error that can be expected is an `ExpectedError`:
 *
 * ```ts
 * import * as tiny from "./mod.ts";
 *
 * const domains = ["example.org", "www.example.org"];
 * const system = tiny.realSystem();
 * const ca = await tiny.openTransport(system, "https://acme-v02.api.letsencrypt.org/directory");
 * const accountKey = await tiny.generateKey({ type: "ecdsa", length: 256 });
 * const account = await tiny.openAccount(ca, accountKey); // accepts the CA's terms
 *
 * const key = await tiny.generateKey({ type: "ecdsa", length: 256 });
 * const chain = await tiny.obtainCertificate(account, {
 *   domains,
 *   csr: tiny.createCsr(key, domains),
 *   solver: tiny.webRootSolver("/srv/acme-challenge"),
 * });
 * const keyId = await tiny.keyIdOf(key.publicKey);
 * const { certificate, pem } = await tiny.checkChain(chain, { keyId, names: domains, now: system.now() });
 * console.log(await tiny.exportKey(key) + pem);
 * const records = await tiny.recordsFor(key.publicKey, [[3, 1, 1]]);
 * console.log(tiny.formatRecords([`_443._tcp.${certificate.names[0]}`], records).join("\n"));
 * ```
 *
 * What `cron` would do with a line, without doing any of it:
 *
 * ```ts
 * import * as tiny from "./mod.ts";
 *
 * const file = "/etc/letsencrypt-tiny/example.org.conf";
 * const config = tiny.parseConfig(await Deno.readTextFile(file), file);
 * const state = tiny.openState(tiny.paths(config).state, { warn: console.error, readOnly: true });
 * const line = await tiny.readLine(config, await tiny.readFiles(config), state.value);
 * const actions = tiny.plan(line, { command: "cron", config, hooks: true, now: new Date() });
 * console.log(actions.map((action) => action.kind).join() || "nothing");
 * ```
 *
 * @module
 */
export { exportKey, generateKey, keyIdOf, type KeyPair, type KeyType } from "./lib/x509/key.ts";
export { importKey } from "./lib/x509/import_key.ts";
export { createCsr } from "./lib/x509/csr.ts";
export { type Certificate, readCertificate } from "./lib/x509/certificate.ts";
export { checkChain } from "./lib/x509/chain.ts";
export { formatRecords, recordsFor, type TlsaRecord, uncovered } from "./lib/dane/records.ts";
export * from "./lib/errors.ts";

export { openTransport, type Transport } from "./lib/acme/connection.ts";
export { type World } from "./lib/steps/world.ts";
export { type Account, openAccount } from "./lib/acme/account.ts";
export { obtainCertificate, type Request, type Solver } from "./lib/acme/order.ts";

export { type Config, parseConfig } from "./lib/config/config.ts";
export { openState, type State, type StateFile } from "./lib/line/memory.ts";
export { paths } from "./lib/steps/install.ts";
export { type Files, readFiles } from "./lib/line/files.ts";
export { readLine } from "./lib/line/read.ts";
export { type Action, describe, type Line, plan } from "./lib/line/decide.ts";
export { type Slot } from "./lib/line/renewal.ts";
export { status } from "./lib/command/status.ts";
export { recover } from "./lib/steps/recover.ts";
export { webRootSolver } from "./lib/steps/web_root.ts";
export { realSystem } from "./lib/command/world.ts";
export { main } from "./lib/command/cli.ts";
