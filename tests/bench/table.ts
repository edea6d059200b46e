/** Results as Markdown. */
import {
  type Cell,
  type Figures,
  find,
  isMeasured,
  type Outcome,
  type Results,
  seriesOf,
  sizesOf,
} from "./results.ts";

const seconds = (ms: number) => {
  const value = ms / 1000;
  return value.toFixed(value < 1 ? 3 : value < 10 ? 2 : 1);
};
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);

/** One outcome in a few words, for the log. */
export function formatOutcome(outcome: Outcome): string {
  if (!isMeasured(outcome)) return outcome;
  const { wall, cpu, memory, requests, runs } = outcome;
  const asked = requests === undefined ? "" : `, ${requests} requests`;
  return `${seconds(wall)} s, CPU ${seconds(cpu)} s, ${megabytes(memory)} MB${asked}, ${runs} runs`;
}

/** The whole report.
 *
 * @param results what was measured
 */
export function formatResults(results: Results): string {
  const { date, cores, load, deno, pebble, limit, names, idle, lines, renewals } = results;
  const parts = [
    `Measured ${date.slice(0, 10)} on ${cores} cores (load before: ${
      load.toFixed(1)
    }) with Deno ${deno} and Pebble ${pebble}, on one machine, in turns: medians of ` +
    `5 runs below 2 s, of 3 below 12 s, one run above. > ${
      limit / 1000
    }: ended there, or not begun since smaller sizes say so.`,
    table(
      ["client", "version", "in the measured run"],
      results.clients.map(({ name, version, given }) => [name, version, given]),
    ),
  ];
  for (const { roundTrip, cells } of names) {
    const away = roundTrip ? `CA ${roundTrip} ms away` : "CA on the same machine";
    parts.push(`**One certificate with n names, ${away}**: seconds (requests)`);
    parts.push(grid(cells, limit, "n = ", ({ wall, requests }) => `${seconds(wall)} (${requests})`));
  }
  const near = names[0];
  if (near) {
    parts.push(
      `**The same, ${near.roundTrip} ms away**: CPU seconds of all processes, MB at the peak of the largest`,
    );
    parts.push(
      grid(near.cells, limit, "n = ", ({ cpu, memory }) => `${seconds(cpu)}, ${megabytes(memory)} MB`),
    );
  }
  if (idle.length > 0) {
    parts.push("**`cron` with nothing to do** (certbot: `renew`)");
    parts.push(table(
      ["client", "wall, s", "CPU, s", "peak, MB"],
      idle.map(({ series, outcome }) =>
        isMeasured(outcome)
          ? [series, seconds(outcome.wall), seconds(outcome.cpu), megabytes(outcome.memory)]
          : [series, shown(outcome, limit)]
      ),
    ));
  }
  if (lines.length > 0) {
    parts.push(
      "**Many lines with nothing to do**: seconds, MB; each alone: a process for each line, one after the other",
    );
    parts.push(grid(lines, limit, "", ({ wall, memory }) => `${seconds(wall)}, ${megabytes(memory)} MB`));
  }
  if (renewals.cells.length > 0) {
    parts.push(`**Many lines that renew, CA ${renewals.roundTrip} ms away**: seconds (requests), MB`);
    parts.push(
      grid(
        renewals.cells,
        limit,
        "",
        ({ wall, memory, requests }) => `${seconds(wall)} (${requests}), ${megabytes(memory)} MB`,
      ),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

/** A row for each series, a column for each size. */
function grid(
  cells: readonly Cell[],
  limit: number,
  prefix: string,
  show: (figures: Figures) => string,
): string {
  const sizes = sizesOf(cells);
  const rows = seriesOf(cells).map((series) => [
    series,
    ...sizes.map((size) => {
      const outcome = find(cells, series, size);
      return isMeasured(outcome) ? show(outcome) : shown(outcome, limit);
    }),
  ]);
  return table(["", ...sizes.map((size) => prefix + size.toLocaleString("en"))], rows);
}

const shown = (outcome: Outcome | undefined, limit: number) =>
  outcome === "slow" ? `> ${limit / 1000}` : typeof outcome === "string" ? outcome : "";

function table(head: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
