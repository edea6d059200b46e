/** Who decides whether a client would have connected: ldns-dane and openssl, which we did not write. */
import { encodePem } from "../../../lib/x509/pem.ts";
import { attempt } from "./daemon.ts";
import { askTlsa } from "./dns.ts";
import { type Service, tlsaName } from "./served.ts";

/** The referee, and the verdicts that it has given. */
export interface Referee {
  /** Verdicts on single pairs so far. */
  verdicts: number;
  /** Whether a client that holds these records accepts this certificate; each pair is judged once.
   *
   * @returns why not; undefined: it accepts
   */
  judge(service: Service, records: readonly string[], certificate: Uint8Array): Promise<string | undefined>;
  /** Lets the referee itself ask the resolver and connect, which is a few processes' worth of work.
   *
   * @returns why it does not connect; undefined: it does
   */
  connect(service: Service): Promise<string | undefined>;
}

/** Appoints the referee.
 *
 * @param folder for its files, an empty one
 * @param resolver whom it asks
 */
export async function makeReferee(folder: string, resolver: string): Promise<Referee> {
  await Deno.mkdir(folder, { recursive: true });
  const verdicts = new Map<string, Promise<string | undefined>>();
  return {
    get verdicts() {
      return verdicts.size;
    },
    judge(service, records, certificate) {
      const pair = JSON.stringify([tlsaName(service), records, certificate.toBase64()]);
      const known = verdicts.get(pair);
      if (known) return known;
      const file = `${folder}/${verdicts.size}`;
      const verdict = (async () => {
        if (records.length === 0) return "no TLSA records";
        const zone = records.map((each) => `${tlsaName(service)}. IN TLSA ${each}\n`).join("");
        await Deno.writeTextFile(`${file}.zone`, zone);
        await Deno.writeTextFile(`${file}.pem`, encodePem("CERTIFICATE", certificate));
        // -d: that these records are validated, the AD bit has said.
        const args = [
          "-d",
          "-t",
          `${file}.zone`,
          "-c",
          `${file}.pem`,
          "verify",
          service.name,
          String(service.port),
        ];
        const { code, text } = await attempt("ldns-dane", ...args);
        return code === 0 ? undefined : text.trim();
      })();
      verdicts.set(pair, verdict);
      return verdict;
    },
    async connect(service) {
      const { name, port, address } = service;
      if (port !== 25) {
        const { code, text } = await attempt("ldns-dane", "-r", resolver, "verify", name, String(port));
        return code === 0 ? undefined : `ldns-dane: ${text.trim()}`;
      }
      const { isValidated, records } = await askTlsa(resolver, tlsaName(service));
      if (!isValidated) return "openssl: records are not validated";
      // deno-fmt-ignore
      const { code, text } = await attempt("openssl", "s_client", "-starttls", "smtp", "-connect", `${address}:25`,
        "-dane_tlsa_domain", name, ...records.flatMap((each) => ["-dane_tlsa_rrdata", each]),
        "-verify_return_error", "-brief", "-nocommands");
      return code === 0 ? undefined : `openssl: ${text.trim()}`;
    },
  };
}
