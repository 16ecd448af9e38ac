// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { around, paintLegend, paintMatrix, paintThumbnails } from '../../www/js/page/lib/raster.js';

/** Colour n of this palette is (n, 0, 255 - n). */
const palette = Uint8Array.from({ length: 256 * 3 }, (_, at) => [(at / 3) | 0, 0, 255 - ((at / 3) | 0)][at % 3]);

/** @param {Uint8ClampedArray} pixels @param {number} at */
const pixel = (pixels, at) => [...pixels.subarray(at * 4, at * 4 + 4)];

test('the ends of the scale get the ends of the palette, and what is beyond stays there', () => {
  const pixels = paintMatrix([-1, 1, 0, 7], 2, palette, { low: -1, high: 1, mask: false });
  assert.deepEqual(pixel(pixels, 0), [0, 0, 255, 255]);
  assert.deepEqual(pixel(pixels, 1), [255, 0, 0, 255]);
  assert.deepEqual(pixel(pixels, 2), [128, 0, 127, 255]);
  assert.deepEqual(pixel(pixels, 3), [255, 0, 0, 255]);
});

test('masked cells are transparent, and a zero is not', () => {
  const pixels = paintMatrix([0, 0, 0, 0], 2, palette, { low: 0, high: 1, mask: true });
  assert.deepEqual(
    [0, 1, 2, 3].map((at) => pixel(pixels, at)[3]),
    [255, 0, 255, 255],
  );
});

test('NaN is loud, infinities are ends', () => {
  const cells = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  const pixels = paintMatrix(cells, 2, palette, { low: 0, high: 1, mask: false });
  assert.deepEqual(pixel(pixels, 0), [255, 0, 200, 255]);
  assert.deepEqual(pixel(pixels, 1), [255, 0, 0, 255]);
  assert.deepEqual(pixel(pixels, 2), [0, 0, 255, 255]);
});

test('a scale without width does not divide by nothing', () => {
  assert.deepEqual(pixel(paintMatrix([3], 1, palette, { low: 3, high: 3, mask: true }), 0), [0, 0, 255, 255]);
});

test('where there are only zeros, they have the colour of zero', () => {
  assert.deepEqual(pixel(paintMatrix([0], 1, palette, { ...around(0), mask: true }), 0), [128, 0, 127, 255]);
  assert.deepEqual(pixel(paintMatrix([2], 1, palette, { ...around(2), mask: true }), 0), [255, 0, 0, 255]);
});

test('a power below 1 lifts small values and leaves the ends', () => {
  const pixels = paintMatrix([0, 0.25, 1, 0], 2, palette, { low: 0, high: 1, power: 0.5, mask: false });
  assert.deepEqual(
    [0, 1, 2].map((at) => pixel(pixels, at)[0]),
    [0, 128, 255],
  );
});

test('the legend shows just the part of the scale that occurs', () => {
  const line = paintLegend(palette, 3, { low: -1, high: 1, from: 0, to: 1 });
  assert.deepEqual(
    [0, 1, 2].map((at) => pixel(line, at)[0]),
    [128, 191, 255],
  );
});

test('small maps stand side by side, as each would be painted by itself', () => {
  const weights = Uint8Array.from({ length: 3 * 4 * 4 }, (_, at) => (at * 37) % 256);
  const cut = Uint8Array.from({ length: 16 }, (_, at) => Number(at === 4 || at === 3));
  const masks = [true, false, cut];
  const pixels = paintThumbnails(weights, 3, 4, palette, 0.5, masks);
  assert.equal(pixels.length, 4 * weights.length);
  for (let head = 0; head < 3; head++) {
    const scale = { low: 0, high: 255, power: 0.5, mask: masks[head] };
    const one = paintMatrix(weights.subarray(head * 16, head * 16 + 16), 4, palette, scale);
    for (let row = 0; row < 4; row++) {
      const at = 4 * (row * 12 + head * 4);
      assert.deepEqual(pixels.subarray(at, at + 16), one.subarray(row * 16, row * 16 + 16), `head ${head}, row ${row}`);
    }
  }
});
