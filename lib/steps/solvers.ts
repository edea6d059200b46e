/** What answers challenges, by their type: a row for each. */
import type { Solver } from "../acme/challenge.ts";
import type { Config } from "../config/config.ts";
import type { OrderBook } from "./order_book.ts";
import type { Session } from "./session.ts";

type Make = (session: Session, book: OrderBook) => Promise<Solver>;

const solvers: Partial<Record<Config["acme"]["challenge"], Make>> = {
  "http-01": async ({ config: { acme } }, book) => {
    const { webRootSolver } = await import("./web_root.ts");
    return webRootSolver(acme.challengeDir!, {
      present: (tokens) => book.present({ tokens }),
      leave: (tokens) => book.leave({ tokens }),
    });
  },
  "dns-01": async (session, book) => {
    const { dnsHookSolver } = await import("./dns_hook.ts");
    return dnsHookSolver(session, (records) => book.present({ records }));
  },
};

/** Makes what answers the configured type of challenge.
 *
 * @param session what to work with
 * @param book remembers what is shown
 */
export const solverFor = (session: Session, book: OrderBook): Promise<Solver> =>
  solvers[session.config.acme.challenge]!(session, book);
