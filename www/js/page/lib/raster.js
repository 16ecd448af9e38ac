// @ts-check
/**
 * Numbers to pixels: one pixel a cell, which the style sheet scales up. Pure functions, no canvas.
 *
 * @typedef {Uint8Array} Palette 256 colours, (256, 3)
 */

/** Not a number is a fault worth seeing. */
const loud = [255, 0, 200];

/**
 * A square matrix as RGBA. Masked cells stay transparent, so that the hatching behind the canvas shows.
 * @param {ArrayLike<number>} values (size, size)
 * @param {number} size
 * @param {Palette} palette
 * @param {{low: number, high: number, masked: boolean}} scale `low` and `high` get the palette's ends
 * @returns {Uint8ClampedArray<ArrayBuffer>} (size, size, 4)
 */
export function paintMatrix(values, size, palette, { low, high, masked }) {
  const pixels = new Uint8ClampedArray(size * size * 4);
  const factor = high > low ? 255 / (high - low) : 0;
  for (let row = 0; row < size; row++) {
    const columns = masked ? row + 1 : size;
    for (let column = 0; column < columns; column++) {
      const value = values[row * size + column];
      const at = (row * size + column) * 4;
      if (Number.isNaN(value)) {
        pixels.set(loud, at);
      } else {
        const step = Math.min(255, Math.max(0, Math.round((value - low) * factor)));
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
 * The part of a palette between two values of its scale, as one line of pixels.
 * @param {Palette} palette
 * @param {number} width
 * @param {{low: number, high: number, from: number, to: number}} scale `low`..`high` is the palette, `from`..`to` the part
 * @returns {Uint8ClampedArray<ArrayBuffer>} (width, 4)
 */
export function paintLegend(palette, width, { low, high, from, to }) {
  const line = new Uint8ClampedArray(width * 4);
  for (let x = 0; x < width; x++) {
    const value = from + ((to - from) * x) / Math.max(1, width - 1);
    const share = high > low ? (value - low) / (high - low) : 0;
    const step = Math.min(255, Math.max(0, Math.round(share * 255)));
    line.set(palette.subarray(step * 3, step * 3 + 3), x * 4);
    line[x * 4 + 3] = 255;
  }
  return line;
}
