// @ts-check
/**
 * The two colour scales of the attention maps. Blue, red and green are kept for Q, K and V, so weights are purple, and
 * signed scores run from orange through the neutral middle to purple. In the dark, zero is dark.
 */
import { interpolateLab, interpolatePuOr, interpolatePurples, piecewise } from '../../../vendor/d3.js';

/** @typedef {import('./raster.js').Palette} Palette */
/** @typedef {{weights: Palette, scores: Palette}} Palettes */

/**
 * @param {(t: number) => string} colour from 0 to 1, as `rgb(r, g, b)`
 * @returns {Palette}
 */
function table(colour) {
  const palette = new Uint8Array(256 * 3);
  for (let step = 0; step < 256; step++) {
    const channels = colour(step / 255).match(/\d+/g) ?? [];
    palette.set(channels.slice(0, 3).map(Number), step * 3);
  }
  return palette;
}

const ground = '#1f1d26';

/**
 * @param {boolean} dark
 * @returns {Palettes}
 */
export function palettes(dark) {
  if (dark) {
    return {
      weights: table(piecewise(interpolateLab, [ground, '#6a4fc4', '#b49cff', '#f3edff'])),
      scores: table(piecewise(interpolateLab, ['#ffd08a', '#c8741a', ground, '#7a5bd6', '#d9ccff'])),
    };
  }
  return { weights: table(interpolatePurples), scores: table((t) => interpolatePuOr(1 - t)) };
}
