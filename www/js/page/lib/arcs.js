// @ts-check
/**
 * @typedef {{from: number, to: number, side: 'looks' | 'seen', weight: number}} Arc
 *   `from` is a chosen token; it looks at `to`, or is looked at by it
 */

/**
 * The strongest looks of the chosen tokens, and at them, that together make up a share of all their attention.
 * @param {{size: number, weights: Float32Array}} map
 * @param {ReadonlySet<number>} chosen
 * @param {number} share  0 to 1
 * @returns {Arc[]} strongest first
 */
export function arcs({ size, weights }, chosen, share) {
  /** @type {Record<'looks' | 'seen', Arc[]>} */
  const all = { looks: [], seen: [] };
  for (const token of chosen) {
    if (token >= size) continue;
    for (let other = 0; other < size; other++) {
      const looks = weights[token * size + other];
      const seen = weights[other * size + token];
      if (looks > 0) all.looks.push({ from: token, to: other, side: 'looks', weight: looks });
      if (seen > 0) all.seen.push({ from: token, to: other, side: 'seen', weight: seen });
    }
  }
  return [...strongestShare(all.looks, share), ...strongestShare(all.seen, share)];
}

/**
 * @param {Arc[]} list
 * @param {number} share
 */
function strongestShare(list, share) {
  list.sort((a, b) => b.weight - a.weight);
  const whole = list.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  const end = list.findIndex(({ weight }) => {
    const enough = sum >= share * whole;
    sum += weight;
    return enough;
  });
  return end < 0 ? list : list.slice(0, end);
}

const all = 60;

/**
 * Tokens that are listed: all of a short text, of a long one those that a line leads to and those near the chosen ones.
 * @param {number} size
 * @param {ReadonlySet<number>} chosen
 * @param {readonly Arc[]} lines
 */
export function involved(size, chosen, lines) {
  if (size <= all) return Array.from({ length: size }, (_, index) => index);
  const found = new Set();
  for (const token of chosen) for (let near = token - 3; near <= token + 3; near++) found.add(near);
  for (const { to } of lines) found.add(to);
  return [...found].filter((token) => token >= 0 && token < size).sort((a, b) => a - b);
}
