// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeBuild } from '../../www/js/page/lib/build.js';

/** @typedef {import('../../www/js/shared/protocol.js').LeftOut} LeftOut */

test('the best build needs no reasons', () => {
  assert.deepEqual(describeBuild({ variant: 'relaxed-threads', threads: 2, leftOut: [] }, []), {
    summary: 'Relaxed SIMD, 2 threads',
    reasons: [],
  });
});

test('builds that are left out for the same reason share a sentence', () => {
  /** @type {LeftOut[]} */
  const leftOut = [
    { variant: 'relaxed-threads', reason: 'no-relaxed-simd', detail: '' },
    { variant: 'simd128-threads', reason: 'not-isolated', detail: '' },
    { variant: 'relaxed', reason: 'no-relaxed-simd', detail: '' },
  ];
  const { summary, reasons } = describeBuild({ variant: 'simd128', threads: 1, leftOut }, []);
  assert.equal(summary, 'SIMD, one thread');
  assert.equal(reasons.length, 2);
  assert.match(reasons[0], /no relaxed SIMD/);
  assert.match(reasons[1], /not cross-origin isolated/);
});

test('a build that failed is named', () => {
  /** @type {LeftOut[]} */
  const leftOut = [
    { variant: 'relaxed-threads', reason: 'missing', detail: '404' },
    { variant: 'simd128-threads', reason: 'broken', detail: 'unexpected end' },
  ];
  const { reasons } = describeBuild({ variant: 'relaxed', threads: 1, leftOut }, []);
  assert.match(reasons[0], /relaxed SIMD with threads is missing/);
  assert.match(reasons[1], /SIMD with threads .*unexpected end/);
});

test('threads that are not used because they don’t help are spoken of', () => {
  const times = [
    { threads: 1, milliseconds: 4 },
    { threads: 2, milliseconds: 5 },
  ];
  assert.deepEqual(describeBuild({ variant: 'simd128-threads', threads: 1, leftOut: [] }, times), {
    summary: 'SIMD, one thread',
    reasons: ['More threads are no faster here.'],
  });
  assert.deepEqual(describeBuild({ variant: 'simd128-threads', threads: 2, leftOut: [] }, times).reasons, []);
});
