/** Proving control of the names of an order, RFC 8555 §7.5. */
import { type FailedName, Failure, printable } from "../errors.ts";
import { answer, choose, type Presented, type Solver } from "./challenge.ts";
import type { Requester } from "./requester.ts";
import type { Authorization, Challenge, Order } from "./objects.ts";
import { poll, Waits } from "./poll.ts";
import { parseAuthorization } from "./schemas.ts";

/** How long the CA may go on looking at the names of an order that came to nothing. */
const farewellTimes = { first: 250, inAll: 60_000 };

/** A name of the order that has to be validated. */
interface Task {
  /** Of the authorization. */
  url: string;
  solver: Solver;
  presented: Presented;
}

/** How the names of an order have done. */
interface Outcome {
  order: Order;
  failed: FailedName[];
  /** Authorizations that nobody needs any more, by URL. */
  abandoned: string[];
}

/** Answers one challenge for each name, all side by side, and waits until the CA has looked at them.
 *
 * What is shown stays until no authorization that was answered is pending: one name that fails ends neither the others nor the
 * look at them. An order that came to nothing leaves nothing pending at the CA.
 *
 * @param ca who asks
 * @param open the order, which is pending, and its URL
 * @param solvers what there is to answer with, the best first
 * @returns the order in another state, and which names failed
 * @throws {Failure} what ends this try, though not the order
 */
export async function authorize(
  ca: Requester,
  open: { url: string; order: Order },
  solvers: readonly Solver[],
): Promise<{ order: Order; failed: FailedName[] }> {
  const { failed, pending } = await look(ca, open.order, open.order.authorizations);
  const tasks = pending.map(({ url, ...each }) => ({ url, ...choose(each, solvers, ca.thumbprint) }));
  const { outcome, unremoved } = failed.length > 0
    ? { outcome: lost(open.order, failed, tasks.map(({ url }) => url)) }
    : await whilePresented(tasks, () => answerAll(ca, open, tasks));
  // RFC 8555 §7.5.2; some CAs can't.
  await Promise.allSettled(outcome.abandoned.map((url) => ca.post(url, { status: "deactivated" })));
  if (unremoved && outcome.failed.length === 0) throw unremoved;
  return outcome;
}

const lost = (order: Order, failed: FailedName[], abandoned: string[]): Outcome => ({
  order: { ...order, status: "invalid" },
  failed,
  abandoned,
});

/** Reads authorizations: all of them, before anything is made of one. */
export async function look(
  ca: Requester,
  order: Order,
  urls: readonly string[],
): Promise<{ failed: FailedName[]; pending: (Authorization & { url: string })[] }> {
  const read = async (url: string) => {
    const authorization = parseAuthorization((await ca.post(url)).json());
    const name = nameOf(authorization);
    if (!order.identifiers.some(({ value }) => value === name)) {
      throw new Failure("ca.protocol", `The CA asks for a challenge for ${printable(name)}`);
    }
    return { url, name, ...authorization };
  };
  const results = await Promise.allSettled(urls.map(read));
  const authorizations = results.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
  return {
    pending: authorizations.filter(({ status }) => status === "pending"),
    failed: authorizations.filter(({ status }) => status !== "pending" && status !== "valid")
      .map(({ name, status, challenges }) =>
        failure(name, challenges.find(({ error }) => error) ?? { status })
      ),
  };
}

/** RFC 8555 §7.1.4: the identifier is without the `*.` of the order. */
const nameOf = ({ identifier, wildcard }: Authorization) => `${wildcard ? "*." : ""}${identifier.value}`;

const failure = (name: string, { error, status }: Pick<Challenge, "error" | "status">): FailedName => ({
  name,
  problem: error ?? { type: "about:blank", detail: status, subproblems: [] },
});

/** Shows all challenges while something is done. What goes wrong with removing them says less than what failed before. */
async function whilePresented(
  tasks: readonly Task[],
  act: () => Promise<Outcome>,
): Promise<{ outcome: Outcome; unremoved?: unknown }> {
  const solvers = Map.groupBy(tasks, ({ solver }) => solver);
  const each = async (deed: "present" | "remove") => {
    for (const [solver, group] of solvers) await solver[deed](group.map(({ presented }) => presented));
  };
  let [outcome, unremoved]: [outcome?: Outcome, unremoved?: unknown] = [];
  try {
    await each("present");
    outcome = await act();
  } finally {
    await each("remove").catch((error) => unremoved = error);
  }
  return { outcome, unremoved };
}

async function answerAll(
  ca: Requester,
  open: { url: string; order: Order },
  tasks: readonly Task[],
): Promise<Outcome> {
  const { network } = ca.connection;
  let done = 0;
  const answers = await Promise.allSettled(tasks.map(async ({ url, presented }) => {
    const refused = await answer(ca, url, presented.challenge);
    network.progress(`Answered ${++done} of ${tasks.length} challenges`);
    return refused && failure(`${presented.isWildcard ? "*." : ""}${presented.name}`, refused);
  }));
  const refused = answers.flatMap((each) => each.status === "fulfilled" ? each.value ?? [] : []);
  let thrown = answers.find((each) => each.status === "rejected")?.reason;
  let order: Order | void = undefined;
  if (refused.length === 0 && !thrown) {
    order = await poll(ca, open, "pending").catch((error) => void (thrown = error));
    if (order && order.status !== "invalid") return { order, failed: [], abandoned: [] };
  }
  const isUnderWay = (_: Task, i: number) => answers[i].status === "fulfilled" && !answers[i].value;
  const isSlow = thrown instanceof Failure && thrown.kind === "ca.slow"; // it has had its time
  const { failed, pending } = await farewell(ca, open.order, isSlow ? [] : tasks.filter(isUnderWay));
  const all = [...refused, ...failed.filter(({ name }) => !refused.some((each) => each.name === name))]
    .sort((a, b) => a.name < b.name ? -1 : 1);
  if (all.length === 0 && thrown) throw thrown;
  return lost(order ?? open.order, all, pending);
}

/** Waits until the CA looks at none of these any more, though the order came to nothing.
 *
 * @returns what has failed of the whole order, and what is pending still
 */
async function farewell(
  ca: Requester,
  order: Order,
  underWay: readonly Task[],
): Promise<{ failed: FailedName[]; pending: string[] }> {
  const failed: FailedName[] = [];
  const pending = new Set<string>();
  let asked: readonly string[] = order.authorizations;
  for (const waits = new Waits(ca.connection.network, farewellTimes); asked.length > 0;) {
    let seen;
    try {
      seen = await look(ca, order, asked);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      break; // why the order failed says more
    }
    failed.push(...seen.failed);
    asked.forEach((url) => pending.delete(url));
    seen.pending.forEach(({ url }) => pending.add(url));
    asked = underWay.map(({ url }) => url).filter((url) => pending.has(url));
    if (asked.length > 0 && !await waits.next()) break;
  }
  return { failed, pending: [...pending] };
}
