// @ts-check
/** Views as data to be saved: numbers with names, and what a figure of them consists of. */
import { arcs as arcsOf, drawable } from '../lib/arcs.js';
import { depthName, shareCells } from '../lib/depths.js';
import { formatShare, formatSigned, formatValue } from '../lib/format.js';
import { isMasked } from '../lib/matrix.js';
import { around } from '../lib/raster.js';
import { tokenLabel } from '../lib/tokens.js';
import { strongestOf } from '../lib/vectors.js';

/**
 * @typedef {import('./exporting.js').View} View
 * @typedef {import('../lib/figure/figure.js').Panel} Panel
 * @typedef {import('../lib/figure/matrix.js').MatrixPanel} MatrixPanel
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('../../shared/inspection.js').Thumbnails} Thumbnails
 * @typedef {import('../../shared/inspection.js').Journey} Journey
 * @typedef {import('../../shared/inspection.js').JourneyLayer} JourneyLayer
 * @typedef {import('../../shared/inspection.js').Lens} Lens
 * @typedef {import('../../shared/protocol.js').Token} Token
 */

/** @type {Record<import('../lib/stages.js').Stage, string>} */
const notes = {
  products: 'q·k: the product of each query with each key.',
  scores: 'q·k / √d: the scaled score.',
  masked: 'q·k / √d, where the mask leaves it.',
  weights: 'Attention weights, after softmax.',
};

/** @param {string} letter @param {number} count */
const counted = (letter, count) => Array.from({ length: count }, (_, index) => `${letter}${index}`);

/** A matrix that is both the numbers and the picture. @param {MatrixPanel & {values: Float32Array}} panel */
const matrixOf = ({ rowNames, columnNames, values, mask }) =>
  /** @type {const} */ ({ kind: 'matrix', rowNames, columnNames, values, mask });

/** @param {import('../ui/head-view.js').HeadView['shown']} shown @returns {View | null} */
export function headView(shown) {
  if (!shown) return null;
  const { attention, picture, stage, name, low, high, power, mask } = shown;
  const names = picture.tokens.map(tokenLabel);
  /** @type {MatrixPanel & {values: Float32Array}} */
  const panel = {
    ...{ kind: 'matrix', rowNames: names, columnNames: names, values: picture.values, signed: picture.signed },
    ...{ sides: ['looks', 'looked at'], mask, low, high, power },
  };
  return {
    file: `attention-l${attention.layer}-h${attention.head}-${stage}`,
    title: `${name}, layer ${attention.layer}, head ${attention.head}`,
    note: `${notes[stage]} Rows look, columns are looked at.`,
    numbers: matrixOf(panel),
    panels: [panel],
  };
}

/**
 * @param {{maps: {map: Thumbnails, masks: import('../lib/matrix.js').Mask[]}[], tokens: readonly Token[]}} all   by layer
 * @param {{chosen: string, matches: Set<string> | null, label: (layer: number, head: number) => string}} found   what heads are
 *   found by, which ones these are, as `layer.head`, and what each of them does
 * @param {{marks: Map<string, string>, power: number}} drawn   heads that are altered, by `layer.head`; below 1 lifts small weights
 * @returns {View}
 */
export function headsView({ maps, tokens }, found, { marks, power }) {
  const { chosen, matches } = found;
  const [{ map: first }] = maps;
  const { heads, cells, span } = first;
  const area = cells * cells;
  const all = maps.flatMap(({ map, masks }) =>
    masks.map((mask, head) => ({
      ...{ layer: map.layer, head, mask, place: `${map.layer}.${head}`, does: found.label(map.layer, head) },
      weights: map.weights.subarray(head * area, (head + 1) * area),
    })),
  );
  const spans = Array.from({ length: cells }, (_, cell) => tokens.slice(cell * span, (cell + 1) * span));
  const names = spans.map((part) => part.map(tokenLabel).join(''));
  const each = span > 1 ? ` Each cell is the largest of ${span} x ${span} tokens.` : '';
  const kind = chosen ? ` Pale heads are not of the kind “${chosen}”.` : '';
  return {
    file: 'heads',
    title: 'All heads',
    note: `Attention weights, after softmax, in steps of 1/255: a row of maps for each layer, a column for each head. In each map rows look, columns are looked at.${each}${kind}`,
    numbers: {
      kind: 'table',
      columns: ['layer', 'head', 'does', 'row', ...names],
      rows: all.flatMap(({ layer, head, mask, does, weights }) =>
        names.map((name, row) => [
          ...[layer, head, does, name],
          ...names.map((_, column) =>
            mask !== false && isMasked(mask, cells, row, column) ? null : weights[row * cells + column] / 255,
          ),
        ]),
      ),
      array: {
        values: Float32Array.from(
          all.flatMap(({ weights }) => Array.from(weights)),
          (weight) => weight / 255,
        ),
        shape: [maps.length, heads, cells, cells],
      },
    },
    panels: [
      {
        kind: 'heads',
        ...{ heads, cells, power },
        maps: all.map(({ layer, head, mask, place, does, weights }) => ({
          says: [`Layer ${layer}, head ${head}`, does, marks.get(place) ?? ''].filter(Boolean).join(', '),
          ...{ weights, mask, faded: matches !== null && !matches.has(place), marked: marks.has(place) },
        })),
      },
    ],
  };
}

/**
 * @param {Attention[]} maps
 * @param {readonly Token[]} tokens
 * @param {ReadonlySet<number>} chosen
 * @param {number} share
 * @returns {View | null}
 */
export function arcsView(maps, tokens, chosen, share) {
  if (maps.length === 0) return null;
  const names = tokens.map(tokenLabel);
  const all = [...chosen].sort((a, b) => a - b);
  const lines = maps.flatMap((map, index) => arcsOf(map, chosen, share).map((arc) => ({ ...arc, index })));
  const drawn = drawable(lines);
  const left = drawn.length < lines.length ? ` Of ${lines.length} lines the ${drawn.length} strongest are drawn.` : '';
  const heads = maps.map(({ layer, head }) => `layer ${layer}, head ${head}`);
  return {
    file: 'looks',
    title: `What ${all.map((token) => names[token]).join(' ')} looks at, and who looks at it`,
    note: `The strongest looks of ${heads.join('; ')}: together ${Math.round(share * 100)}% of all attention of and to the chosen tokens. The thicker a line, the larger the weight.${left}`,
    numbers: {
      kind: 'table',
      columns: ['layer', 'head', 'from', 'to', 'from position', 'to position', 'weight'],
      rows: lines.map(({ from, to, side, weight, index }) => {
        const [row, column] = side === 'looks' ? [from, to] : [to, from];
        return [maps[index].layer, maps[index].head, names[row], names[column], row, column, weight];
      }),
      array: {
        values: together(maps.map(({ weights }) => weights)),
        shape: [maps.length, tokens.length, tokens.length],
      },
    },
    panels: [{ kind: 'arcs', tokens: names, chosen: all, lines: [...drawn], heads }],
  };
}

/** @param {Float32Array[]} arrays of one length */
function together(arrays) {
  const all = new Float32Array(arrays.length * arrays[0].length);
  arrays.forEach((array, index) => {
    all.set(array, index * array.length);
  });
  return all;
}

/**
 * @param {Lens[]} lenses
 * @param {readonly Token[]} tokens
 * @param {{position: number, halves: boolean}} shown   the chosen token; whether the lines after attention are on show
 * @returns {View | null}
 */
export function lensView(lenses, tokens, { position, halves }) {
  if (lenses.length === 0) return null;
  const first = lenses[0].depths;
  const lines = first.map((depth, index) => ({ name: depthName(depth), depth, index }));
  const listed = lines.filter(({ depth }) => halves || depth.after !== 'attention');
  const columnNames = lenses.map((lens) => tokenLabel(tokens[lens.position]));
  const guesses = listed.map(({ index }) => lenses.map(({ depths }) => depths[index].guesses[0]));
  const words = guesses.map((row) => row.map(({ token }) => tokenLabel(token)));
  /** @type {Panel[]} */
  const panels = [
    {
      ...{ kind: 'matrix', rowNames: listed.map(({ name }) => name), columnNames, words: words.flat() },
      values: Float32Array.from(guesses.flat(), ({ probability }) => probability),
      ...{ mask: false, signed: false, low: 0, high: 1, power: 0.5, sides: ['depth', 'after this token'] },
    },
  ];
  const own = lenses.find((lens) => lens.position === position)?.depths ?? [];
  const ranks = own.flatMap(({ token }) => (token ? [token.rank] : []));
  const winner = own.at(-1)?.token?.token;
  if (winner && ranks.length === own.length) {
    const heading = `Rank of ${tokenLabel(winner)} after ${tokenLabel(tokens[position])} (${position}) at every depth`;
    panels.push({ kind: 'curve', heading, ranks, names: own.map(depthName) });
  }
  return {
    file: 'guesses-by-depth',
    title: 'The most probable next token at every depth',
    note: 'Columns are tokens of the text, rows the stream after each step, read through the final LayerNorm and the output matrix (logit lens). The darker, the more probable.',
    numbers: {
      kind: 'table',
      columns: ['depth', ...columnNames],
      rows: listed.map(({ name }, row) => [name, ...words[row]]),
      array: {
        values: Float32Array.from(
          lenses.flatMap(({ depths }) => depths.map(({ guesses: [best] }) => best.probability)),
        ),
        shape: [lenses.length, first.length],
      },
    },
    panels,
  };
}

/**
 * @param {{journey: Journey, block: JourneyLayer}} drawn
 * @param {string[]} names
 * @param {{heads: number, head: number}} model
 * @returns {View}
 */
export function blockView({ journey, block }, names, { heads, head }) {
  /** @type {[string, Float32Array][]} */
  const before = [
    ['token embedding', journey.tokenEmbedding],
    ['position embedding', journey.positionEmbedding],
  ];
  /** @type {[string, Float32Array][]} */
  const within = [
    ['stream before the block', block.input],
    ['after LayerNorm 1', block.norm1.output],
    ['query', block.query],
    ['key', block.key],
    ['value', block.value],
    ['heads side by side', block.gathered],
    ['after the output projection', block.projected],
    ['stream after attention', block.attended],
    ['after LayerNorm 2', block.norm2.output],
    ['neurons before GELU', block.neurons],
    ['neurons after GELU', block.activations],
    ['MLP', block.mlp],
    ['stream after the block', block.output],
  ];
  /** @type {[string, Float32Array][]} */
  const after = [['after the final LayerNorm', journey.finalNorm.output]];
  const width = journey.tokenEmbedding.length;
  const depths = journey.residuals.length / width;
  const size = block.weights.length / heads;
  const row = block.weights.subarray(head * size, head * size + Math.min(size, block.position + 1));
  const bound =
    3 * Math.sqrt(journey.residuals.reduce((sum, value) => sum + value * value, 0) / journey.residuals.length);
  const strips = (/** @type {[string, Float32Array][]} */ list) => list.map(([name, values]) => ({ name, values }));
  return {
    file: `journey-${journey.position}-l${block.layer}`,
    title: `The way of ${tokenLabel(journey.token)} (${journey.position}), block ${block.layer}`,
    note: `Token ${journey.position} of ${names.length}, number ${journey.token.id} of the vocabulary. Queries, keys and values are those of ${heads} heads side by side. NPY holds the residual stream.`,
    numbers: {
      kind: 'table',
      columns: ['vector', 'index', 'value'],
      rows: [...before, ...within, ...after].flatMap(([name, values]) =>
        Array.from(values, (value, index) => [name, index, value]),
      ),
      array: { values: journey.residuals, shape: [depths, width] },
    },
    panels: [
      { kind: 'strips', heading: 'Token and place become vectors', strips: strips(before) },
      {
        kind: 'matrix',
        heading: 'The residual stream, a line for each step',
        rowNames: Array.from({ length: depths }, (_, depth) =>
          depth === 0 ? 'embedding' : `L${(depth - 1) >> 1} ${depth % 2 ? 'attention' : 'MLP'}`,
        ),
        columnNames: Array.from({ length: width }, (_, index) => String(index)),
        values: journey.residuals,
        ...{ mask: false, signed: true, ...around(bound), power: 1, cell: [560 / width, 14] },
      },
      { kind: 'strips', heading: `Block ${block.layer}`, strips: strips(within) },
      {
        kind: 'bars',
        heading: `What ${names[block.position]} looks at in head ${head} of block ${block.layer}`,
        bars: strongestOf(row, 8).map((at) => ({
          name: `${names[at]} ${at}`,
          value: row[at],
          says: formatShare(row[at]),
        })),
      },
      { kind: 'strips', heading: 'From the stream to the next token', strips: strips(after) },
      {
        kind: 'bars',
        bars: journey.guesses.map(({ token, probability, logit }) => ({
          name: tokenLabel(token),
          value: probability,
          says: `${formatShare(probability)}, logit ${formatValue(logit)}`,
        })),
      },
    ],
  };
}

/**
 * @param {NonNullable<import('../ui/why-view.js').WhyView['shown']>} shown
 * @returns {View}
 */
export function whyView({ why, token, against, tokens, heads }) {
  const layers = why.mlps.length;
  const columns = heads + 1;
  const values = shareCells(why);
  const bound = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const total = (/** @type {Float32Array} */ list) => list.reduce((sum, value) => sum + value, 0);
  const name = (/** @type {number} */ at) =>
    at % columns === heads
      ? `MLP of layer ${Math.floor(at / columns)}`
      : `layer ${Math.floor(at / columns)}, head ${at % columns}`;
  const bar = (/** @type {string} */ name, /** @type {number} */ value) => ({ name, value, says: formatSigned(value) });
  /** @type {MatrixPanel & {values: Float32Array}} */
  const panel = {
    ...{ kind: 'matrix', rowNames: counted('L', layers), columnNames: [...counted('H', heads), 'MLP'], values },
    ...{ mask: false, signed: true, ...around(bound), power: 1, sides: ['layer', 'head'] },
    heading: 'Direct share of every head and MLP',
  };
  /** @type {Panel[]} */
  const panels = [
    panel,
    {
      kind: 'bars',
      heading: `The logit ${formatValue(why.logit)} is the sum of`,
      bars: [
        bar('token', why.tokenEmbedding),
        bar('position', why.positionEmbedding),
        bar('heads', total(why.heads)),
        bar('biases of attention', total(why.attentionBiases)),
        bar('MLPs', total(why.mlps)),
        bar('last bias', why.finalBias),
        bar('rounding to int8', why.rest),
      ],
    },
    {
      kind: 'bars',
      heading: 'Strongest',
      bars: strongestOf(values, 8, Math.abs).map((at) => bar(name(at), values[at])),
    },
  ];
  const [top] = strongestOf(why.heads, 1, Math.abs);
  if (top !== undefined) {
    const shares = why.sources.subarray(top * tokens.length, (top + 1) * tokens.length);
    panels.push({
      kind: 'bars',
      heading: `Where layer ${Math.floor(top / heads)}, head ${top % heads} has it from`,
      bars: strongestOf(shares, 6, Math.abs).map((at) => bar(`${tokenLabel(tokens[at])} ${at}`, shares[at])),
    });
  }
  return {
    file: 'why',
    title: `Why ${token ? tokenLabel(token) : 'this word'}${against ? ` rather than ${tokenLabel(against)}` : ''} after ${tokenLabel(tokens[why.position])} (${why.position})`,
    note: 'Direct share of every head and MLP in the logit; purple speaks for the word, orange against it. What a head does through later layers is not in it.',
    numbers: matrixOf(panel),
    panels,
  };
}

const mostWords = 80; // that are drawn of a text in full

/**
 * Of a long text only what stands near a marked token.
 * @param {{text: string, marked: boolean}[]} tokens
 */
function nearMarked(tokens) {
  if (tokens.length <= mostWords) return tokens;
  const near = new Set(
    tokens.flatMap(({ marked }, at) => (marked ? Array.from({ length: 11 }, (_, by) => at + by - 5) : [])),
  );
  return tokens.flatMap((token, at) => {
    if (near.has(at)) return [token];
    return at === 0 || near.has(at - 1) ? [{ text: '…', marked: false }] : [];
  });
}

/**
 * @param {NonNullable<import('../ui/compare-view.js').CompareView['shown']>} shown
 * @param {string} otherText
 * @returns {View}
 */
export function compareView({ tokens, other, pairs, differences, difference }, otherText) {
  const { layers, heads, distances } = differences;
  /** @type {MatrixPanel & {values: Float32Array}} */
  const panel = {
    ...{ kind: 'matrix', rowNames: counted('L', layers), columnNames: counted('H', heads), values: distances },
    ...{
      mask: false,
      signed: false,
      low: 0,
      high: distances.reduce((most, value) => Math.max(most, value), 0),
      power: 1,
    },
    heading: 'How far each head’s attention differs',
    sides: ['layer', 'head'],
  };
  const line = (
    /** @type {string} */ name,
    /** @type {readonly Token[]} */ list,
    /** @type {Set<number>} */ common,
  ) => ({
    name,
    tokens: nearMarked(list.map((token, index) => ({ text: tokenLabel(token), marked: !common.has(index) }))),
  });
  /** @type {Panel[]} */
  const panels = [
    {
      kind: 'words',
      heading: 'Tokens',
      lines: [
        line('first', tokens, new Set(pairs.map(([first]) => first))),
        line('second', other.tokens, new Set(pairs.map(([, second]) => second))),
      ],
    },
    panel,
  ];
  if (difference) {
    const names = difference.tokens.map(tokenLabel);
    const bound = difference.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    panels.push({
      ...{ kind: 'matrix', rowNames: names, columnNames: names, values: difference.values, mask: true, signed: true },
      ...{ ...around(bound), power: 1, sides: ['looks', 'looked at'] },
      heading: `Layer ${difference.layer}, head ${difference.head}: weights in the second less those in the first`,
    });
  }
  return {
    file: 'differences',
    title: 'Attention in two texts',
    note: `Distance: over the tokens that both have, half the sum of the differences of a row, mean over rows. The second text: ${otherText}`,
    numbers: matrixOf(panel),
    panels,
  };
}
