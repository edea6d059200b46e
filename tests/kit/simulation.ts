/** A line and its CA in one process, on a clock that a test moves: years pass in seconds. */
import { makeLine, type Settings, type TestLine } from "./line.ts";
import { makeScriptedCa, type ScriptedCa } from "./scripted_ca.ts";

/** See above. */
export class Simulation implements AsyncDisposable {
  time = Date.UTC(2027, 0, 1, 0, 17);

  private constructor(readonly ca: ScriptedCa, readonly line: TestLine) {}

  /** Begins one; `init` has not run yet.
   *
   * @param settings what differs from the usual; keys are ECDSA, since these are made at once
   */
  static async begin(settings: Settings = {}): Promise<Simulation> {
    const ca = await makeScriptedCa();
    const line = await makeLine(ca, { head: "key-type = ecdsa\n", ...settings });
    const simulation = new Simulation(ca, line);
    ca.now = () => new Date(simulation.time);
    line.world = {
      fetch: ca.fetch,
      now: () => new Date(simulation.time),
      uptime: () => simulation.time,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, void (simulation.time += ms))),
    };
    return simulation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ca[Symbol.asyncDispose]();
  }
}
