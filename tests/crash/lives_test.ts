/** Long random lives: whoever is killed whenever, no key and no certificate is lost, and in the end all is well. */
import { assertEquals } from "../kit/assert.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";
import { isWhole, report } from "./extent.ts";
import { Life, lostKeys, unrest } from "./life.ts";

const steps = isWhole ? 60 : 15;
const first = Number(Deno.env.get("SEED") ?? (isWhole ? Math.floor(Math.random() * 1e6) : 1));
const seeds = Array.from(
  { length: Number(Deno.env.get("LIVES") ?? (isWhole ? 50 : 2)) },
  (_, i) => first + i,
);

Deno.test(`${seeds.length} random lives of ${steps} runs`, async (test) => {
  const violations: string[] = [];
  for (const seed of seeds) {
    await test.step(`SEED=${seed}`, async () => {
      await using ca = await startScriptedCa();
      const life = await Life.begin(ca, seed);
      const found: string[] = [];
      for (let i = 0; i < steps && found.length === 0; i++) {
        await life.step();
        found.push(...await lostKeys(life));
      }
      found.push(...await unrest(life, await life.rest()));
      violations.push(...found);
      assertEquals(found, [], life.story.join("\n"));
    });
  }
  report("lives", `${steps} runs each`, seeds.length * steps, violations);
});
