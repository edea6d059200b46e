/** The entry of the ledger that belongs to the order under way, kept true at each moment at which a crash could come. */
import type { Account } from "../acme/account.ts";
import { parseOrder } from "../acme/schemas.ts";
import { Failure, readable } from "../errors.ts";
import type { Step } from "../line/decide.ts";
import { hasDelayedEnough, openOrder, withEntry } from "../line/ledger.ts";
import { heldBackUntil } from "../line/renewal.ts";
import type { LedgerEntry } from "../line/schema.ts";
import { keepCertificate } from "./install.ts";
import type { Session } from "./session.ts";

/** See above. */
export class OrderBook {
  readonly #step: Step & { kind: "obtain" };
  readonly #session: Session;
  #keyId?: string;
  #entry?: LedgerEntry;

  /**
   * @param step what is obtained
   * @param session whose memory holds the ledger
   * @param keyId the key that the certificate is for; absent: it is still being made, so that an order can be for any
   */
  constructor(step: Step & { kind: "obtain" }, session: Session, keyId?: string) {
    this.#step = step;
    this.#session = session;
    this.#keyId = keyId;
  }

  /** The order that an earlier run began, as far as it is for the same. */
  get resumable(): LedgerEntry | undefined {
    const open = openOrder(this.#session.memory.value, this.#step.slot);
    return open && this.#fits(open) ? open : undefined;
  }

  /** An order that is for something else, or has held up enough runs, is read once more before it is forgotten: nothing that
   * was issued may be. */
  async giveUpStale(account: Account): Promise<void> {
    const open = openOrder(this.#session.memory.value, this.#step.slot);
    if (!open || this.#fits(open) && !hasDelayedEnough(open)) return;
    await giveUp(open, this.#session, account);
    // What has turned out to be issued counts.
    const until = heldBackUntil({ ...this.#session, line: await this.#session.read() }, this.#step.slot);
    if (!until) return;
    throw new Failure(
      "run.limited",
      `The order under way is given up, and no other is placed before ${
        readable(until)
      }: the CA's limits are near`,
    );
  }

  /** The CA has an order; without URL it has come to nothing. */
  begin(url?: string): void {
    const { config, memory, world } = this.#session;
    if (!url) return this.close("failed");
    const { slot, names } = this.#step;
    // What could not be resumed has come to nothing, as far as the CA says.
    for (const each of memory.value.orders) {
      if (each.slot !== slot || each.outcome !== "open" || each.url === url) continue;
      this.#put({ ...each, outcome: "failed" });
    }
    const known = memory.value.orders.find((each) => each.url === url && each.outcome === "open");
    this.#put({
      ...known ??
        {
          at: world.now().toISOString(),
          slot,
          directory: config.acme.directory,
          names: [...names],
          ...config.acme.profile ? { profile: config.acme.profile } : {},
          url,
          tokens: [],
          delays: 0,
        },
      ...this.#keyId ? { keyId: this.#keyId } : {},
      outcome: "open",
    });
  }

  /** Whose certificate it will be. */
  isFor(keyId: string): void {
    this.#keyId = keyId;
    if (this.#entry?.outcome === "open" && this.#entry.keyId !== keyId) this.#put({ ...this.#entry, keyId });
  }

  /** What may lie in the challenge directory, or stand in the zone. */
  present(shown: Partial<Pick<LedgerEntry, "tokens" | "records">>): void {
    if (this.#entry) this.#put({ ...this.#entry, ...shown });
  }

  /** What of it is left, which is written down with what comes next. */
  leave(shown: Pick<LedgerEntry, "tokens">): void {
    if (this.#entry) this.#entry = { ...this.#entry, ...shown };
  }

  /** Of the certificate that was issued last. */
  get serial(): string | undefined {
    return this.#entry?.serial;
  }

  /** Which certificate it was. */
  issued(serial: string): void {
    if (this.#entry) this.#entry = { ...this.#entry, serial };
  }

  /** Counts a run that the order has held up; also one that could not be read, unless another time it may well be. */
  async watch<T>(obtain: () => Promise<T>): Promise<T> {
    try {
      return await obtain();
    } catch (error) {
      const isBusy = error instanceof Failure && error.isTemporary;
      const entry = this.#entry ?? (isBusy ? undefined : this.resumable);
      if (entry?.outcome === "open") this.#put({ ...entry, delays: entry.delays + 1 });
      throw error;
    }
  }

  /** What became of it in the end. */
  close(outcome: LedgerEntry["outcome"]): void {
    if (this.#entry) this.#put({ ...this.#entry, outcome });
  }

  #fits(open: LedgerEntry): boolean {
    const { directory, profile } = this.#session.config.acme;
    return open.directory === directory && open.profile === profile &&
      open.names.join() === this.#step.names.join() &&
      (open.keyId === this.#keyId || open.keyId === undefined);
  }

  #put(entry: LedgerEntry): void {
    this.#entry = entry;
    const { memory, world } = this.#session;
    memory.update({ orders: withEntry(memory.value.orders, entry, world.now()) });
  }
}

/** Reads an order once more before it is forgotten: nothing that was issued may be.
 *
 * @param open an order under way
 * @param session whose backups take what was issued
 * @param account whose order it is
 * @throws {Failure} the CA can't be reached
 */
export async function giveUp(open: LedgerEntry, session: Session, account: Account): Promise<void> {
  const { config, memory, world } = session;
  const put = (change: Partial<LedgerEntry>) =>
    memory.update({
      orders: withEntry(memory.value.orders, { ...open, tokens: [], ...change }, world.now()),
    });
  const close = (outcome: LedgerEntry["outcome"]) => put({ outcome });
  if (open.directory !== config.acme.directory) return close("given-up");
  try {
    const order = parseOrder((await account.post(open.url)).json());
    const isForStolenKey = memory.value.revocations.some((each) =>
      "keyId" in each && each.keyId === open.keyId
    );
    if (order.status === "processing" && isForStolenKey && !hasDelayedEnough(open)) {
      put({ delays: open.delays + 1 });
      const message = "The CA is still issuing a certificate for the compromised key: it is revoked later";
      throw new Failure("ca.slow", message, { isTemporary: true });
    }
    if (order.status !== "valid") return close("given-up");
    await keepCertificate(config, open.slot, (await account.post(order.certificate)).text);
    close("refused");
  } catch (error) {
    if (!(error instanceof Failure) || error.area !== "ca") throw error;
    if (error.isTemporary && !hasDelayedEnough(open)) throw error;
    close(open.delays > 0 ? "refused" : "given-up"); // what held up runs may have been issued
  }
}
