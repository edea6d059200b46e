/** What a mistyped word was meant to be. */
import { closestMatch } from "leven";

/** The word that was meant; undefined where none is near. */
export const nearest = (word: string, candidates: readonly string[]): string | undefined =>
  closestMatch(word, candidates.filter((each) => each), {
    maxDistance: Math.max(2, Math.floor(word.length / 3)),
  });

/** Asks whether a word was meant.
 *
 * @returns ": did you mean …?", or nothing where there is none
 */
export const didYouMean = (meant: string | undefined): string =>
  meant === undefined ? "" : `: did you mean "${meant}"?`;
