// @ts-check

const [height, left, bottom] = [150, 58, 20]; // px

/**
 * Where the points of a curve of ranks lie: 1 at the top, on a scale of powers of ten.
 * @param {readonly number[]} ranks
 * @param {number} width   px
 * @returns {{height: number, rules: {rank: number, x: number, y: number}[], points: {x: number, y: number}[]}}
 *   a rule at every power of ten, from `x` to the right end
 */
export function rankCurve(ranks, width) {
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...ranks))));
  const y = (/** @type {number} */ rank) => 8 + ((height - bottom - 8) * Math.log10(rank)) / decades;
  return {
    height,
    rules: Array.from({ length: decades + 1 }, (_, power) => ({ rank: 10 ** power, x: left, y: y(10 ** power) })),
    points: ranks.map((rank, index) => ({
      x: left + ((width - left - 8) * index) / Math.max(1, ranks.length - 1),
      y: y(rank),
    })),
  };
}
