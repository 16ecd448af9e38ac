// @ts-check
/**
 * @typedef {{start: number, end: number, name: string}} Range   a stretch of text, in UTF-16 units, and what it is
 * @typedef {{text: string, names: string[]}} Segment
 */

/**
 * Cuts a text where any range begins or ends.
 * @param {string} text
 * @param {readonly Range[]} ranges in any order; what lies outside of the text is left out
 * @returns {Segment[]}
 */
export function segments(text, ranges) {
  const inside = ranges
    .map(({ start, end, name }) => ({ start: Math.max(0, start), end: Math.min(text.length, end), name }))
    .filter(({ start, end }) => start < end);
  const cuts = [...new Set([0, text.length, ...inside.flatMap(({ start, end }) => [start, end])])].sort(
    (a, b) => a - b,
  );
  const waiting = inside.sort((a, b) => a.start - b.start);
  /** @type {Range[]} */
  let open = [];
  let next = 0;
  return cuts.slice(0, -1).map((from, index) => {
    while (next < waiting.length && waiting[next].start <= from) open.push(waiting[next++]);
    open = open.filter(({ end }) => end > from);
    return { text: text.slice(from, cuts[index + 1]), names: open.map(({ name }) => name) };
  });
}
