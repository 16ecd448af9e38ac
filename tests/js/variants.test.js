// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../www/js/worker/variants.js';

/** @type {import('../../www/js/worker/features.js').Features} */
const everything = { simd: true, relaxedBarred: null, threadsBarred: null, cores: 4 };

/**
 * @param {Partial<typeof everything>} features
 * @param {import('../../www/js/worker/variants.js').Wishes} [wishes]
 */
function planned(features, wishes = {}) {
  const { order, leftOut, helpers } = plan({ ...everything, ...features }, wishes);
  return {
    order: order.map(({ name }) => name),
    leftOut: Object.fromEntries(leftOut.map(({ variant, reason }) => [variant, reason])),
    helpers,
  };
}

test('a browser with everything tries the best first and keeps the others to fall back on', () => {
  assert.deepEqual(planned({}), {
    order: ['relaxed-threads', 'simd128-threads', 'relaxed', 'simd128'],
    leftOut: {},
    helpers: 3,
  });
});

test('what the browser lacks is left out with the reason', () => {
  assert.deepEqual(planned({ relaxedBarred: 'no-relaxed-simd' }), {
    order: ['simd128-threads', 'simd128'],
    leftOut: { 'relaxed-threads': 'no-relaxed-simd', relaxed: 'no-relaxed-simd' },
    helpers: 3,
  });
  assert.equal(planned({ relaxedBarred: 'narrow-sums' }).leftOut.relaxed, 'narrow-sums');
  for (const threadsBarred of /** @type {const} */ (['not-isolated', 'no-shared-memory'])) {
    const { order, leftOut } = planned({ threadsBarred });
    assert.deepEqual(order, ['relaxed', 'simd128']);
    assert.deepEqual(leftOut, { 'relaxed-threads': threadsBarred, 'simd128-threads': threadsBarred });
  }
  const { order, leftOut } = planned({ relaxedBarred: 'no-relaxed-simd', threadsBarred: 'not-isolated' });
  assert.deepEqual(order, ['simd128']);
  assert.deepEqual(Object.keys(leftOut), ['relaxed-threads', 'simd128-threads', 'relaxed']);
});

test('one core needs no threads, and many cores don’t all get one', () => {
  const { order, leftOut } = planned({ cores: 1 });
  assert.deepEqual(order, ['relaxed', 'simd128']);
  assert.deepEqual(leftOut, { 'relaxed-threads': 'one-core', 'simd128-threads': 'one-core' });
  assert.equal(planned({ cores: 2 }).helpers, 1);
  assert.equal(planned({ cores: 128 }).helpers, 7);
});

test('after crashes there are fewer threads, down to a build without any', () => {
  assert.equal(planned({ cores: 8 }, { maxThreads: 4 }).helpers, 3);
  assert.equal(planned({ cores: 2 }, { maxThreads: 4 }).helpers, 1);
  const { order, leftOut } = planned({}, { maxThreads: 1 });
  assert.deepEqual(order, ['relaxed', 'simd128']);
  assert.deepEqual(leftOut, { 'relaxed-threads': 'crashed', 'simd128-threads': 'crashed' });
});

test('a forced build is the only one', () => {
  for (const variant of /** @type {const} */ (['relaxed-threads', 'simd128-threads', 'relaxed', 'simd128'])) {
    assert.deepEqual(planned({}, { variant }).order, [variant]);
  }
  assert.deepEqual(planned({ relaxedBarred: 'no-relaxed-simd' }, { variant: 'relaxed' }).order, []);
  assert.equal(
    planned({ relaxedBarred: 'no-relaxed-simd' }, { variant: 'relaxed' }).leftOut.relaxed,
    'no-relaxed-simd',
  );
  assert.deepEqual(planned({ threadsBarred: 'not-isolated' }, { variant: 'simd128-threads' }).order, []);
  // Measuring asks for this even where nobody would want it.
  assert.deepEqual(planned({ cores: 1 }, { variant: 'simd128-threads' }).order, ['simd128-threads']);
});

test('a forced number of threads chooses among the builds that can have it', () => {
  assert.deepEqual(planned({}, { threads: 1 }).order, ['relaxed', 'simd128']);
  assert.equal(planned({ threadsBarred: 'not-isolated' }, { threads: 1 }).leftOut['relaxed-threads'], 'asked');
  assert.deepEqual(planned({ cores: 2 }, { threads: 4 }), {
    order: ['relaxed-threads', 'simd128-threads'],
    leftOut: { relaxed: 'asked', simd128: 'asked' },
    helpers: 3,
  });
  assert.deepEqual(planned({ cores: 1 }, { threads: 2 }).helpers, 1);
  assert.deepEqual(planned({}, { variant: 'relaxed', threads: 2 }).order, []);
  assert.deepEqual(planned({}, { variant: 'relaxed-threads', threads: 1 }), {
    order: ['relaxed-threads'],
    leftOut: { 'simd128-threads': 'asked', relaxed: 'asked', simd128: 'asked' },
    helpers: 0,
  });
});
