/** The library at work with the scripted CA, in one process and in a time that passes at once. */
import { Account } from "../../lib/acme/account.ts";
import type { AccountOptions } from "../../lib/acme/registration.ts";
import type { Presented, Solver } from "../../lib/acme/challenge.ts";
import { Connection } from "../../lib/acme/connection.ts";
import type { Network } from "../../lib/acme/network.ts";
import { type NewOrder, toIdentifier } from "../../lib/acme/objects.ts";
import type { OrderRequest } from "../../lib/acme/order.ts";
import { Failure } from "../../lib/errors.ts";
import { createCsr } from "../../lib/x509/csr.ts";
import { generateKey } from "../../lib/x509/key.ts";
import { assert } from "../kit/assert.ts";
import type { ScriptedCa } from "../kit/scripted_ca.ts";

export const accountKey = await generateKey({ type: "ecdsa", length: 256 });
/** The key of every certificate here. */
export const key = await generateKey({ type: "ecdsa", length: 256 });

/** A network whose waits take a millisecond, and how long they were. */
export interface HurriedNetwork extends Network {
  waits: number[];
  warnings: string[];
}

/** The way to a CA that lives in the same hurried time. */
export function hurry(ca: ScriptedCa): HurriedNetwork {
  let offset = 0;
  const network: HurriedNetwork = {
    waits: [],
    warnings: [],
    fetch: ca.fetch,
    now: () => new Date(Date.now() + offset),
    async sleep(ms) {
      offset += ms;
      if (network.waits.push(ms) > 1000) throw new Error("it waits without end");
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
    warn: (line) => void network.warnings.push(line),
    progress: () => {},
  };
  ca.now = network.now;
  return network;
}

/** An account at a CA. */
export async function open(
  ca: ScriptedCa,
  options: AccountOptions = { termsOfServiceAgreed: true },
  network = hurry(ca),
): Promise<Account> {
  return await Account.open(await Connection.open(ca.directory, network), accountKey, options);
}

/** Shows challenges in memory, where the CA looks at them. */
export class MemorySolver implements Solver {
  /** Key authorizations by token. */
  readonly shown = new Map<string, string>();
  /** What was called with how many challenges. */
  readonly calls: string[] = [];
  readonly presented: Presented[] = [];

  constructor(readonly ca: ScriptedCa, readonly type = "http-01") {
    ca.validators[type] = ({ token, keyAuthorization }) =>
      this.shown.get(token) === keyAuthorization ? undefined : "not there";
  }

  present(challenges: readonly Presented[]): Promise<void> {
    this.calls.push(`present ${challenges.length}`);
    this.presented.push(...challenges);
    for (const { token, keyAuthorization } of challenges) this.shown.set(token, keyAuthorization);
    return Promise.resolve();
  }

  remove(challenges: readonly Presented[]): Promise<void> {
    this.calls.push(`remove ${challenges.length}`);
    for (const { token } of challenges) this.shown.delete(token);
    return Promise.resolve();
  }
}

/** What is needed for a certificate for these names. */
export const request = (
  names: string[],
  solver: Solver,
  more: Omit<Partial<OrderRequest>, "order"> & { order?: Partial<NewOrder> } = {},
): OrderRequest => ({
  csr: createCsr(key, names),
  solvers: [solver],
  ...more,
  order: { identifiers: names.map(toIdentifier), ...more.order },
});

/** The failure that something ends with. */
export async function failureOf(act: Promise<unknown>): Promise<Failure> {
  const failure = await act.then(() => undefined, (error) => error);
  assert(failure instanceof Failure, String(failure?.stack ?? "it has not failed"));
  return failure;
}

/** How many requests of a kind there were. */
export const count = (ca: ScriptedCa, kind: string): number =>
  ca.requests.filter((each) => each.kind === kind).length;
