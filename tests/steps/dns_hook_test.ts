/** dns-01 by a program: all records in one call, every server looked at before the CA is told, and nothing left in the zone. */
import { assert, assertEquals } from "../kit/assert.ts";
import { Buffer } from "node:buffer";
import type { Validator } from "../kit/ca/validation.ts";
import { makeNames, type Names } from "../kit/name_server.ts";
import { Simulation } from "../kit/simulation.ts";

const day = 86_400_000;
const servers = ["192.0.2.1", "192.0.2.2", "2001:db8::2"];

/** A line that proves its names by DNS, a zone, and a hook that changes it. */
interface Scene extends AsyncDisposable {
  simulation: Simulation;
  names: Names;
  /** Calls of the hook: event and records. */
  calls: [string, string[]][];
  /** Servers that get no change. */
  lagging: Set<string>;
  /** Exit status of the hook, by its event. */
  status: Record<string, number>;
  values(owner: string): string[];
}

async function setScene(domains: string[], extra = ""): Promise<Scene> {
  const simulation = await Simulation.begin({ domains });
  const { ca, line } = simulation;
  const names = makeNames([]);
  const hook = `${line.folder}/dns-hook`;
  await Deno.writeTextFile(hook, "#!/bin/sh\n");
  await Deno.chmod(hook, 0o755);
  const text = await Deno.readTextFile(line.config);
  const section = `[acme]\nchallenge = dns-01\ndns-hook = ${hook}`;
  const without = text.replace(/^challenge-dir.*\n/m, "").replace("[acme]", section);
  await Deno.writeTextFile(
    line.config,
    `${without}\n[dns]\nresolver = ${names.resolver}\ndeadline-minutes = 1\n${extra}`,
  );
  const scene: Scene = {
    ...{ simulation, names, calls: [], lagging: new Set(), status: {} },
    values: (owner) =>
      (names.servers.get("192.0.2.1") ?? []).filter((each) => each.type === "TXT" && each.name === owner)
        .map(({ data }) => String((data as Uint8Array[])[0])),
    [Symbol.asyncDispose]: () => simulation[Symbol.asyncDispose](),
  };
  line.world.exchangeDns = names.exchangeDns;
  line.world.runHook = (_, env) => Promise.resolve(change(scene, env));
  ca.validators = { "dns-01": inZone(scene) };
  return scene;
}

/** What a dynamic update would do: adds and deletes by value. */
function change({ names, calls, lagging, status }: Scene, env: Record<string, string>): number {
  const event = env.LETSENCRYPT_TINY_EVENT;
  const lines = env.LETSENCRYPT_TINY_RECORDS.split("\n");
  calls.push([event, lines]);
  if (status[event]) return status[event];
  for (const [address, entries] of names.servers) {
    if (lagging.has(address)) continue;
    for (const each of lines) {
      const [, name, value] = /^(\S+)\. 60 TXT "(\S+)"$/.exec(each)!;
      const isIt = (entry: { name: string; type: string; data: unknown }) =>
        entry.type === "TXT" && entry.name === name && String((entry.data as Uint8Array[])[0]) === value;
      if (event === "dns-present") entries.push({ name, type: "TXT", data: [Buffer.from(value)] });
      else entries.splice(0, entries.length, ...entries.filter((entry) => !isIt(entry)));
    }
  }
  return 0;
}

const inZone = (scene: Scene): Validator => async ({ name, keyAuthorization }) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(keyAuthorization));
  const value = new Uint8Array(digest).toBase64({ alphabet: "base64url", omitPadding: true });
  return scene.values(`_acme-challenge.${name}`).includes(value) ? undefined : "no such record";
};

Deno.test("a wildcard beside its base: two values at one name, one call, and none left", async () => {
  await using scene = await setScene(["example.org", "*.example.org", "www.other.example.org"]);
  const { simulation: { ca, line }, calls } = scene;
  const { exit, err } = await line.run("init");
  assertEquals([exit, err], [0, []]);
  assertEquals(calls.map(([event, lines]) => [event, lines.length]), [["dns-present", 3], ["dns-remove", 3]]);
  assertEquals(calls[0][1].map((each) => each.split(" ")[0]).sort(), [
    "_acme-challenge.example.org.",
    "_acme-challenge.example.org.",
    "_acme-challenge.www.other.example.org.",
  ]);
  assertEquals(scene.values("_acme-challenge.example.org"), []);
  assertEquals(ca.violations, []);
});

Deno.test("an alias at the challenge's name leads the hook to where it can write", async () => {
  await using scene = await setScene(["www.example.org"]);
  const { simulation: { ca, line }, names, calls } = scene;
  for (const address of [...servers, names.resolver]) {
    names.servers.get(address)!.push({
      name: "_acme-challenge.www.example.org",
      type: "CNAME",
      data: "www.acme.example.org",
    });
  }
  ca.validators = { "dns-01": () => scene.values("www.acme.example.org").length === 1 ? undefined : "none" };
  assertEquals((await line.run("init")).exit, 0);
  assert(calls[0][1][0].startsWith("www.acme.example.org. 60 TXT "), calls[0][1][0]);
});

Deno.test("a server that lags: the CA is not asked, the message says which, and the records go", async () => {
  await using scene = await setScene(["www.example.org"]);
  const { simulation: { ca, line }, calls, lagging } = scene;
  lagging.add("2001:db8::2");
  const { exit, err } = await line.run("init");
  assertEquals(exit, 3);
  assert(
    /^error: The records of the challenge are not everywhere: ns2\.example\.org \(2001:db8::2\) has no TXT/
      .test(err[0]),
    err[0],
  );
  assertEquals(calls.map(([event]) => event), ["dns-present", "dns-remove"]);
  assertEquals([...ca.authorizations.values()].map(({ status }) => status), ["pending"]);
  lagging.clear();
  assertEquals((await line.run("init")).exit, 0);
  assertEquals(ca.orders.size, 1); // the order under way is taken up
});

Deno.test("a hook that fails: no certificate, said with its status; what could not be removed is tried again", async () => {
  await using scene = await setScene(["www.example.org"]);
  const { simulation, calls, status } = scene;
  const { line } = simulation;
  status["dns-present"] = 7;
  const refused = await line.run("init");
  assertEquals(refused.exit, 3);
  assert(
    /DNS hook failed at dns-present: ".*\/dns-hook" ended with status 7$/.test(refused.err[0]),
    refused.err[0],
  );
  delete status["dns-present"];
  status["dns-remove"] = 1;
  const { exit, err } = await line.run("init");
  assertEquals(exit, 0);
  assert(
    /^warning: TXT records could not be removed at _acme-challenge\.www\.example\.org: /.test(err[0]),
    err.join("\n"),
  );
  assertEquals(scene.values("_acme-challenge.www.example.org").length, 1);
  delete status["dns-remove"];
  simulation.time += day;
  assertEquals((await line.run("cron")).exit, 0);
  assertEquals(calls.at(-1)![0], "dns-remove");
  assertEquals(scene.values("_acme-challenge.www.example.org"), []);
  const count = calls.length;
  simulation.time += day;
  await line.run("cron");
  assertEquals(calls.length, count);
});

Deno.test("check = off asks no server, for hidden primaries", async () => {
  await using scene = await setScene(["www.example.org"], "check = off\n");
  for (const address of servers) scene.names.broken.set(address, "connect ECONNREFUSED");
  scene.simulation.ca.validators = { "dns-01": () => undefined };
  assertEquals((await scene.simulation.line.run("init")).exit, 0);
});
