/** Contestants side by side: interleaved, each as often as its speed allows, none for longer than the limit. */
import { type Cost, median } from "./measure.ts";
import { type Cell, type Figures, isMeasured, type Outcome } from "./results.ts";
import { formatOutcome } from "./table.ts";

/** One run: nothing where it was ended at the limit. */
export type Sample = Cost & { requests?: number };

/** What runs at several sizes. */
export interface Contestant {
  series: string;
  run(size: number): Promise<Sample | undefined>;
}

/** How far a comparison goes. */
export interface Extent {
  sizes: readonly number[];
  /** Milliseconds after which a run ends. */
  limit: number;
  /** How many runs a cell has; by its first run where absent. */
  runs?: number;
}

/** Measures all contestants at all sizes, in turns, so that a busy moment of the machine strikes all alike.
 *
 * @param what for the log, which has a line for each cell
 * @param contestants who
 * @param extent how far
 */
export async function compare(
  what: string,
  contestants: readonly Contestant[],
  extent: Extent,
): Promise<Cell[]> {
  const { sizes, limit } = extent;
  const cells: Cell[] = [];
  for (const size of sizes) {
    const isHopeless = ({ series }: Contestant) =>
      predict(cells.filter((each) => each.series === series), size) > limit;
    const racing = contestants.filter((each) => !isHopeless(each));
    const outcomes = new Map<Contestant, Outcome>(contestants.map((each) => [each, "slow"]));
    const samples = new Map(racing.map((each) => [each, [] as Sample[]]));
    for (let round = 0; samples.size > 0; round++) {
      for (const [contestant, done] of samples) {
        try {
          const sample = await contestant.run(size);
          if (sample) done.push(sample);
          const enough = extent.runs ?? runsFor(done[0]?.wall ?? limit);
          if (sample && done.length < enough) continue;
          outcomes.set(contestant, sample ? summarise(done) : "slow");
        } catch (error) {
          console.error(`${contestant.series}, ${size}: ${error instanceof Error ? error.message : error}`);
          outcomes.set(contestant, "failed");
        }
        samples.delete(contestant);
      }
    }
    for (const [{ series }, outcome] of outcomes) {
      cells.push({ series, size, outcome });
      const time = new Date().toTimeString().slice(0, 8);
      console.error(`${time}  ${what}, ${size}: ${series} ${formatOutcome(outcome)}`);
    }
  }
  return cells;
}

/** Fast runs vary most, relatively, and cost least. */
export function runsFor(wall: number): number {
  return wall < 2_000 ? 5 : wall < 12_000 ? 3 : 1;
}

/** How long a series will take at a size: on the line through its last two figures. From a single one half of the
 * proportion, since part of that is what every run costs.
 *
 * @param cells of one series, by size
 * @param size what for
 * @returns milliseconds
 */
export function predict(cells: readonly Cell[], size: number): number {
  if (cells.at(-1)?.outcome === "slow") return Infinity;
  const known = cells.flatMap(({ size, outcome }) =>
    isMeasured(outcome) ? [{ size, wall: outcome.wall }] : []
  );
  const [last, before] = [known.at(-1), known.at(-2)];
  if (!last) return 0;
  if (!before) return last.wall * size / last.size / 2;
  return last.wall + (last.wall - before.wall) / (last.size - before.size) * (size - last.size);
}

function summarise(samples: readonly Sample[]): Figures {
  const of = (figure: (sample: Sample) => number) => median(samples.map(figure));
  const { requests } = samples[0];
  return {
    runs: samples.length,
    wall: of((each) => each.wall),
    cpu: of((each) => each.cpu),
    memory: of((each) => each.memory),
    ...requests === undefined ? {} : { requests: of((each) => each.requests!) },
  };
}
