// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extent, isMasked, rowSum, step, strongest } from '../../www/js/page/lib/matrix.js';

// (3, 3), the upper triangle would be masked
const values = Float32Array.of(1, 90, 91, 0.25, 0.75, -92, 0.5, 0.125, 0.375);

test('a cell is masked exactly if its column is greater than its row', () => {
  assert.deepEqual([isMasked(0, 0), isMasked(0, 1), isMasked(2, 1), isMasked(1, 1)], [false, true, false, false]);
});

test('the extent leaves masked cells out where there is a mask', () => {
  assert.deepEqual(extent(values, 3, false), { low: -92, high: 91 });
  assert.deepEqual(extent(values, 3, true), { low: 0.125, high: 1 });
});

test('a row sums what it may see', () => {
  assert.deepEqual(
    [0, 1, 2].map((row) => rowSum(values, 3, row)),
    [1, 1, 1],
  );
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
