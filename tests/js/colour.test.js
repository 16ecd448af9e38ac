// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { palettes } from '../../www/js/page/lib/colour.js';

/** @param {Uint8Array} palette @param {number} step */
const at = (palette, step) => [...palette.subarray(step * 3, step * 3 + 3)];
/** @param {number[]} colour */
const lightness = ([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;

for (const dark of [false, true]) {
  const { weights, scores } = palettes(dark);
  const name = dark ? 'dark' : 'light';

  test(`${name}: weights run one way, away from the page's own lightness`, () => {
    for (let step = 1; step < 256; step++) {
      const change = lightness(at(weights, step)) - lightness(at(weights, step - 1));
      assert.ok(dark ? change > -1 : change < 1, `step ${step} changes by ${change}`);
    }
    assert.ok(dark ? lightness(at(weights, 0)) < 50 : lightness(at(weights, 0)) > 230);
  });

  test(`${name}: scores are orange below zero, purple above, neutral at zero`, () => {
    const [lowRed, , lowBlue] = at(scores, 64);
    const [highRed, , highBlue] = at(scores, 191);
    assert.ok(lowRed > lowBlue + 40);
    assert.ok(highBlue > highRed);
    const middle = at(scores, 128);
    assert.ok(Math.max(...middle) - Math.min(...middle) < 16, String(middle));
  });
}
