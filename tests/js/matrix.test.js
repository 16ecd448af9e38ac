// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extent, growAttention, isMasked, rowSum, step, strongest } from '../../www/js/page/lib/matrix.js';

// (3, 3), the upper triangle would be masked
const values = Float32Array.of(1, 90, 91, 0.25, 0.75, -92, 0.5, 0.125, 0.375);

const cut = Uint8Array.of(0, 1, 1, 1, 0, 1, 0, 0, 0);

test('a cell is masked by the triangle, by none, or by one of its own', () => {
  const cells = /** @type {const} */ ([
    [0, 0],
    [0, 1],
    [2, 1],
    [1, 0],
  ]);
  const masked = (/** @type {import('../../www/js/page/lib/matrix.js').Mask} */ mask) =>
    cells.map(([row, column]) => isMasked(mask, 3, row, column));
  assert.deepEqual(masked(true), [false, true, false, false]);
  assert.deepEqual(masked(false), [false, false, false, false]);
  assert.deepEqual(masked(cut), [false, true, false, true]);
});

test('the extent leaves masked cells out where there is a mask', () => {
  assert.deepEqual(extent(values, 3, false), { low: -92, high: 91 });
  assert.deepEqual(extent(values, 3, true), { low: 0.125, high: 1 });
  assert.deepEqual(extent(values, 3, cut), { low: 0.125, high: 1 });
  assert.deepEqual(extent(values, 3, new Uint8Array(9).fill(1)), { low: 0, high: 0 });
});

test('a row sums all of it', () => {
  assert.deepEqual(
    [0, 1, 2].map((row) => rowSum(Float32Array.of(1, 0, 0, 0.25, 0.75, 0, 0.5, 0.125, 0.375), 3, row)),
    [1, 1, 1],
  );
});

test('a map grows by the rows that came, and keeps those before', () => {
  const before = {
    ...{ revision: 1, layer: 2, head: 3, size: 2, scale: 0.5 },
    scores: Float32Array.of(1, 2, 3, 4),
    weights: Float32Array.of(1, 0, 0.25, 0.75),
  };
  const rows = {
    ...{ revision: 2, layers: [2], heads: [3], from: 1, to: 3, size: 3, scale: 0.5 },
    scores: Float32Array.of(5, 6, 7, 8, 9, 10),
    weights: Float32Array.of(0.5, 0.5, 0, 0.2, 0.3, 0.5),
  };
  const grown = growAttention(before, rows);
  assert.deepEqual([grown.revision, grown.layer, grown.head, grown.size], [2, 2, 3, 3]);
  assert.deepEqual(grown.weights, Float32Array.of(1, 0, 0, 0.5, 0.5, 0, 0.2, 0.3, 0.5));
  assert.deepEqual(grown.scores, Float32Array.of(1, 2, Number.NaN, 5, 6, 7, 8, 9, 10));
});

test('the strongest of a row, in order, without masked cells', () => {
  assert.deepEqual(strongest(values, 3, 0, 4), [{ column: 0, value: 1 }]);
  assert.deepEqual(strongest(values, 3, 2, 2), [
    { column: 0, value: 0.5 },
    { column: 2, value: 0.375 },
  ]);
  const flat = new Float32Array(16).fill(0.25);
  assert.deepEqual(
    strongest(flat, 4, 3, 3).map(({ column }) => column),
    [0, 1, 2],
    'equal ones from the left',
  );
});

test('arrow keys stay inside', () => {
  assert.deepEqual(step('ArrowUp', { row: 0, column: 1 }, 3, 3), { row: 0, column: 1 });
  assert.deepEqual(step('ArrowDown', { row: 1, column: 1 }, 3, 3), { row: 2, column: 1 });
  assert.deepEqual(step('ArrowRight', { row: 2, column: 2 }, 3, 3), { row: 2, column: 2 });
  assert.deepEqual(step('ArrowLeft', { row: 2, column: 2 }, 3, 3), { row: 2, column: 1 });
  assert.deepEqual(step('End', { row: 0, column: 0 }, 3, 5), { row: 0, column: 4 });
  assert.deepEqual(step('PageDown', { row: 0, column: 2 }, 3, 5), { row: 2, column: 2 });
  assert.equal(step('a', { row: 0, column: 0 }, 3, 3), null);
});
