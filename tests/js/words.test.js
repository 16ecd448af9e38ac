// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaults } from '../../www/js/page/lib/settings.js';
import { firstWord, nextPart, suggestSettings, typedLetters } from '../../www/js/page/lib/words.js';

const sampling = { temperature: 1, topK: 0, topP: 1, seed: 1 };

test('switched off, the user’s own words weigh nothing', () => {
  assert.equal(suggestSettings(defaults, sampling).personal, defaults.weight);
  assert.equal(suggestSettings({ ...defaults, personal: false }, sampling).personal, 0);
  assert.equal(suggestSettings({ ...defaults, phrase: 3 }, sampling).maxWords, 3);
});

test('a phrase is taken word by word', () => {
  const parts = [' one', ' of', ' the'].map((text) => ({ text, probability: 1 }));
  assert.equal(nextPart(parts, 0), ' one');
  assert.equal(nextPart(parts, 2), ' one', 'within a word, up to its end');
  assert.equal(nextPart(parts, 4), ' one of');
  assert.equal(nextPart(parts, 5), ' one of', 'the space alone is not a word');
  assert.equal(nextPart(parts, 11), null);
  assert.equal(nextPart(parts, -2), ' one', 'before the letters that it changes');
});

test('the first word of a phrase', () => {
  const part = (/** @type {string} */ text) => ({ text, probability: 1 });
  assert.equal(firstWord({ text: 'don’t go', parts: [part('’t'), part(' go')] }), "don't");
  assert.equal(firstWord({ text: 'one', parts: [part('e')] }), 'one');
});

test('the letters of a suggestion that stand there already', () => {
  assert.equal(typedLetters({ text: 'house', insert: 'use', replace: 0 }), 'ho');
  assert.equal(typedLetters({ text: 'house', insert: ' house', replace: 0 }), '');
  assert.equal(typedLetters({ text: 'house', insert: 'house', replace: 0 }), '');
  assert.equal(typedLetters({ text: 'the', insert: 'the', replace: 3 }), '', 'a correction changes them');
});
