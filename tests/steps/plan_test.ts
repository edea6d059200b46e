/** What `plan` says on paper is what `fulfil` does, step by step, where nothing fails. */
import { main } from "../../lib/command/cli.ts";
import { realSystem } from "../../lib/command/world.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { type Command, nameOf, type Step } from "../../lib/line/decide.ts";
import { plan } from "../../lib/line/paper.ts";
import { makeContact } from "../../lib/steps/ca.ts";
import { fulfil } from "../../lib/steps/fulfil.ts";
import { look, withSession, type World } from "../../lib/steps/session.ts";
import { assert, assertEquals } from "../kit/assert.ts";
import type { Settings } from "../kit/line.ts";
import { Simulation } from "../kit/simulation.ts";

const hour = 3_600_000;
const day = 24 * hour;

/** What happens to a line between two runs. */
interface Event {
  name: string;
  /** How much time passes. */
  passes?: number;
  settings?: Settings;
  command?: Command;
  hooks?: boolean;
  /** Which steps have to be among those that are compared. */
  has?: string[];
}

const longer = "key-type = ecdsa\nkey-length = 384\n";
const lives: Record<string, { staging: string; events: Event[] }> = {
  "a key that goes live at once": {
    staging: "0",
    events: [
      { name: "nothing", has: [] },
      { name: "time passes", passes: 25 * day, has: ["obtain live"] },
      {
        name: "another kind of key",
        settings: { head: longer },
        has: ["obtain staging", "unstage", "run-hook keychange"],
      },
      { name: "names", settings: { domains: ["a.example.org", "b.example.org"] }, has: ["obtain live"] },
      { name: "without hooks", passes: 25 * day, hooks: false, has: ["obtain live"] },
      { name: "with hooks again", has: ["run-hook certchange"] },
      { name: "asked for", command: "renew", has: ["obtain live"] },
    ],
  },
  "a key that is staged": {
    staging: "48",
    events: [
      {
        name: "another kind of key",
        settings: { head: longer },
        has: ["obtain staging", "run-hook keychange"],
      },
      { name: "a day", passes: day, has: ["ask-renewal-info"] },
      {
        name: "another",
        passes: day,
        has: ["unstage", "run-hook certchange", "confirm-served", "run-hook keychange"],
      },
      { name: "a derived file more", settings: { files: "outputs = leaf chain" }, has: ["write-outputs"] },
      {
        name: "both asked for",
        passes: 8 * day,
        settings: { head: "key-type = ecdsa\n" },
        has: ["obtain staging"],
      },
      { name: "asked for", command: "renew", has: ["obtain live", "obtain staging"] },
    ],
  },
};

for (const [title, { staging, events }] of Object.entries(lives)) {
  Deno.test(`plan on paper is what a run does: ${title}`, async (test) => {
    await using simulation = await Simulation.begin();
    const { line } = simulation;
    simulation.ca.lifetime = 30 * day;
    const settings: Settings = {
      head: "key-type = ecdsa\n",
      hooks: await line.makeHooks(),
      files: "outputs = leaf", // which changes with each certificate
      timing: { "staging-hours": staging, "renew-cert-before-expiry-days": "10" },
    };
    await line.configure(settings);
    const world: World = {
      ...realSystem(),
      ...line.world,
      log: () => {},
      warn: () => {},
      progress: () => {},
    };
    assertEquals(await main(["-c", line.config, "-k", "init"], world), 0);
    for (const event of events) {
      await test.step(event.name, async () => {
        simulation.time += event.passes ?? hour;
        await line.configure(Object.assign(settings, event.settings));
        const { said, done } = await compare(await read(line.config), event, world);
        assertEquals(done, said);
        assert((event.has ?? []).every((each) => done.includes(each)), done.join(", "));
        if (event.has?.length === 0) assertEquals(done, []);
      });
    }
  });
}

const read = async (file: string) => parseConfig(await Deno.readTextFile(file), file);

async function compare(
  config: Awaited<ReturnType<typeof read>>,
  { command = "cron", hooks = true }: Event,
  world: World,
): Promise<{ said: string[]; done: string[] }> {
  const { line } = await look(config, world);
  const said = plan(line, { command, config, hooks, now: world.now() }).map(nameOf);
  const done: Step[] = [];
  const contact = () => Promise.resolve(makeContact());
  const options = { command, hooks, contact };
  const { failures } = await withSession(
    config,
    options,
    world,
    (session) => fulfil(session, (step) => done.push(step)),
  );
  assertEquals(failures, []);
  return { said, done: done.map(nameOf) };
}
