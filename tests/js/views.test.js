// @ts-check
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { align, difference } from '../../www/js/page/lib/align.js';
import * as alteration from '../../www/js/page/lib/alteration.js';
import { arcs, involved } from '../../www/js/page/lib/arcs.js';
import { cacheFacts } from '../../www/js/page/lib/cache.js';
import { pool } from '../../www/js/page/lib/raster.js';
import { groupWeights, joinTokens, picture, withoutSink, wordStarts } from '../../www/js/page/lib/stages.js';
import { growThumbnails } from '../../www/js/page/lib/thumbnails.js';
import { strongestOf } from '../../www/js/page/lib/vectors.js';

const page = new URL('../../www/js/page/', import.meta.url);

/** @param {string} text */
const token = (text) => ({
  id: text.length,
  text,
  hex: [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' '),
});

test('no code that draws invents numbers', () => {
  const invented = /Math\s*\.\s*random|getRandomValues|randomUUID|faker|placeholder(Data|Values)|Math\s*\[/i;
  const files = readdirSync(page, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  assert.ok(files.length > 40, 'the folder is there');
  // A seed is for the user to reuse, not a number of the model's.
  const allowed = new Set(['ui/generate-panel.js']);
  const found = files.filter((file) => !allowed.has(file) && invented.test(readFileSync(new URL(file, page), 'utf8')));
  assert.deepEqual(found, []);
  // The test would notice.
  assert.match('const x = Math.random();', invented);
});

// (3, 3)
const weights = Float32Array.of(1, 0, 0, 0.5, 0.5, 0, 0.25, 0.25, 0.5);
const scores = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
const attention = { revision: 1, layer: 0, head: 0, size: 3, scale: 0.5, scores, weights };
const tokens = ['The', ' ro', 'bot'].map(token);
const plain = { noSink: false, norms: null, words: false };

test('the stages of a head', () => {
  const products = picture(attention, tokens, { ...plain, stage: 'products' }, null);
  assert.deepEqual(products.values, Float32Array.of(2, 4, 6, 8, 10, 12, 14, 16, 18));
  assert.deepEqual([products.mask, products.signed], [false, true]);
  assert.equal(picture(attention, tokens, { ...plain, stage: 'masked' }, null).mask, true);
  assert.equal(picture(attention, tokens, { ...plain, stage: 'weights' }, null).values, weights);
});

test('weights times lengths of values', () => {
  const norms = Float32Array.of(2, 4, 8);
  const shown = picture(attention, tokens, { ...plain, norms, stage: 'weights' }, null);
  assert.deepEqual(shown.values, Float32Array.of(2, 0, 0, 1, 2, 0, 0.5, 1, 4));
});

test('without the first column every other row adds up to 1 again', () => {
  assert.deepEqual(withoutSink(weights, 3), Float32Array.of(0, 0, 0, 0, 1, 0, 0, 1 / 3, 2 / 3));
  const shown = picture(attention, tokens, { ...plain, noSink: true, stage: 'weights' }, null);
  assert.deepEqual(shown.mask, Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 0, 0));
});

test('tokens make words', () => {
  const text = ['Wh', 'en', ' Mary', ',', ' don', '’t', '\n', 'Yes'].map(token);
  assert.deepEqual(wordStarts(text), [0, 2, 3, 4, 6, 7]);
  assert.deepEqual(
    joinTokens(text, wordStarts(text)).map((word) => word.text),
    ['When', ' Mary', ',', ' don’t', '\n', 'Yes'],
  );
  const parts = [
    { id: 1, text: null, hex: 'F0 9F' },
    { id: 2, text: null, hex: '98 80' },
  ];
  assert.deepEqual(joinTokens(parts, wordStarts(parts)), [{ id: 1, text: '😀', hex: 'F0 9F 98 80' }]);
});

test('words get the sum of their tokens, and look with the mean', () => {
  assert.deepEqual(groupWeights(weights, 3, [0, 1]), Float32Array.of(1, 0, 0.375, 0.625));
});

test('words without the mask look ahead, and rows still add up to 1', () => {
  const open = Float32Array.of(0.2, 0.3, 0.5, 0.4, 0.4, 0.2, 0.25, 0.25, 0.5);
  const cut = Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0);
  const parts = ['a', 'b', ' c'].map(token);
  const of = (/** @type {Uint8Array | null} */ mask) =>
    picture({ ...attention, weights: open }, parts, { ...plain, words: true, stage: 'weights' }, mask);
  const { values, mask } = of(new Uint8Array(9));
  [0.65, 0.35, 0.5, 0.5].forEach((value, at) => {
    assert.ok(Math.abs(values[at] - value) < 1e-6);
  });
  assert.deepEqual(mask, new Uint8Array(4));
  assert.deepEqual(of(cut).mask, Uint8Array.of(0, 1, 0, 0));
  assert.equal(of(null).mask, true);
});

test('an altered mask', () => {
  const { unaltered, togglePlace, toggleCut, alteredMask } = alteration;
  assert.equal(alteredMask(unaltered, 0, 0, 3), null);
  const open = togglePlace(unaltered, 'unmasked', { layer: 1, head: null });
  assert.equal(alteredMask(open, 0, 0, 2), null);
  assert.deepEqual(alteredMask(open, 1, 5, 2), Uint8Array.of(0, 0, 0, 0));
  const cut = toggleCut(unaltered, { layer: null, head: null, row: null, column: 0 });
  assert.deepEqual(alteredMask(cut, 4, 4, 2), Uint8Array.of(1, 1, 1, 0));
  const cell = toggleCut(open, { layer: 1, head: 5, row: 0, column: 1 });
  assert.deepEqual(alteredMask(cell, 1, 5, 2), Uint8Array.of(0, 1, 0, 0));
  assert.deepEqual(alteredMask(cell, 1, 4, 2), Uint8Array.of(0, 0, 0, 0));
  assert.ok(alteration.isUnaltered(togglePlace(open, 'unmasked', { layer: 1, head: null })), 'taken back');
  assert.deepEqual(
    [...alteration.alteredHeads(togglePlace(open, 'off', { layer: 1, head: 0 }), 2, 2)],
    [
      ['1.0', 'off'],
      ['1.1', 'without mask'],
    ],
  );
});

test('a cache is spoken of only where one holds', () => {
  const { unaltered } = alteration;
  assert.match(cacheFacts(0, null), /nothing comes from the cache/);
  assert.match(cacheFacts(1, null), /of the 1 token before it come from the cache/);
  const causal = cacheFacts(12, { ...unaltered, off: [{ layer: 0, head: null }] });
  assert.match(causal, /altered run has keys and values of its own.* the 12 tokens before it can be kept/);
  assert.doesNotMatch(causal, /from the cache/);
  const open = cacheFacts(12, { ...unaltered, unmasked: [{ layer: 3, head: 1 }] });
  assert.match(open, /Nothing from there on can be kept; all 13 tokens are computed together/);
  assert.doesNotMatch(open, /from the cache|token alone/);
});

test('small maps grow', () => {
  const before = { revision: 1, layer: 0, heads: 1, size: 2, span: 2, cells: 1, weights: Uint8Array.of(200) };
  const rows = {
    ...{ revision: 2, layers: [3, 0], heads: 1, from: 2, to: 4, size: 4, span: 2, cells: 2 },
    weights: Uint8Array.of(9, 9, 9, 9, 10, 20, 30, 5),
  };
  assert.deepEqual(growThumbnails(before, rows, 1).weights, Uint8Array.of(200, 0, 30, 20));
});

test('pooling keeps what is farthest from zero, and what is not a number', () => {
  const pooled = pool(Float32Array.of(1, 9, -3, 2), 2, 1, true);
  assert.deepEqual(pooled, { values: Float32Array.of(-3), size: 1, mask: Uint8Array.of(0) });
  assert.ok(Number.isNaN(pool(Float32Array.of(1, 9, Number.NaN, 2), 2, 1, true).values[0]));
});

test('two texts are aligned by what they share in order', () => {
  const ids = (/** @type {number[]} */ ...list) => list.map((id) => ({ id }));
  assert.deepEqual(align(ids(1, 2, 3, 4), ids(1, 9, 3, 8, 4)), [
    [0, 0],
    [2, 2],
    [3, 4],
  ]);
  assert.deepEqual(align(ids(1), ids(2)), []);
  const a = { size: 2, weights: Float32Array.of(1, 0, 0.25, 0.75) };
  const b = { size: 2, weights: Float32Array.of(1, 0, 0.75, 0.25) };
  const pairs = /** @type {[number, number][]} */ ([
    [0, 0],
    [1, 1],
  ]);
  assert.deepEqual(difference(a, b, pairs), Float32Array.of(0, 0, 0.5, -0.5));
});

test('arcs are the strongest looks that make up a share', () => {
  const found = arcs({ size: 3, weights }, new Set([2]), 0.5);
  assert.deepEqual(
    found.map(({ side, to }) => `${side} ${to}`),
    ['looks 2', 'seen 2'],
  );
  assert.equal(arcs({ size: 3, weights }, new Set([2]), 1).length, 4);
  assert.deepEqual(involved(3, new Set([0]), []), [0, 1, 2]);
  assert.deepEqual(
    involved(100, new Set([50]), [{ from: 50, to: 3, side: 'looks', weight: 1 }]),
    [3, 47, 48, 49, 50, 51, 52, 53],
  );
});

test('the places of the largest', () => {
  assert.deepEqual(strongestOf(Float32Array.of(1, -9, 3, Number.NaN, 2), 2), [2, 4]);
  assert.deepEqual(strongestOf(Float32Array.of(1, -9, 3), 2, Math.abs), [1, 2]);
});
