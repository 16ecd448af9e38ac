// @ts-check
/**
 * Reading square matrices of attention. Rows are the tokens that look (destination), columns the tokens looked at
 * (source); a cell is masked exactly if its column is greater than its row.
 */

/**
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('../../shared/inspection.js').AttentionRows} AttentionRows
 * @typedef {boolean | Uint8Array} Mask
 *   `true` is the causal triangle, `false` none; otherwise (size, size), 1 where a cell is masked
 */

/**
 * @param {Mask} mask
 * @param {number} size
 * @param {number} row
 * @param {number} column
 */
export function isMasked(mask, size, row, column) {
  return typeof mask === 'boolean' ? mask && column > row : mask[row * size + column] === 1;
}

/**
 * Smallest and largest value, over all cells or only those that the mask leaves; both 0 if it leaves none.
 * @param {Float32Array} values (size, size)
 * @param {number} size
 * @param {Mask} mask
 * @returns {{low: number, high: number}}
 */
export function extent(values, size, mask) {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < size; row++) {
    const end = row * size + (mask === true ? row + 1 : size);
    for (let at = row * size; at < end; at++) {
      if (typeof mask !== 'boolean' && mask[at]) continue;
      const value = values[at];
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? { low, high } : { low: 0, high: 0 };
}

/**
 * A head's attention after more tokens: the rows that stay are kept, because no token looks at a later one. What their tokens
 * would score against later keys is not known and not a number; the mask hides it.
 * @param {Attention} before
 * @param {AttentionRows} rows   of this head alone
 * @returns {Attention}
 */
export function growAttention(before, rows) {
  const { size, from } = rows;
  const scores = new Float32Array(size * size).fill(Number.NaN);
  const weights = new Float32Array(size * size);
  for (let row = 0; row < from; row++) {
    const kept = Math.min(before.size, size);
    const source = row * before.size;
    scores.set(before.scores.subarray(source, source + kept), row * size);
    weights.set(before.weights.subarray(source, source + kept), row * size);
  }
  scores.set(rows.scores, from * size);
  weights.set(rows.weights, from * size);
  return { ...before, revision: rows.revision, size, scale: rows.scale, scores, weights };
}

/**
 * @param {Float32Array} weights (size, size)
 * @param {number} size
 * @param {number} row
 */
export function rowSum(weights, size, row) {
  let sum = 0;
  for (let column = 0; column < size; column++) sum += weights[row * size + column];
  return sum;
}

/**
 * The cells of a row with the largest values, largest first; masked cells never count.
 * @param {Float32Array} weights (size, size)
 * @param {number} size
 * @param {number} row
 * @param {number} count
 * @param {Mask} [mask]
 * @returns {{column: number, value: number}[]}
 */
export function strongest(weights, size, row, count, mask = true) {
  /** @type {{column: number, value: number}[]} */
  const found = [];
  for (let column = 0; column < size; column++) {
    if (isMasked(mask, size, row, column)) continue;
    const value = weights[row * size + column];
    if (found.length === count && value <= found[count - 1].value) continue;
    let at = found.length;
    while (at > 0 && found[at - 1].value < value) at--;
    found.splice(at, 0, { column, value });
    if (found.length > count) found.pop();
  }
  return found;
}

/**
 * Where an arrow key leads in a grid, or null for any other key.
 * @param {string} key
 * @param {{row: number, column: number}} from
 * @param {number} rows
 * @param {number} columns
 * @returns {{row: number, column: number} | null}
 */
export function step(key, from, rows, columns) {
  const { row, column } = from;
  switch (key) {
    case 'ArrowUp':
      return { row: Math.max(0, row - 1), column };
    case 'ArrowDown':
      return { row: Math.min(rows - 1, row + 1), column };
    case 'ArrowLeft':
      return { row, column: Math.max(0, column - 1) };
    case 'ArrowRight':
      return { row, column: Math.min(columns - 1, column + 1) };
    case 'Home':
      return { row, column: 0 };
    case 'End':
      return { row, column: columns - 1 };
    case 'PageUp':
      return { row: 0, column };
    case 'PageDown':
      return { row: rows - 1, column };
    default:
      return null;
  }
}
