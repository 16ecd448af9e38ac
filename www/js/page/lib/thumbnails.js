// @ts-check
/**
 * @typedef {import('../../shared/inspection.js').Thumbnails} Thumbnails
 * @typedef {import('../../shared/inspection.js').ThumbnailRows} ThumbnailRows
 */

/**
 * What is masked in the small maps of a layer. Where a cell stands for several tokens, some that are cut do not show.
 * @param {Thumbnails} map
 * @param {(layer: number, head: number) => Uint8Array | null} maskOf   as `Selection.mask`
 * @param {(layer: number, head: number) => boolean} isOpen            whether a head is without the causal mask
 * @returns {import('./matrix.js').Mask[]} (heads), of cells
 */
export function thumbnailMasks({ layer, heads, span }, maskOf, isOpen) {
  return Array.from({ length: heads }, (_, head) =>
    span === 1 ? (maskOf(layer, head) ?? true) : !isOpen(layer, head),
  );
}

/**
 * Small maps of a layer after more tokens: rows of cells before the new ones stay.
 * @param {Thumbnails} before
 * @param {ThumbnailRows} rows   of the same span; `rows.from` begins a row of cells
 * @param {number} index         of the layer among those of `rows`
 * @returns {Thumbnails}
 */
export function growThumbnails(before, rows, index) {
  const { heads, from, to, span, cells } = rows;
  const weights = new Uint8Array(heads * cells * cells);
  const kept = Math.min(before.cells, cells);
  for (let head = 0; head < heads; head++) {
    const map = head * cells * cells;
    for (let row = 0; row < Math.min(from / span, before.cells); row++) {
      const source = (head * before.cells + row) * before.cells;
      weights.set(before.weights.subarray(source, source + kept), map + row * cells);
    }
    for (let row = from; row < to; row++) {
      const source = ((index * heads + head) * (to - from) + row - from) * cells;
      const into = map + Math.floor(row / span) * cells;
      for (let cell = 0; cell < cells; cell++) {
        weights[into + cell] = Math.max(weights[into + cell], rows.weights[source + cell]);
      }
    }
  }
  return { ...before, revision: rows.revision, size: rows.size, cells, weights };
}
