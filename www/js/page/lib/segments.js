// @ts-check
/**
 * @typedef {{start: number, end: number, name: string, title?: string}} Range
 *   a stretch of text, in UTF-16 units, what it is, and what is to be said of it
 * @typedef {{text: string, names: string[], title?: string}} Segment
 */

/**
 * Cuts a text where any range begins or ends.
 * @param {string} text
 * @param {readonly Range[]} ranges in any order; what lies outside of the text is left out
 * @returns {Segment[]}
 */
export function segments(text, ranges) {
  const inside = ranges
    .map((range) => ({ ...range, start: Math.max(0, range.start), end: Math.min(text.length, range.end) }))
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
    const title = open.find((range) => range.title !== undefined)?.title;
    const segment = { text: text.slice(from, cuts[index + 1]), names: open.map(({ name }) => name) };
    return title === undefined ? segment : { ...segment, title };
  });
}
