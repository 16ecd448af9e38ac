// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesPerToken,
  commonRate,
  figuresFor,
  formatFigure,
  longContextFor,
  median,
  prefillMultiplyAdds,
  promptsFor,
  ratios,
  report,
  textTable,
} from '../../www/js/bench/figures.js';
import { readOptions } from '../../www/js/bench/options.js';

const small = { layers: 12, width: 768, vocabulary: 50257, positions: 1024, bytes: 135_000_000 };

test('medians are the middle, or the mean of the two middle ones', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([10, 9, 100]), 10);
});

test('the work of GPT-2 small is known', () => {
  // The weights without embeddings, norms and biases.
  assert.equal(prefillMultiplyAdds(small, 1) - 50257 * 768, 84_934_656);
  assert.equal(prefillMultiplyAdds(small, 128), 128 * 84_934_656 + 38_597_376);
  assert.equal(bytesPerToken(small), 135_000_000 - 4 * 1023 * 768);
});

test('a short context gets fewer and shorter prompts', () => {
  assert.deepEqual(promptsFor({ ...small, positions: 512 }), [16, 128, 512]);
  assert.deepEqual(promptsFor({ ...small, positions: 64 }), [16]);
  assert.equal(longContextFor(small), 900);
  assert.ok(longContextFor({ ...small, positions: 512 }) + 24 < 512);
});

test('each ratio is of the limit that binds it', () => {
  const rates = {
    'decode-short': 50,
    'decode-long': 40,
    'prefill-16': 100,
    'prefill-128': 200,
    'prefill-512': 200,
    'read-matrices': 8,
    read: 10,
    widening: 20,
    relaxed: 80,
  };
  const baseline = ratios(rates, small, false);
  const relaxed = ratios(rates, small, true);
  assert.equal(baseline['decode-long-ratio'], 0.8);
  assert.equal(baseline['decode-short-of-matrices'], (50 * bytesPerToken(small)) / 1e9 / 8);
  assert.equal(baseline['decode-short-share'], (50 * bytesPerToken(small)) / 1e9 / 10);
  assert.equal(baseline['prefill-512-share'], 4 * relaxed['prefill-512-share']);
  assert.ok(Math.abs(baseline['prefill-512-share'] - (200 * (84_934_656 + 38_597_376 / 512)) / 20e9) < 1e-9);
});

test('every figure that is worked out is one that is shown', () => {
  const shown = new Set(figuresFor(small).map(({ id }) => id));
  for (const id of Object.keys(ratios({}, small, true))) assert.ok(shown.has(id), id);
});

test('workers are counted only while all of them work', () => {
  const pass = (/** @type {number} */ start, /** @type {number} */ end, /** @type {number} */ work) => ({
    start,
    end,
    work,
  });
  assert.equal(commonRate([[pass(0, 10, 100)]]), 10);
  assert.equal(commonRate([[pass(0, 10, 100), pass(10, 20, 100)], [pass(10, 20, 50)]]), 15);
  // A pass that is only partly in the common time counts for that part.
  assert.equal(commonRate([[pass(0, 10, 100)], [pass(5, 15, 100)]]), 20);
  assert.ok(Number.isNaN(commonRate([[pass(0, 1, 1)], [pass(2, 3, 1)]])));
});

test('figures have three digits, and none for what is not a number', () => {
  assert.equal(formatFigure(0.8512), '0.85');
  assert.equal(formatFigure(9.996), '10.0');
  assert.equal(formatFigure(26.94), '26.9');
  assert.equal(formatFigure(99.96), '100');
  assert.equal(formatFigure(1234.5), '1235');
  assert.equal(formatFigure(Number.NaN), '–');
});

test('tables are as wide as their cells', () => {
  assert.equal(
    textTable([
      ['what', 'a', 'b'],
      ['longer', '1.00', ''],
    ]),
    'what       a  b\nlonger  1.00',
  );
});

test('a report has the groups and columns that have figures, and dashes for single ones that are missing', () => {
  const figures = [
    { id: 'x', group: 'One', name: 'first', unit: 'ms' },
    { id: 'y', group: 'Two', name: 'second', unit: '' },
    { id: 'z', group: 'Two', name: 'third', unit: '' },
    { id: 'w', group: 'Three', name: 'fourth', unit: '' },
  ];
  const left = {
    name: 'left',
    values: new Map([
      ['x', [1, 2, 3]],
      ['y', [5]],
    ]),
  };
  const right = { name: 'right', values: new Map([['z', [4]]]) };
  assert.equal(
    report(figures, [left, right]),
    'One        left\nfirst, ms  2.00\n\nTwo     left  right\nsecond  5.00      –\nthird      –   4.00',
  );
  assert.equal(report(figures.slice(0, 1), [left], true), 'One        left\nfirst, ms  2.00  1.00 – 3.00');
});

const base = 'https://example.org/headlight/bench.html';
/** @param {string} search */
const read = (search) => readOptions(new URLSearchParams(search), base);

test('the address says what to measure', () => {
  assert.deepEqual(read(''), { model: 'https://example.org/headlight/models/built-in/' });
  assert.deepEqual(read('model=https://elsewhere.org/gpt2&variant=relaxed-threads&threads=2'), {
    model: 'https://elsewhere.org/gpt2/',
    variant: 'relaxed-threads',
    threads: 2,
  });
  assert.deepEqual(read('model=../other/?x=1%23y&variant=&threads='), { model: 'https://example.org/other/' });
});

test('an address that makes no sense is refused with a reason', () => {
  assert.throws(() => read('variant=fast'), /no build “fast”; there are simd128, relaxed/);
  assert.throws(() => read('threads=0'), /“0” is not a number of threads/);
  assert.throws(() => read('threads=two'), /“two” is not a number of threads/);
  assert.throws(() => read('model=javascript:alert(1)'), /not the address of a folder/);
  assert.throws(() => read('model=file:///etc/'), /not the address of a folder/);
  assert.throws(() => read('model=http://'), /not the address of a folder/);
});
