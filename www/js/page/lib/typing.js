// @ts-check
/**
 * The manners of typing: what a suggestion puts into the text, what becomes of the space after it, and when a word counts as
 * written. Positions and lengths are UTF-16 units, as in a text area.
 *
 * @typedef {{replace: number, insert: string}} Edit   `insert` takes the place of the last `replace` units before the caret
 * @typedef {{before: string, word: string}} WrittenWord   `before`: what stands before the word, or the end of that
 */

/** Closing marks, which stand at the word before them. */
const closing = /^[.,;:!?…)\]}»”’%。、，！？；：）」』】]/u;
/** Characters of text that are enough to tell a word and what stands before it. */
const farEnough = 200;
const letter = /[\p{L}\p{M}\p{N}]/u;
const wordAtEnd = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’-][\p{L}\p{M}\p{N}]+)*$/u;

/** A text with the apostrophes of a typewriter: phones type another one for the same. @param {string} text */
export const straight = (text) => text.replaceAll('’', "'");

/**
 * What of a suggestion is still to be put in: it was offered after `base`, and meanwhile the text reads `now`. Null if the
 * text went another way.
 * @param {string} base
 * @param {Edit} offered
 * @param {string} now
 * @returns {Edit | null}
 */
export function remainder(base, { replace, insert }, now) {
  if (now === base) return { replace, insert };
  const whole = base.slice(0, base.length - replace) + insert;
  const kept = base.length - replace;
  return now.length >= kept && straight(whole).startsWith(straight(now)) && whole.length > now.length
    ? { replace: 0, insert: whole.slice(now.length) }
    : null;
}

/**
 * What typing `data` right behind the space that came with a suggestion means for it: a space typed out of habit is that
 * space, and a closing mark or a line end takes its place. Null: it stays, and so does what is typed.
 * @param {string} data
 * @returns {Edit | null}
 */
export function afterAddedSpace(data) {
  if (data === ' ') return { replace: 0, insert: '' };
  return closing.test(data) || data === '\n' ? { replace: 1, insert: data } : null;
}

/**
 * Two spaces after a word as a full stop; null if `data` after `before` is anything else.
 * @param {string} before
 * @param {string} data
 * @returns {Edit | null}
 */
export function fullStop(before, data) {
  return data === ' ' && /[\p{L}\p{M}\p{N})\]”’"'»] $/u.test(before) ? { replace: 1, insert: '. ' } : null;
}

/**
 * The word that ends where the text ends, and what stands before it.
 * @param {string} text
 * @returns {WrittenWord | null}
 */
export function lastWord(text) {
  const tail = text.slice(-farEnough);
  const word = tail.match(wordAtEnd)?.[0];
  return word ? { before: tail.slice(0, tail.length - word.length), word } : null;
}

/**
 * The word that typing `data` after `text` completes.
 * @param {string} text
 * @param {string} data
 */
export function completedWord(text, data) {
  const [first] = data;
  // An apostrophe or a hyphen may still be inside the word.
  return first === undefined || letter.test(first) || /['’-]/.test(first) ? null : lastWord(text);
}

/**
 * Every word within a text that was put in at once after `before`.
 * @param {string} before
 * @param {string} inserted
 */
export function wordsIn(before, inserted) {
  /** @type {WrittenWord[]} */
  const words = [];
  for (let end = 1; end <= inserted.length; end++) {
    if (letter.test(inserted[end] ?? '') || /['’-]/.test(inserted[end] ?? '')) continue;
    if (!letter.test(inserted[end - 1])) continue;
    const word = lastWord(before + inserted.slice(0, end));
    if (word) words.push(word);
  }
  return words;
}

/**
 * How many UTF-16 units two texts share at their start.
 * @param {string} a
 * @param {string} b
 */
export function commonStart(a, b) {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a[length] === b[length]) length++;
  return length;
}
