/** What a mistyped word was meant to be. */

/** Finds the word that was meant.
 *
 * @param word what was written
 * @param candidates what could have been
 * @returns ": did you mean …?", or nothing where no candidate is near
 */
export function suggest(word: string, candidates: readonly string[]): string {
  const distances = candidates.filter((each) => each).map((each) => ({
    each,
    distance: distance(word, each),
  }));
  const best = distances.sort((a, b) => a.distance - b.distance)[0];
  return best && best.distance <= Math.max(2, word.length / 3) ? `: did you mean "${best.each}"?` : "";
}

/** Levenshtein's: how many single-character changes lie between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
