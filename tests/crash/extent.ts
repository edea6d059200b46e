/** How much of a sweep is done: all of it by `deno task test:crash` and `test:dane`, a sample of it by `deno task test`;
 * `SWEEP=150` chooses so many points of each.
 */
const asked = Deno.env.get("SWEEP");
export const isWhole = asked === "whole";
const least = isWhole ? Infinity : Number(asked ?? 0);

/** Chooses from the points of a sweep.
 *
 * @param points all of them
 * @param count how many a sample has; they are spread evenly, the first and the last among them
 * @returns all of them in a whole sweep
 */
export function sample<T>(points: readonly T[], count: number): readonly T[] {
  const chosen = Math.max(count, least);
  if (points.length <= chosen) return points;
  return Array.from({ length: chosen }, (_, i) => points[Math.round(i * (points.length - 1) / (chosen - 1))]);
}

/** Prints a row of the table that a whole sweep leaves. */
export function report(
  sweep: string,
  operation: string,
  points: number,
  violations: readonly string[],
): void {
  if (asked === undefined) return;
  console.log(
    `${sweep.padEnd(8)} | ${operation.padEnd(40)} | ${String(points).padStart(6)} | ${violations.length}`,
  );
}
