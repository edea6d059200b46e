/** How much of a sweep is done: all of it by `deno task test:crash` and `test:dane`, a sample of it by `deno task test`. */
export const isWhole = Deno.env.get("SWEEP") === "whole";

/** Chooses from the points of a sweep.
 *
 * @param points all of them
 * @param count how many a sample has; they are spread evenly, the first and the last among them
 * @returns all of them in a whole sweep
 */
export function sample<T>(points: readonly T[], count: number): readonly T[] {
  if (isWhole || points.length <= count) return points;
  return Array.from({ length: count }, (_, i) => points[Math.round(i * (points.length - 1) / (count - 1))]);
}

/** Prints a row of the table that a whole sweep leaves. */
export function report(
  sweep: string,
  operation: string,
  points: number,
  violations: readonly string[],
): void {
  if (!isWhole) return;
  console.log(
    `${sweep.padEnd(8)} | ${operation.padEnd(40)} | ${String(points).padStart(6)} | ${violations.length}`,
  );
}
