// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawFigure } from '../../www/js/page/lib/figure/figure.js';
import { letters, shorten, wrap } from '../../www/js/page/lib/figure/text.js';
import { rankCurve } from '../../www/js/page/lib/ranks.js';
import {
  arcsView,
  blockView,
  compareView,
  headsView,
  headView,
  lensView,
  whyView,
} from '../../www/js/page/look/figures.js';

/** @typedef {import('../../www/js/page/look/exporting.js').View} View */

/** Colour n of either palette is (n, 0, 255 - n). */
const palette = Uint8Array.from({ length: 256 * 3 }, (_, at) => [(at / 3) | 0, 0, 255 - ((at / 3) | 0)][at % 3]);

/** What was painted, in place of pictures. @type {{pixels: Uint8ClampedArray, width: number}[]} */
const painted = [];
const tools = {
  palettes: { weights: palette, scores: palette },
  encode: (/** @type {Uint8ClampedArray<ArrayBuffer>} */ pixels, /** @type {number} */ width) => {
    painted.push({ pixels, width });
    return `data:picture-${painted.length}`;
  },
};

/** @param {View | null} view */
function draw(view) {
  assert.ok(view);
  const svg = drawFigure({ ...view, caption: [view.note, 'Text: a < b'] }, tools);
  assert.ok(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"'));
  assert.ok(!/NaN|undefined|Infinity/.test(svg), 'every number of the drawing is one');
  // Well-formed: every element that is opened is closed, in order.
  /** @type {string[]} */
  const open = [];
  for (const [tag, close, name, rest] of svg.matchAll(/<(\/?)([a-z]+)([^>]*)>/g)) {
    if (close) assert.equal(open.pop(), name, tag);
    else if (!rest.endsWith('/')) open.push(name);
  }
  assert.deepEqual(open, []);
  for (const line of view.note.split(' ')) assert.ok(svg.includes(line.replaceAll('&', '&amp;')), line);
  assert.ok(svg.includes('Text: a &lt; b'));
  return svg;
}

/** @param {string} svg @param {...string} parts */
function holds(svg, ...parts) {
  for (const part of parts) assert.ok(svg.includes(part), part);
}

/** @param {string} text */
const token = (text) => ({ id: text.length, text, hex: '41' });
const tokens = ['The', ' ro<b>', ' it'].map(token);
/** @param {string} text @param {number} probability */
const guess = (text, probability, rank = 1) => ({ token: token(text), rank, logit: 10 * probability, probability });
const attention = {
  ...{ revision: 1, layer: 2, head: 1, size: 3, scale: 0.5, scores: new Float32Array(9) },
  weights: Float32Array.of(1, 0, 0, 0.25, 0.75, 0, 0.125, 0.5, 0.375),
};

test('all heads', () => {
  const weights = Uint8Array.from({ length: 2 * 4 }, (_, at) => 30 * at);
  const map = { revision: 1, heads: 2, size: 3, span: 2, cells: 2, weights };
  const maps = [0, 1].map((layer) => ({ map: { ...map, layer }, masks: [true, Uint8Array.of(0, 0, 1, 0)] }));
  const found = {
    chosen: 'previous token',
    matches: new Set(['1.0']),
    label: (/** @type {number} */ layer, /** @type {number} */ head) => (layer + head ? '' : 'does <this>'),
  };
  const view = headsView({ maps, tokens }, found, { marks: new Map([['1.1', 'off']]), power: 0.5 });
  assert.ok(view.numbers.kind === 'table');
  assert.deepEqual(view.numbers.array?.shape, [2, 2, 2, 2]);
  assert.equal(view.numbers.rows.length, 8);
  assert.deepEqual(view.numbers.rows[0].slice(0, 4), [0, 0, 'does <this>', view.numbers.columns[4]]);
  assert.deepEqual(view.numbers.rows[0].slice(4), [0, null], 'the causal mask');
  assert.deepEqual(view.numbers.rows[3].slice(4), [null, 210 / 255], 'a cut');
  const svg = draw(view);
  holds(svg, 'Layer 0, head 0, does &lt;this&gt;', 'Layer 1, head 1, off', 'largest of 2 x 2', '“previous token”');
  assert.equal(svg.split('opacity="0.25"').length - 1, 3, 'all heads but the one that was looked for');
  assert.equal(svg.split('stroke-dasharray').length - 1, 1);
});

test('one head', () => {
  const picture = {
    ...{ values: attention.weights, size: 3, mask: true, signed: false, tokens, starts: [0, 1, 2] },
  };
  const view = headView(
    /** @type {any} */ ({
      ...{ attention, picture, stage: 'weights', name: 'Weights', low: 0, high: 1, power: 1, mask: true },
    }),
  );
  const svg = draw(view);
  holds(svg, 'Weights, layer 2, head 1', '·ro&lt;b&gt;', 'looked at', 'masked', '·it → The: 0.125', 'rgb(32,0,223)');
  assert.equal((svg.match(/→/g) ?? []).length, 6, 'masked cells are not drawn');
});

test('a map of many tokens is one picture of all its cells', () => {
  const size = 65;
  const rowNames = Array.from({ length: size }, (_, index) => `t${index}`);
  painted.length = 0;
  const svg = drawFigure(
    {
      ...{ title: 't', caption: [] },
      panels: [
        {
          ...{ kind: 'matrix', rowNames, columnNames: rowNames, values: new Float32Array(size * size).fill(1) },
          ...{ mask: true, signed: false, low: 0, high: 1, power: 1 },
        },
      ],
    },
    tools,
  );
  holds(svg, 'href="data:picture-1"', 't64');
  assert.equal(painted[0].width, size);
  assert.equal(painted[0].pixels.length, 4 * size * size);
  assert.deepEqual([...painted[0].pixels.subarray(0, 8)], [255, 0, 0, 255, 0, 0, 0, 0], 'the masked one is clear');
});

test('arcs of several heads and tokens', () => {
  const other = { ...attention, layer: 0, head: 3 };
  const view = arcsView([attention, other], tokens, new Set([2, 1]), 1);
  const svg = draw(view);
  holds(svg, 'What ·ro&lt;b&gt; ·it looks at', 'layer 2, head 1', 'layer 0, head 3', '← looks at', '100% of all');
  holds(svg, '·it looks at ·ro&lt;b&gt;: 50.0%', '#5a3ea6', '#8a4d05');
  // 2 and 3 looks, 2 and 1 of being looked at, in each of two heads
  assert.equal((svg.match(/<path d="M/g) ?? []).length, 16);
  assert.equal(view?.numbers.kind === 'table' && view.numbers.rows.length, 16);
  assert.equal(arcsView([], tokens, new Set([0]), 1), null);
  const size = 200;
  const many = Array.from({ length: size }, (_, index) => token(` w${index}`));
  const flat = { ...attention, size, weights: new Float32Array(size * size).fill(1 / size) };
  const long = arcsView([flat], many, new Set([size - 1]), 1);
  const wide = draw(long);
  assert.equal((wide.match(/<path d="M/g) ?? []).length, 60, 'as many as can be told apart');
  holds(wide, 'Of 400 lines the 60 strongest are drawn');
  assert.equal(long?.numbers.kind === 'table' && long.numbers.rows.length, 400, 'the numbers are all there');
});

test('guesses by depth, with the rank of the winner', () => {
  const depth = (/** @type {number | null} */ layer, /** @type {any} */ after, /** @type {number} */ rank) => ({
    ...{ layer, after, guesses: [guess(`${after}${layer ?? ''}`, 0.25)] },
    token: guess(' won', 0.5, rank),
  });
  const depths = [depth(null, 'embedding', 1000), depth(0, 'attention', 30), depth(0, 'mlp', 1)];
  const lenses = [
    { revision: 1, position: 1, depths: depths.map((each) => ({ ...each, token: null })) },
    { revision: 1, position: 2, depths },
  ];
  const view = lensView(lenses, tokens, { position: 2, halves: false });
  const svg = draw(view);
  holds(svg, 'L0 MLP', 'embedding', '·ro&lt;b&gt;', 'mlp0', 'Rank of ·won after ·it (2)', 'embedding: rank 1,000');
  assert.ok(!svg.includes('>attention0<'), 'as on the page');
  holds(draw(lensView(lenses, tokens, { position: 2, halves: true })), '>attention0<');
  assert.ok(!draw(lensView(lenses, tokens, { position: 1, halves: false })).includes('Rank of'));
});

test('the curve of ranks is one of powers of ten', () => {
  const { points, rules } = rankCurve([1000, 10, 1], 640);
  assert.deepEqual(
    rules.map(({ rank }) => rank),
    [1, 10, 100, 1000],
  );
  const [far, near, first] = points.map(({ y }) => y);
  assert.ok(Math.abs(far - near - 2 * (near - first)) < 1e-9, 'two decades and one');
  assert.equal(rankCurve([1], 640).points.length, 1);
});

test('the way of a token', () => {
  const vector = Float32Array.of(1, -2, 0, 0.5);
  const norm = { mean: 0, variance: 1, epsilon: 1e-5, output: vector };
  const journey = {
    ...{ revision: 1, position: 2, token: tokens[2], cached: 2, tokenEmbedding: vector, positionEmbedding: vector },
    ...{ residuals: Float32Array.from({ length: 12 }, (_, at) => at - 5), finalNorm: norm, logits: null },
    guesses: [guess(' best', 0.75), guess(' other', 0.125, 2)],
  };
  const block = {
    ...{ revision: 1, position: 2, layer: 0, input: vector, norm1: norm, query: vector, key: vector, value: vector },
    ...{ scores: new Float32Array(6), weights: Float32Array.of(1, 0, 0, 0.125, 0.625, 0.25), gathered: vector },
    ...{ projected: vector, attended: vector, norm2: norm, neurons: new Float32Array(16), activations: vector },
    ...{ mlp: vector, output: vector },
  };
  painted.length = 0;
  const svg = draw(blockView({ journey, block }, ['The', '·ro', '·it'], { heads: 2, head: 1 }));
  holds(svg, 'The way of ·it (2), block 0', 'query (4)', '±2.000', 'L0 MLP', '·best', '75.0%, logit 7.500');
  holds(svg, 'What ·it looks at in head 1 of block 0', '·ro 1', '62.5%');
  assert.equal(painted.length, 16, 'every vector');
  assert.deepEqual([...painted[0].pixels.subarray(4, 7)], [0, 0, 255], 'the most negative number has the first colour');
});

test('what speaks for a word', () => {
  const why = {
    ...{ revision: 1, position: 2, logit: 4, tokenEmbedding: 1, positionEmbedding: -0.5, finalBias: 0.25, rest: 0 },
    ...{
      heads: Float32Array.of(0.5, -1.5, 2, 0),
      mlps: Float32Array.of(0.25, 1),
      attentionBiases: new Float32Array(2),
    },
    sources: Float32Array.from({ length: 12 }, (_, at) => at / 8),
  };
  const svg = draw(whyView({ why, token: token(' a'), against: token(' b'), tokens, heads: 2 }));
  holds(svg, 'Why ·a rather than ·b after ·it (2)', 'L1 → MLP: 1.000', 'L0 → H1: −1.500', 'The logit 4.000 is');
  holds(svg, '−0.500', 'MLP of layer 1', 'Where layer 1, head 0 has it from', '+1.000', '·ro&lt;b&gt; 1');
});

test('two texts', () => {
  const other = /** @type {any} */ ({ revision: 2, tokens: [tokens[0], token(' cat'), tokens[2]] });
  const differences = { revision: 1, layers: 1, heads: 2, distances: Float32Array.of(0.125, 0.5) };
  const difference = { values: Float32Array.of(0, 0, -0.25, 0.25), tokens: [tokens[0], tokens[2]], layer: 0, head: 1 };
  const shown = {
    tokens,
    other,
    pairs: /** @type {[number, number][]} */ ([
      [0, 0],
      [2, 2],
    ]),
    differences,
    difference,
  };
  const svg = draw(compareView(shown, 'The cat it'));
  holds(svg, 'Attention in two texts', '·cat', 'L0 → H1: 0.500', 'Layer 0, head 1: weights in the second less');
  holds(svg, '·it → The: −0.250', 'The cat it');
  assert.equal((svg.match(/#d69a3c/g) ?? []).length, 2, 'what only one of them has');
  assert.ok(!draw(compareView({ ...shown, difference: null }, '')).includes('less those'));
  const long = Array.from({ length: 300 }, (_, index) => token(` w${index}`));
  const pairs = long.flatMap((_, index) => (index === 150 ? [] : [/** @type {[number, number]} */ ([index, index])]));
  const cut = draw(compareView({ ...shown, tokens: long, pairs, difference: null }, ''));
  holds(cut, '·w145', '·w155', '>…<');
  assert.ok(!cut.includes('·w144<') && !cut.includes('·w156<'), 'long texts are cut around what differs');
});

test('figures are well-formed whatever the tokens', () => {
  const figure = drawFigure(
    {
      title: 'a < b & "c"',
      caption: ['A caption that is long enough to be broken '.repeat(6), '\u0000\u0008'],
      panels: [
        {
          ...{ kind: 'matrix', rowNames: ['<i>', '&amp;'], columnNames: ['x', 'y'] },
          values: Float32Array.of(1, 0, Number.NaN, 0.5),
          ...{ mask: true, signed: false, low: 0, high: 1, power: 0.5 },
        },
      ],
    },
    tools,
  );
  assert.ok(!/<i>|\p{Cc}(?<!\n)/u.test(figure));
  assert.equal((figure.match(/→/g) ?? []).length, 3, 'the masked cell is not drawn');
  assert.ok(figure.includes('rgb(255,0,200)'), 'not a number is loud');
});

test('words are kept within their space', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrap('abcdefgh', 3), ['abc', 'def', 'gh']);
  assert.deepEqual(wrap('日本語の文', 4), ['日本', '語の', '文']);
  assert.equal(letters('a日😀'), 5);
  assert.equal(shorten('abcdef', 6), 'abcdef');
  assert.equal(shorten('abcdefg', 6), 'abcde…');
  assert.equal(shorten('日本語文', 6), '日本…');
});
