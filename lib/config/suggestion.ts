/** What a mistyped word was meant to be. */
import { closestMatch } from "leven";

/** The word that was meant; undefined where none is near. */
export const nearest = (word: string, candidates: readonly string[]): string | undefined =>
  closestMatch(word, candidates.filter((each) => each), {
    maxDistance: Math.max(2, Math.floor(word.length / 3)),
  });

/** The same as a question; nothing where no word was meant. */
export const didYouMean = (meant: string | undefined): string =>
  meant === undefined ? "" : `: did you mean "${meant}"?`;

/** Asks whether a word was meant.
 *
 * @param word what was written
 * @param candidates what could have been
 * @returns ": did you mean …?", or nothing where none is near
 */
export const suggest = (word: string, candidates: readonly string[]): string =>
  didYouMean(nearest(word, candidates));
