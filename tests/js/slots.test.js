// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { place } from '../../www/js/page/lib/slots.js';

/** @param {string[]} texts */
const words = (...texts) =>
  texts.map((text) => {
    const [first, ...more] = text.split(/(?= )/);
    const parts = [first, ...more].map((text) => ({ text, probability: 1 }));
    return /** @type {import('../../www/js/shared/protocol.js').Word} */ ({ text, kind: 'word', parts });
  });
/** @param {ReturnType<typeof place>} keys */
const texts = (keys) => keys.map((word) => word?.text ?? null);
const always = () => true;
const never = () => false;

test('the best is in the middle, the second to its left', () => {
  assert.deepEqual(texts(place([], words('a', 'b', 'c'), never)), ['b', 'a', 'c']);
  assert.deepEqual(texts(place([], words('a'), never)), [null, 'a', null]);
  assert.deepEqual(texts(place([], [], never)), [null, null, null]);
});

test('what is on show and still fits stays where it is', () => {
  const before = place([], words('the', 'they', 'a'), never);
  assert.deepEqual(texts(place(before, words('they', 'the', 'there'), always)), ['they', 'the', 'there']);
  assert.deepEqual(texts(place(before, words('there', 'they', 'then'), always)), ['they', 'there', 'then']);
  assert.deepEqual(texts(place(before, words('they', 'x', 'the'), never)), ['x', 'they', 'the'], 'another place');
  const some = place(before, words('x', 'they', 'the'), ({ text }) => text === 'the');
  assert.deepEqual(texts(some), ['x', 'the', 'they']);
});

test('a word is the same whatever the phrase goes on with and however its apostrophe is typed', () => {
  const before = place([], words('one', 'don’t', 'is the'), never);
  assert.deepEqual(texts(place(before, words("don't", 'is', 'one of the'), always)), ["don't", 'one of the', 'is']);
});

test('a correction is not the word that it looks like', () => {
  const before = place([], words('the'), never);
  const [correction] = words('the');
  correction.kind = 'correction';
  assert.deepEqual(texts(place(before, [...words('ten', 'tee'), correction], always)), ['tee', 'ten', 'the']);
});
