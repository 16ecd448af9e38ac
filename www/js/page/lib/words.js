// @ts-check
import { straight } from './typing.js';

/**
 * @typedef {import('../../shared/protocol.js').Word} Word
 * @typedef {import('../../shared/protocol.js').Part} Part
 * @typedef {import('../../shared/protocol.js').Sampling} Sampling
 * @typedef {import('../../shared/protocol.js').SuggestSettings} SuggestSettings
 * @typedef {import('./settings.js').Settings} Settings
 */

/**
 * What the engine has to know of the settings.
 * @param {Readonly<Settings>} settings
 * @param {Sampling} sampling
 * @returns {Partial<SuggestSettings>}
 */
export function suggestSettings({ phrase, punctuation, corrections, personal, weight, filter }, sampling) {
  return { maxWords: phrase, punctuation, corrections, personal: personal ? weight : 0, filter, sampling };
}

/**
 * The first word of a suggestion as its key shows it, however its apostrophes are.
 * @param {Pick<Word, 'text' | 'parts'>} word
 */
export function firstWord({ text, parts }) {
  const more = parts.slice(1).reduce((length, part) => length + part.text.length, 0);
  return straight(text.slice(0, text.length - more));
}

/**
 * What is still to be put in up to the end of the word that comes next; null if all of the phrase is there.
 * @param {readonly Part[]} parts
 * @param {number} typed how much of the phrase stands in the text already, in UTF-16 units
 */
export function nextPart(parts, typed) {
  let insert = '';
  for (const { text } of parts) {
    insert += text;
    if (insert.length > Math.max(0, typed)) return insert;
  }
  return null;
}

/**
 * The letters of a suggestion that stand in the text already.
 * @param {Pick<Word, 'text' | 'insert' | 'replace'>} word
 */
export function typedLetters({ text, insert, replace }) {
  return replace === 0 && text !== insert && text.endsWith(insert) ? text.slice(0, text.length - insert.length) : '';
}
