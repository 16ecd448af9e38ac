// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, perplexity, shade, shades } from '../../www/js/page/lib/surprise.js';

test('a greater surprise is never paler', () => {
  assert.equal(shade(0), 0);
  assert.equal(shade(shades[0]), 1);
  assert.equal(shade(99), shades.length);
  for (let bits = 0; bits < 20; bits++) assert.ok(shade(bits + 1) >= shade(bits));
});

test('perplexity is two to the power of the mean', () => {
  const token = (/** @type {number} */ bits) => ({
    token: { id: 0, text: '', hex: '' },
    start: 0,
    end: 0,
    bits,
    rank: 1,
  });
  assert.equal(perplexity([]), null);
  assert.equal(perplexity([token(1), token(3)]), 4);
});

test('the median', () => {
  assert.equal(median([]), null);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
});
