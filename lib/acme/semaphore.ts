/** How many things may go on at a time. */

/** Runs tasks, at most so many at a time; those that wait are begun in the order in which they came. */
export type Semaphore = <T>(task: () => Promise<T>) => Promise<T>;

/** Makes a semaphore.
 *
 * @param limit how many tasks may run at a time
 */
export function semaphore(limit: number): Semaphore {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
