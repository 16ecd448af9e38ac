// @ts-check
/**
 * What is measured, and how it is summed up and written: pure functions, for the page `bench.html` and for
 * `tests/bench/run.mjs` alike.
 *
 * @typedef {object} Figure
 * @property {string} id
 * @property {string} group
 * @property {string} name
 * @property {string} unit     empty for ratios
 *
 * @typedef {{layers: number, width: number, vocabulary: number, positions: number, bytes: number}} Shape
 * @typedef {{median: number, least: number, most: number, count: number}} Summary
 */

/** Lengths of the prompts that are read. */
export const PROMPTS = [16, 128, 512];
/** Tokens before those that are decoded: few, and many; models with a short context get fewer. */
export const SHORT = 32;
export const LONG = 900;
/** Tokens that are decoded after each. */
export const SHORT_COUNT = 48;
export const LONG_COUNT = 24;
/** Times that all matrices are read. */
export const READINGS = 24;
export const BRANCHES = 4;
export const BRANCH_STEPS = 25;

/** @param {Shape} shape */
export const promptsFor = ({ positions }) => PROMPTS.filter((length) => length <= positions);

/** @param {Shape} shape */
export const longContextFor = ({ positions }) => Math.min(LONG, positions - LONG_COUNT - 1);

/**
 * Everything that is found out about a model, in the order in which it is shown.
 * @param {Shape} shape
 * @returns {Figure[]}
 */
export function figuresFor(shape) {
  const prompts = promptsFor(shape);
  const long = longContextFor(shape);
  /** @param {string} group @param {string[][]} rows id, name, unit */
  const grouped = (group, rows) => rows.map(([id, name, unit]) => ({ id, group, name, unit }));
  return [
    ...grouped('Loading', [
      ['load', 'from the first request until it can compute', 's'],
      ['memory', 'WebAssembly memory', 'MB'],
      ['first', `first prompt, ${PROMPTS[0]} tokens, with code not yet optimised`, 'ms'],
    ]),
    ...grouped('Reading a prompt', [
      ...prompts.map(
        (length) => /** @type {[string, string, string]} */ ([`prefill-${length}`, `${length} tokens`, 'tokens/s']),
      ),
    ]),
    ...grouped('Writing', [
      ['decode-short', `after ${SHORT} tokens`, 'tokens/s'],
      ['decode-long', `after ${long} tokens`, 'tokens/s'],
      ['branches', `${BRANCHES} continuations at once, time of one step`, 'ms'],
    ]),
    ...grouped('What the machine can do at best, with as many threads', [
      ['read-matrices', 'reading the weights and nothing else', 'GB/s'],
      ['read', 'reading as much other memory', 'GB/s'],
      ['widening', 'widening dot products', 'GMAC/s'],
      ['relaxed', 'relaxed dot products', 'GMAC/s'],
    ]),
    ...grouped('Ratios', [
      ['decode-short-of-matrices', `writing after ${SHORT} tokens / reading the weights`, ''],
      ['decode-short-share', `writing after ${SHORT} tokens / reading other memory`, ''],
      ['decode-long-ratio', `writing after ${long} tokens / after ${SHORT}`, ''],
      ...prompts.map(
        (length) =>
          /** @type {[string, string, string]} */ ([
            `prefill-${length}-share`,
            `reading ${length} tokens / arithmetic’s limit`,
            '',
          ]),
      ),
      ['branches-ratio', `step of ${BRANCHES} continuations / of one`, ''],
    ]),
  ];
}

/**
 * The bytes that one decoded token reads at least: all weights but the position table, which is f32 and of which it
 * reads one row. Cached keys and values come on top.
 * @param {Shape} shape
 */
export const bytesPerToken = ({ bytes, positions, width }) => bytes - 4 * (positions - 1) * width;

/**
 * The multiply-adds by weights that a prompt takes at least: each token goes through every block's four matrices, the
 * last one also through the output matrix. Attention comes on top.
 * @param {Shape} shape
 * @param {number} tokens
 */
export const prefillMultiplyAdds = ({ layers, width, vocabulary }, tokens) =>
  tokens * layers * 12 * width ** 2 + vocabulary * width;

/**
 * The ratios of one round, from the same round's rates: what drifts, drifts for both.
 * @param {Record<string, number>} rates   by figure; rates per second, as `figuresFor` has them
 * @param {Shape} shape
 * @param {boolean} relaxed   whether the build uses the relaxed dot product
 * @returns {Record<string, number>}
 */
export function ratios(rates, shape, relaxed) {
  const peak = relaxed ? rates.relaxed : rates.widening;
  const readWhileWriting = (rates['decode-short'] * bytesPerToken(shape)) / 1e9;
  return {
    'decode-short-of-matrices': readWhileWriting / rates['read-matrices'],
    'decode-short-share': readWhileWriting / rates.read,
    'decode-long-ratio': rates['decode-long'] / rates['decode-short'],
    ...Object.fromEntries(
      promptsFor(shape).map((length) => [
        `prefill-${length}-share`,
        ((rates[`prefill-${length}`] / length) * prefillMultiplyAdds(shape, length)) / (peak * 1e9),
      ]),
    ),
  };
}

/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @param {readonly number[]} values at least one
 * @returns {Summary}
 */
export const summary = (values) => ({
  median: median(values),
  least: Math.min(...values),
  most: Math.max(...values),
  count: values.length,
});

/**
 * Work per millisecond that workers did together while all of them were at it. Adding up what each did in its own time
 * would count moments in which one had the memory to itself.
 * @param {{start: number, end: number, work: number}[][]} workers the passes of each, on one clock
 */
export function commonRate(workers) {
  const from = Math.max(...workers.map((passes) => passes[0].start));
  const to = Math.min(...workers.map((passes) => passes[passes.length - 1].end));
  const done = workers.flat().map(({ start, end, work }) => {
    const share = (Math.min(end, to) - Math.max(start, from)) / (end - start);
    return work * Math.max(0, share);
  });
  return to > from ? done.reduce((a, b) => a + b, 0) / (to - from) : Number.NaN;
}

/**
 * Three significant digits, whole numbers from 100 on.
 * @param {number} value
 */
export function formatFigure(value) {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 99.95) return value.toFixed(0);
  if (Math.abs(value) >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

/** @param {Summary} summary */
export const formatSpread = ({ least, most, count }) =>
  count > 1 ? `${formatFigure(least)} – ${formatFigure(most)}` : '';

/**
 * Columns for a monospaced type: the first to the left, the others to the right.
 * @param {readonly (readonly string[])[]} rows
 */
export function textTable(rows) {
  const widths = rows.reduce(
    (all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)),
    /** @type {number[]} */ ([]),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/**
 * Groups of figures as text, with the median of each column that has figures of the group.
 * @param {readonly Figure[]} figures
 * @param {readonly {name: string, values: ReadonlyMap<string, readonly number[]>}[]} columns
 * @param {boolean} [spread] also the least and the most
 */
export function report(figures, columns, spread = false) {
  const groups = [...new Set(figures.map(({ group }) => group))];
  return groups
    .flatMap((group) => {
      const members = figures.filter((figure) => figure.group === group);
      const filled = columns.filter(({ values }) => members.some(({ id }) => values.has(id)));
      if (filled.length === 0) return [];
      const rows = members.map(({ id, name, unit }) => [
        unit ? `${name}, ${unit}` : name,
        ...filled.flatMap(({ values }) => {
          const found = values.get(id);
          const summed = found && summary(found);
          const cells = [summed ? formatFigure(summed.median) : '–', summed ? formatSpread(summed) : ''];
          return spread ? cells : cells.slice(0, 1);
        }),
      ]);
      return [textTable([[group, ...filled.flatMap(({ name }) => (spread ? [name, ''] : [name]))], ...rows])];
    })
    .join('\n\n');
}
