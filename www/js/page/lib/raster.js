// @ts-check
/**
 * Numbers to pixels: one pixel a cell, which the style sheet scales up. Pure functions, no canvas.
 *
 * @typedef {Uint8Array} Palette 256 colours, (256, 3)
 */

import { isMasked } from './matrix.js';

/**
 * How far into the palette a value lies, 0 to 255.
 * @param {number} value
 * @param {{low: number, high: number, power?: number}} scale
 */
export function shade(value, { low, high, power = 1 }) {
  if (high <= low) return 0;
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return Math.round(255 * (power === 1 ? share : share ** power));
}

/** A scale with zero in its middle, also where there is nothing but zeros. @param {number} bound */
export const around = (bound) => ({ low: -(bound || 1), high: bound || 1 });

/** Not a number is a fault worth seeing. */
export const loud = Object.freeze([255, 0, 200]);

/**
 * A square matrix as RGBA. Masked cells stay transparent, so that the hatching behind the canvas shows.
 * @param {ArrayLike<number>} values (size, size)
 * @param {number} size
 * @param {Palette} palette
 * @param {{low: number, high: number, power?: number, mask: import('./matrix.js').Mask}} scale `low` and `high` get the palette's ends; a
 *   `power` below 1 lifts small values
 * @returns {Uint8ClampedArray<ArrayBuffer>} (size, size, 4)
 */
export function paintMatrix(values, size, palette, scale) {
  const pixels = new Uint8ClampedArray(size * size * 4);
  for (let row = 0; row < size; row++) {
    const columns = scale.mask === true ? row + 1 : size;
    for (let column = 0; column < columns; column++) {
      if (typeof scale.mask !== 'boolean' && scale.mask[row * size + column]) continue;
      const value = values[row * size + column];
      const at = (row * size + column) * 4;
      if (Number.isNaN(value)) {
        pixels.set(loud, at);
      } else {
        const step = shade(value, scale);
        pixels[at] = palette[step * 3];
        pixels[at + 1] = palette[step * 3 + 1];
        pixels[at + 2] = palette[step * 3 + 2];
      }
      pixels[at + 3] = 255;
    }
  }
  return pixels;
}

/**
 * The small maps of all heads of a layer side by side, as RGBA; what is masked stays transparent.
 * @param {Uint8Array} weights (heads, cells, cells), 255 is all
 * @param {number} heads
 * @param {number} cells
 * @param {Palette} palette
 * @param {number} power   below 1 lifts small weights
 * @param {readonly import('./matrix.js').Mask[]} masks   (heads), of cells
 * @returns {Uint8ClampedArray<ArrayBuffer>} (cells, heads * cells, 4)
 */
export function paintThumbnails(weights, heads, cells, palette, power, masks) {
  const colours = Uint32Array.from({ length: 256 }, (_, weight) => {
    const step = shade(weight, { low: 0, high: 255, power }) * 3;
    return new Uint32Array(Uint8Array.of(palette[step], palette[step + 1], palette[step + 2], 255).buffer)[0];
  });
  const pixels = new Uint32Array(heads * cells * cells);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < cells; row++) {
      const from = (head * cells + row) * cells;
      const to = (row * heads + head) * cells;
      const end = masks[head] === true ? row + 1 : cells;
      for (let column = 0; column < end; column++) {
        if (masks[head] !== true && isMasked(masks[head], cells, row, column)) continue;
        pixels[to + column] = colours[weights[from + column]];
      }
    }
  }
  return new Uint8ClampedArray(pixels.buffer);
}

/**
 * A smaller matrix: the value farthest from zero of each square of cells that the mask leaves.
 * @param {ArrayLike<number>} values (size, size)
 * @param {number} size
 * @param {number} cells  at most so many a side
 * @param {import('./matrix.js').Mask} mask
 * @returns {{values: Float32Array, size: number, mask: import('./matrix.js').Mask}}
 */
export function pool(values, size, cells, mask) {
  const span = Math.max(1, Math.ceil(size / cells));
  const side = Math.ceil(size / span);
  const pooled = new Float32Array(side * side);
  const empty = new Uint8Array(side * side).fill(1);
  for (let row = 0; row < size; row++) {
    const end = mask === true ? row + 1 : size;
    const into = Math.floor(row / span) * side;
    for (let column = 0; column < end; column++) {
      const at = row * size + column;
      if (typeof mask !== 'boolean' && mask[at]) continue;
      const to = into + Math.floor(column / span);
      const value = values[at];
      // Not a number has to win, so that it is seen.
      if (empty[to] || Number.isNaN(value) || Math.abs(value) > Math.abs(pooled[to])) pooled[to] = value;
      empty[to] = 0;
    }
  }
  return { values: pooled, size: side, mask: empty };
}

/**
 * The part of a palette between two values of its scale, as one line of pixels.
 * @param {Palette} palette
 * @param {number} width
 * @param {{low: number, high: number, power?: number, from: number, to: number}} scale `low`..`high` is the palette,
 *   `from`..`to` the part
 * @returns {Uint8ClampedArray<ArrayBuffer>} (width, 4)
 */
export function paintLegend(palette, width, scale) {
  const { from, to } = scale;
  const line = new Uint8ClampedArray(width * 4);
  for (let x = 0; x < width; x++) {
    const value = from + ((to - from) * x) / Math.max(1, width - 1);
    const step = shade(value, scale);
    line.set(palette.subarray(step * 3, step * 3 + 3), x * 4);
    line[x * 4 + 3] = 255;
  }
  return line;
}

/**
 * A vector as one line of pixels.
 * @param {ArrayLike<number>} values
 * @param {Palette} palette
 * @param {{low: number, high: number}} scale
 * @returns {Uint8ClampedArray<ArrayBuffer>} (values, 4)
 */
export function paintLine(values, palette, scale) {
  return paintCells(values, 1, values.length, palette, scale);
}

/**
 * Any matrix as RGBA, a pixel a cell.
 * @param {ArrayLike<number>} values (rows, columns)
 * @param {number} rows
 * @param {number} columns
 * @param {Palette} palette
 * @param {{low: number, high: number, power?: number}} scale
 * @returns {Uint8ClampedArray<ArrayBuffer>} (rows, columns, 4)
 */
export function paintCells(values, rows, columns, palette, scale) {
  const pixels = new Uint8ClampedArray(rows * columns * 4);
  for (let at = 0; at < rows * columns; at++) {
    const value = values[at];
    if (Number.isNaN(value)) {
      pixels.set(loud, at * 4);
    } else {
      const step = shade(value, scale) * 3;
      pixels[at * 4] = palette[step];
      pixels[at * 4 + 1] = palette[step + 1];
      pixels[at * 4 + 2] = palette[step + 2];
    }
    pixels[at * 4 + 3] = 255;
  }
  return pixels;
}
