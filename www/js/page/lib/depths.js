// @ts-check
/** What the model adds to the stream, named and laid out. */

/** @param {{layer: number | null, after: 'embedding' | 'attention' | 'mlp'}} depth */
export function depthName({ layer, after }) {
  return layer === null ? 'embedding' : `L${layer} ${after === 'attention' ? 'attention' : 'MLP'}`;
}

/**
 * The shares of heads and MLPs as one matrix, the MLP last in each row.
 * @param {{heads: Float32Array, mlps: Float32Array}} why   (L, NH) and (L)
 * @returns {Float32Array} (L, NH + 1)
 */
export function shareCells({ heads, mlps }) {
  const count = heads.length / mlps.length;
  const cells = new Float32Array(heads.length + mlps.length);
  for (let layer = 0; layer < mlps.length; layer++) {
    cells.set(heads.subarray(layer * count, (layer + 1) * count), layer * (count + 1));
    cells[layer * (count + 1) + count] = mlps[layer];
  }
  return cells;
}
