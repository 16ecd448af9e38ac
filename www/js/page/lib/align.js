// @ts-check
/**
 * Pairs of tokens that two texts have in common, in order: the longest common subsequence of their ids.
 * @param {readonly {id: number}[]} a
 * @param {readonly {id: number}[]} b
 * @returns {[number, number][]}
 */
export function align(a, b) {
  const columns = b.length + 1;
  // (a + 1, b + 1): the longest common subsequence of what stands from here on
  const longest = new Uint16Array((a.length + 1) * columns);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * columns + j] =
        a[i].id === b[j].id
          ? longest[(i + 1) * columns + j + 1] + 1
          : Math.max(longest[(i + 1) * columns + j], longest[i * columns + j + 1]);
    }
  }
  /** @type {[number, number][]} */
  const pairs = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i].id === b[j].id) pairs.push([i++, j++]);
    else if (longest[(i + 1) * columns + j] >= longest[i * columns + j + 1]) i++;
    else j++;
  }
  return pairs;
}

/**
 * How much more each paired token looks at each other one in `b` than in `a`.
 * @param {{size: number, weights: Float32Array}} a
 * @param {{size: number, weights: Float32Array}} b
 * @param {readonly [number, number][]} pairs
 * @returns {Float32Array} (pairs, pairs)
 */
export function difference(a, b, pairs) {
  const size = pairs.length;
  const values = new Float32Array(size * size);
  pairs.forEach(([rowA, rowB], row) => {
    pairs.forEach(([columnA, columnB], column) => {
      values[row * size + column] = b.weights[rowB * b.size + columnB] - a.weights[rowA * a.size + columnA];
    });
  });
  return values;
}
