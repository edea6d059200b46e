/** The CA's word that a certificate is to be renewed now (RFC 9773), and what the new order says of the old certificate. */
import { assert, assertEquals } from "../kit/assert.ts";
import { boulder } from "../kit/ca/boulder.ts";
import { json, refuse } from "../kit/scripted_ca.ts";
import { Simulation } from "../kit/simulation.ts";

const hour = 3_600_000;
const day = 24 * hour;
const silent = { exit: 0, out: [], err: [] };

/** A line with its first certificate, at a CA that behaves as Let's Encrypt's. */
async function begun(): Promise<Simulation> {
  const simulation = await Simulation.begin();
  const { ca, line } = simulation;
  ca.use(...boulder(ca));
  ca.lifetime = 90 * day;
  assertEquals((await line.run("init")).exit, 0);
  return simulation;
}

const window = (from: number, to: number, explanationURL?: string) =>
  json(
    {
      suggestedWindow: { start: new Date(from).toISOString(), end: new Date(to).toISOString() },
      explanationURL,
    },
    200,
    { "retry-after": "21600" },
  );

/** How often the CA was asked for each kind of thing. */
const asked = ({ ca }: Simulation, kind: string) => ca.requests.filter((each) => each.kind === kind).length;

Deno.test("a certificate that is about to be revoked is replaced by the next cron, with replaces", async () => {
  await using simulation = await begun();
  const { ca, line } = simulation;
  simulation.time += hour;
  assertEquals(await line.run("cron"), silent);
  const before = await line.read("certs/live.crt");
  // The answer is good for six hours: until then nobody is asked.
  const count = ca.requests.length;
  simulation.time += hour;
  assertEquals(await line.run("cron"), silent);
  assertEquals(ca.requests.length, count);
  ca.renewalInfo = () =>
    window(simulation.time - hour, simulation.time - hour / 2, "https://ca.example/incident");
  simulation.time += 12 * hour;
  const { exit, out } = await line.run("cron");
  assertEquals(exit, 0);
  assert(
    /^The CA wants the live certificate renewed earlier, .*: https:\/\/ca\.example\/incident$/.test(out[0]),
    out[0],
  );
  assert(out[1].endsWith("the CA suggests it"), out.join("\n"));
  assert(await line.read("certs/live.crt") !== before);
  assertEquals([...ca.orders.values()].map(({ replaces }) => typeof replaces), ["undefined", "string"]);
  assertEquals(ca.violations, []);
});

Deno.test("the window of the old certificate says nothing of the new one", async () => {
  await using simulation = await begun();
  const { ca, line } = simulation;
  const [first] = [...ca.certificates.values()];
  ca.renewalInfo = (certificate, state) =>
    certificate === first
      ? window(simulation.time - hour, simulation.time - hour / 2)
      : window(+state.now() + 50 * day, +state.now() + 52 * day);
  simulation.time += hour;
  assertEquals((await line.run("cron")).out.length, 1);
  for (let i = 0; i < 10; i++) {
    simulation.time += 12 * hour;
    assertEquals(await line.run("cron"), silent);
  }
  assertEquals(ca.orders.size, 2);
});

Deno.test("whatever the CA answers, a cron with nothing due is silent, and the certificate's own dates count", async (test) => {
  const answers: [string, Parameters<typeof refuse> | (() => ReturnType<typeof json>)][] = [
    ["not found", [404, "malformed"]],
    ["busy", [503, "serverInternal"]],
    ["a window that ends before it begins", () => window(2e12, 1e12)],
    ["a window in 2099", () => window(4.07e12, 4.08e12)],
    ["no object", () => json([])],
  ];
  for (const [name, answer] of answers) {
    await test.step(name, async () => {
      await using simulation = await begun();
      const { ca, line } = simulation;
      if (Array.isArray(answer)) {
        ca.fault = ({ kind, answer: to }) => kind === "renewalInfo" && void refuse(...answer)(to);
      } else ca.renewalInfo = answer;
      simulation.time += hour;
      assertEquals(await line.run("cron"), silent);
      simulation.time += 70 * day;
      assertEquals((await line.run("cron")).out.length, 0);
      simulation.time += 6 * day;
      const { exit, out } = await line.run("cron");
      assertEquals([exit, out.length], [0, 1]);
    });
  }
});

Deno.test("replaces never stops a renewal, whatever newOrder answers to it", async (test) => {
  for (
    const [status, type] of [[409, "alreadyReplaced"], [404, "malformed"], [403, "unauthorized"], [
      500,
      "serverInternal",
    ], [400, "conflict"]] as const
  ) {
    await test.step(`${status} ${type}`, async () => {
      await using simulation = await begun();
      const { ca, line } = simulation;
      let refused = 0;
      ca.fault = ({ kind, answer }) =>
        kind === "newOrder" && refused++ === 0 && void refuse(status, type)(answer);
      simulation.time += 61 * day;
      const { exit, out, err } = await line.run("cron");
      assertEquals([exit, out.length, err, refused], [0, 1, [], 2]);
    });
  }
});

Deno.test("renewal-info = off asks nobody, and replaces nothing", async () => {
  await using simulation = await Simulation.begin();
  const { ca, line } = simulation;
  ca.use(...boulder(ca));
  const text = await Deno.readTextFile(line.config);
  await Deno.writeTextFile(line.config, text.replace("[acme]", "[acme]\nrenewal-info = off"));
  assertEquals((await line.run("init")).exit, 0);
  simulation.time += 8 * day;
  assertEquals(await line.run("cron"), silent);
  assertEquals((await line.run("renew")).exit, 0);
  assertEquals(asked(simulation, "renewalInfo"), 0);
  assertEquals([...ca.orders.values()].filter(({ replaces }) => replaces), []);
});
