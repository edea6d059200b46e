/** Loopback addresses that nobody else uses, so that every server has its standard port. */
import { attempt, command, lifetime } from "./daemon.ts";

/** Addresses that are ours until they are given back. */
export interface Addresses extends AsyncDisposable {
  /** One of them: `at(3)` is 127.53.x.3. */
  at(number: number): string;
}

/** Puts addresses on the loopback interface: BIND listens only on those that an interface has.
 *
 * That an address can't be added twice is what keeps two runs of the tests apart. The kernel takes them away should the
 * tests be killed before they can.
 *
 * @param count how many
 */
export async function claimAddresses(count: number): Promise<Addresses> {
  for (let block = 0; block < 255; block++) {
    const at = (number: number) => `127.53.${block}.${number}`;
    const change = (verb: string, number: number) => ["address", verb, `${at(number)}/32`, "dev", "lo"];
    const add = (number: number) => [
      ...change("add", number),
      ...["valid_lft", "preferred_lft"].flatMap((each) => [each, String(lifetime)]),
    ];
    if ((await attempt("ip", ...add(1))).code !== 0) continue;
    for (let number = 2; number <= count; number++) await command("ip", ...add(number));
    return {
      at,
      async [Symbol.asyncDispose]() {
        for (let number = count; number > 0; number--) await command("ip", ...change("del", number));
      },
    };
  }
  throw new Error("No loopback addresses are left: may this process add any?");
}
