// @ts-check
/**
 * Reading square matrices of attention. Rows are the tokens that look (destination), columns the tokens looked at
 * (source); a cell is masked exactly if its column is greater than its row.
 */

/**
 * @param {number} row
 * @param {number} column
 */
export function isMasked(row, column) {
  return column > row;
}

/**
 * Smallest and largest value, over all cells or only those that the mask leaves.
 * @param {Float32Array} values (size, size)
 * @param {number} size
 * @param {boolean} masked
 * @returns {{low: number, high: number}}
 */
export function extent(values, size, masked) {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < size; row++) {
    const end = row * size + (masked ? row + 1 : size);
    for (let at = row * size; at < end; at++) {
      const value = values[at];
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return { low, high };
}

/**
 * @param {Float32Array} weights (size, size)
 * @param {number} size
 * @param {number} row
 */
export function rowSum(weights, size, row) {
  let sum = 0;
  for (let column = 0; column <= row; column++) sum += weights[row * size + column];
  return sum;
}

/**
 * The cells of a row with the largest values, largest first; the mask's cells never count.
 * @param {Float32Array} weights (size, size)
 * @param {number} size
 * @param {number} row
 * @param {number} count
 * @returns {{column: number, value: number}[]}
 */
export function strongest(weights, size, row, count) {
  /** @type {{column: number, value: number}[]} */
  const found = [];
  for (let column = 0; column <= row; column++) {
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
