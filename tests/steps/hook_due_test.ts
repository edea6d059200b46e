/** When hooks run: whenever what they depend on has changed, and not before there is anything. */
import { assertEquals } from "../kit/assert.ts";
import { Simulation } from "../kit/simulation.ts";

const hour = 3_600_000;
const head = "key-type = ecdsa\n";
const longer = "key-type = ecdsa\nkey-length = 384\n";

/** Which hooks ran since this was asked last. */
const ran = async ({ line }: Simulation) =>
  (await line.hookLog()).filter((each) => each.startsWith("/")).join(" ");

Deno.test("each change of what hooks depend on makes them due, and no other", async () => {
  await using simulation = await Simulation.begin();
  const { line, ca } = simulation;
  const hooks = await line.makeHooks();
  const timing = { "staging-hours": "24" };
  const settings = { head, hooks, timing };
  await line.configure(settings);
  const cron = async () => {
    simulation.time += hour;
    assertEquals((await line.run("-k", "cron")).exit, 0);
    return await ran(simulation);
  };
  // A certificate that could not be had is nothing to serve, and its key nothing to announce.
  ca.validators["http-01"] = () => "404";
  assertEquals([(await line.run("-k", "init")).exit, await ran(simulation)], [1, ""]);
  ca.validators["http-01"] = () => undefined;
  simulation.time += 2 * hour;
  assertEquals([(await line.run("-k", "init")).exit, await ran(simulation)], [0, "/certchange /keychange"]);
  assertEquals(await cron(), "");
  // Derived files, also of a pair that has not changed.
  const files = "outputs = key+crt";
  await line.configure({ ...settings, files });
  assertEquals(await cron(), "/certchange");
  // The same key with another certificate.
  assertEquals([(await line.run("-k", "renew")).exit, await ran(simulation)], [0, "/certchange"]);
  // A staged key is another set of keys and another certificate; so is the end of staging.
  await line.configure({ ...settings, files, head: longer });
  assertEquals(await cron(), "/certchange /keychange");
  assertEquals(await cron(), "");
  assertEquals([(await line.run("-k", "renew")).exit, await ran(simulation)], [0, "/certchange"]);
  simulation.time += 24 * hour;
  assertEquals(await cron(), "/certchange /keychange");
  assertEquals(await cron(), "");
});
