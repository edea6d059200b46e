/** Key rollovers under the eyes of the world: no client may be lost on any, whatever goes wrong meanwhile. */
import { assert, assertEquals } from "../kit/assert.ts";
import { isWhole } from "../crash/extent.ts";
import { askTlsa } from "../kit/rig/dns.ts";
import type { Failure, Probe, Report } from "../kit/rig/probe.ts";
import { type Client, isSettled, missingParts, type Rig, startRig } from "../kit/rig/rig.ts";
import { ttl } from "../kit/rig/zone.ts";

const missing = await missingParts();
const ignore = missing.length > 0;
if (ignore) console.error(`SKIPPED: key rollovers with real servers need ${missing.join(", ")}`);

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** One rollover to its end, with the probe from before it until every cache has forgotten what was before.
 *
 * @param meanwhile what happens during it; by default `cron` just runs
 * @param options how long it may take after that, and the largest TTL that is in use, both in seconds
 */
async function rollOver(
  rig: Rig,
  client: Client,
  meanwhile: (keyLength: 256 | 384, probe: Probe) => Promise<void> = async () => {},
  { seconds = 60, longestTtl = ttl } = {},
): Promise<Report> {
  const keyLength = (await rig.status()).live.key.length === 256 ? 384 : 256;
  await using probe = rig.probe();
  await sleep(1);
  await rig.become(client, keyLength);
  await meanwhile(keyLength, probe);
  // Its predecessor retired, and no server behind.
  await rig.cronUntil(
    "the rollover",
    async (status) => isSettled(keyLength)(status) && await rig.isAnnounced([status.live.key.spkiSha256]),
    seconds,
  );
  await sleep(longestTtl + 1.5); // the resolver counts whole seconds
  const report = await probe.stop();
  for (const [service, count] of Object.entries(report.probes)) {
    assert(count > report.duration / 1000 * 8, `only ${count} probes of ${service} in ${report.duration} ms`);
  }
  assert(report.connections > report.duration / 1000, `the referee connected ${report.connections} times`);
  if (isWhole) {
    const probes = Object.values(report.probes).reduce((a, b) => a + b);
    console.log(`${client}: ${report.duration} ms, ${probes} probes, ${report.failures.length} failures`);
  }
  return report;
}

/** Runs `cron` for a while, in which the key must stay. */
async function stays(rig: Rig, keyLength: 256 | 384, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  await rig.cronUntil("the wait", (status) => {
    assert(status.live.key.length !== keyLength, "the new key went live too early");
    return performance.now() > end;
  }, seconds + 10);
  assert((await rig.status()).staging.key, "no key was staged: the wait proved nothing");
}

/** All failures of a kind as one line. */
function summary({ failures }: Report): string[] {
  const kinds = new Map<string, number[]>();
  for (const { at, service, seen, reason } of failures) {
    const kind = `${service}, ${seen}: ${reason}`;
    kinds.set(kind, [...kinds.get(kind) ?? [], at]);
  }
  return [...kinds].map(([kind, at]) => `${at.length} from ${at[0]} to ${at.at(-1)} ms: ${kind}`);
}

const hasLostClient = (failures: readonly Failure[]) => failures.some((each) => each.seen === "by a client");

/** Clients were lost: had the probe not seen it, it would prove nothing elsewhere. */
function assertSeen({ failures }: Report): void {
  assert(hasLostClient(failures), "the probe saw no client fail");
}

Deno.test({
  name: "rollover: clients are lost if a key is simply replaced, and none if it is announced",
  ignore,
}, async (t) => {
  await using rig = await startRig();
  await t.step("naive: the probe sees it fail", async () => {
    assertSeen(await rollOver(rig, "naive"));
  });
  await t.step("the gate: no failure", async () => {
    assertEquals(summary(await rollOver(rig, "gate")), []);
  });
});

/** What must go well with the gate. */
const scenarios: Record<string, (rig: Rig, keyLength: 256 | 384) => Promise<void>> = {
  "calm": async () => {},
  "the secondary lags": async (rig, keyLength) => {
    await rig.zone.lag();
    await stays(rig, keyLength, 10);
    await rig.zone.catchUp();
  },
  "the secondary is dead": async (rig, keyLength) => {
    await rig.zone.stopSecondary();
    await stays(rig, keyLength, 10);
    await rig.zone.startSecondary();
  },
  "a secondary lags that only the zone above knows": async (rig, keyLength) => {
    await rig.zone.lag("hidden");
    await stays(rig, keyLength, 10);
    await rig.zone.catchUp("hidden");
  },
  "the key hook fails at first": async (rig, keyLength) => {
    await rig.break("key-hook");
    await stays(rig, keyLength, 8);
    await rig.mend("key-hook");
  },
  "a server does not reload": async (rig, keyLength) => {
    await rig.break("nginx-reload");
    await rig.cronUntil("the new key", (status) => status.live.key.length === keyLength, 60);
    const end = performance.now() + 6000;
    await rig.cronUntil("the wait", () => performance.now() > end, 20);
    // nginx still has the old key: its record must be there.
    const { records } = await askTlsa(rig.zone.servers.primary, "_443._tcp.www.example.test");
    assertEquals(records.length, 2);
    await rig.mend("nginx-reload");
  },
  "kill -9 at random": async (rig) => {
    for (let kills = 0; kills < 15; kills++) {
      const child = rig.spawn();
      const ended = child.output();
      await sleep(Math.random() * 1.5);
      try {
        child.kill("SIGKILL");
      } catch { /* it has ended */ }
      await ended;
    }
  },
};

for (const [changes, rounds] of [["file", 3], ["updates", 1]] as const) {
  const name = `rollover, whole, zone changed by ${changes === "file" ? "its file" : "updates"}`;
  Deno.test({ name, ignore: ignore || !isWhole }, async (t) => {
    await using rig = await startRig(changes);
    // A step that fails leaves the rig as it is: those after it would prove nothing.
    const steps: [name: string, fn: () => Promise<void>][] = [
      ["naive: the probe sees it fail", async () => {
        assertSeen(await rollOver(rig, "naive"));
      }],
      ["by the clock alone: no failure", async () => {
        assertEquals(summary(await rollOver(rig, "timer")), []);
      }],
      ["by the clock alone while the secondary lags: the probe sees it fail", async () => {
        const report = await rollOver(rig, "timer", async (keyLength, probe) => {
          await rig.zone.lag();
          await rig.cronUntil("the rollover", isSettled(keyLength), 60);
          // The resolver asks one of two servers every two seconds: sooner or later the one that lags.
          for (let tries = 0; tries < 30 && !hasLostClient(probe.failures); tries++) await sleep(1);
          await rig.zone.catchUp();
        });
        assertSeen(report);
      }],
      ...Object.entries(scenarios).map(([name, meanwhile]): typeof steps[number] => [
        `with the gate, ${rounds} in a row: ${name}`,
        async () => {
          for (let round = 0; round < rounds; round++) {
            const report = await rollOver(rig, "gate", (keyLength) => meanwhile(rig, keyLength));
            assertEquals(summary(report), []);
          }
        },
      ]),
    ];
    for (const [name, fn] of steps) if (!await t.step(name, fn)) break;
  });
}

/** TTLs that hooks change, with a zone that takes updates. */
const ttlScenarios: [what: string, fn: (rig: Rig) => Promise<void>][] = [
  ["the TTL is raised with the record", async (rig) => {
    await rig.setTtl(long);
    const report = await rollOver(rig, "gate", async (keyLength) => {
      // The records of before are gone after their own TTL; that two of the larger one have to pass costs nobody a client.
      await stays(rig, keyLength, 2 * long - 3);
    }, { seconds: 90, longestTtl: long });
    assertEquals(summary(report), []);
  }],
  ["a service is added while a key waits", async (rig) => {
    const report = await rollOver(rig, "gate", async (keyLength) => {
      await rig.become("gate", keyLength, [443]);
      await stays(rig, keyLength, 2 * long - 4);
      await rig.become("gate", keyLength);
      await rig.publish();
      await stays(rig, keyLength, 2 * long - 4);
    }, { seconds: 90, longestTtl: long });
    assertEquals(summary(report), []);
  }],
  ["the TTL is lowered with the record", async (rig) => {
    await rig.setTtl(1);
    const report = await rollOver(rig, "gate", async (keyLength) => {
      await stays(rig, keyLength, 2 * long - 3);
    }, { seconds: 90, longestTtl: long });
    assertEquals(summary(report), []);
  }],
];
const long = 12;

Deno.test(
  { name: "rollover, whole, while TTLs and services change", ignore: ignore || !isWhole },
  async (t) => {
    await using rig = await startRig("updates");
    for (const [name, fn] of ttlScenarios) if (!await t.step(name, () => fn(rig))) break;
  },
);
