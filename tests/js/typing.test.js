// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  afterAddedSpace,
  completedWord,
  fullStop,
  lastWord,
  remainder,
  wordsIn,
} from '../../www/js/page/lib/typing.js';

test('what is left of a suggestion when the text has gone on', () => {
  const word = { replace: 0, insert: ' house' };
  assert.deepEqual(remainder('the', word, 'the'), word);
  assert.deepEqual(remainder('the', word, 'the ho'), { replace: 0, insert: 'use' });
  assert.equal(remainder('the', word, 'the house'), null, 'nothing is left');
  assert.equal(remainder('the', word, 'the hu'), null, 'another way');
  assert.equal(remainder('the', word, 'th'), null, 'taken back');
  assert.deepEqual(remainder('I do', { replace: 0, insert: "n't" }, 'I don’'), { replace: 0, insert: 't' });
});

test('a correction takes the place of the letters typed', () => {
  const word = { replace: 3, insert: 'the' };
  assert.deepEqual(remainder('in teh', word, 'in teh'), word);
  assert.equal(remainder('in teh', word, 'in teh '), null);
  assert.deepEqual(remainder('in teh', word, 'in th'), { replace: 0, insert: 'e' });
  assert.equal(remainder('in teh', word, 'in'), null);
});

test('the space after a suggestion gives way to punctuation, and is not doubled', () => {
  for (const mark of [',', '.', '?', '!', ')', '”', '。', '\n']) {
    assert.deepEqual(afterAddedSpace(mark), { replace: 1, insert: mark }, mark);
  }
  assert.deepEqual(afterAddedSpace(' '), { replace: 0, insert: '' });
  for (const data of ['a', '(', '“', '-', '字', '']) assert.equal(afterAddedSpace(data), null, data);
});

test('two spaces are a full stop only after a word', () => {
  assert.deepEqual(fullStop('the end ', ' '), { replace: 1, insert: '. ' });
  assert.deepEqual(fullStop('he said “no” ', ' '), { replace: 1, insert: '. ' });
  for (const before of ['', ' ', 'the end', 'the end. ', 'line\n ']) assert.equal(fullStop(before, ' '), null, before);
  assert.equal(fullStop('the end ', 'x'), null);
});

test('the last word, and what stands before it', () => {
  assert.deepEqual(lastWord('the old house'), { before: 'the old ', word: 'house' });
  assert.deepEqual(lastWord('It was. The'), { before: 'It was. ', word: 'The' });
  assert.deepEqual(lastWord('I don’t'), { before: 'I ', word: 'don’t' });
  assert.deepEqual(lastWord('well-known'), { before: '', word: 'well-known' });
  assert.equal(lastWord('the '), null);
  assert.equal(lastWord(''), null);
  assert.deepEqual(lastWord('नमस्ते'), { before: '', word: 'नमस्ते' });
});

test('a word counts as written when something else follows it', () => {
  assert.deepEqual(completedWord('the house', ' '), { before: 'the ', word: 'house' });
  assert.deepEqual(completedWord('house', '.'), { before: '', word: 'house' });
  for (const data of ['s', '’', '-', '1', '']) assert.equal(completedWord('the house', data), null, data);
  assert.equal(completedWord('the house ', ' '), null);
});

test('all words of a phrase that was taken', () => {
  assert.deepEqual(wordsIn('one of', ' the best'), [
    { before: 'one of ', word: 'the' },
    { before: 'one of the ', word: 'best' },
  ]);
  assert.deepEqual(wordsIn('the ho', 'use, don’t'), [
    { before: 'the ', word: 'house' },
    { before: 'the house, ', word: 'don’t' },
  ]);
  assert.deepEqual(wordsIn('x', ' '), []);
});
