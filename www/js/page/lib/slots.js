// @ts-check
import { firstWord } from './words.js';

/** @typedef {import('../../shared/protocol.js').Word} Word */

/** Keys from the best place to the least; keys count from left to right. */
const places = [1, 0, 2];

/**
 * Whether two suggestions begin with the same word; a phrase may have gone on meanwhile.
 * @param {Word} a
 * @param {Word | undefined} b
 */
export const isSame = (a, b) => a.kind === b?.kind && firstWord(a) === firstWord(b);

/**
 * Which suggestion stands on which key. The best belongs in the middle, but one that is on show and still fits the text
 * stays where it is: a thumb may already be on its way there.
 * @param {readonly (Word | null)[]} before what the keys show
 * @param {readonly Word[]} words the most probable first
 * @param {(word: Word) => boolean} fits whether the text still goes on towards a word that is on show
 * @returns {(Word | null)[]}
 */
export function place(before, words, fits) {
  /** @type {(Word | null)[]} */
  const keys = places.map(() => null);
  const waiting = words.slice(0, keys.length);
  before.forEach((old, key) => {
    if (!old || !fits(old)) return;
    const index = waiting.findIndex((word) => isSame(word, old));
    if (index >= 0) [keys[key]] = waiting.splice(index, 1);
  });
  for (const key of places) keys[key] ??= waiting.shift() ?? null;
  return keys;
}
