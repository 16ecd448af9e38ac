// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { branches, remember } from '../../www/js/page/lib/paths.js';

test('a way is remembered once, and its beginnings are none of their own', () => {
  assert.deepEqual(remember([], 'a cat'), ['a cat']);
  assert.deepEqual(remember(['a cat'], 'a'), ['a cat']);
  assert.deepEqual(remember(['a cat'], 'a cat sat'), ['a cat sat']);
  assert.deepEqual(remember(['a cat'], 'a dog'), ['a cat', 'a dog']);
  assert.deepEqual(remember(['a cat'], ''), ['a cat']);
});

test('only so many are remembered, the newest', () => {
  let /** @type {string[]} */ paths = [];
  for (let i = 0; i < 100; i++) paths = remember(paths, `${i} way`);
  assert.equal(paths.length, 30);
  assert.equal(paths.at(-1), '99 way');
});

test('ways part where their texts do', () => {
  assert.deepEqual(branches(['the cat sat', 'the cat ran', 'a dog']), [
    {
      part: 'the cat ',
      path: null,
      branches: [
        { part: 'sat', path: 'the cat sat', branches: [] },
        { part: 'ran', path: 'the cat ran', branches: [] },
      ],
    },
    { part: 'a dog', path: 'a dog', branches: [] },
  ]);
});

test('a way may end where others go on', () => {
  assert.deepEqual(branches(['ab', 'abc', 'abc']), [
    { part: 'ab', path: 'ab', branches: [{ part: 'c', path: 'abc', branches: [] }] },
  ]);
  assert.deepEqual(branches([]), []);
});

test('characters are not cut in half', () => {
  const [{ part, branches: further }] = branches(['x👍', 'x👎']);
  assert.equal(part, 'x');
  assert.deepEqual(
    further.map((branch) => branch.part),
    ['👍', '👎'],
  );
});
