// @ts-check
/** Views as data to be saved: numbers with names. */
import { arcs as arcsOf } from '../lib/arcs.js';
import { tokenLabel } from '../lib/tokens.js';

/**
 * @typedef {import('./exporting.js').MatrixView} MatrixView
 * @typedef {import('./exporting.js').TableView} TableView
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('../../shared/inspection.js').Journey} Journey
 * @typedef {import('../../shared/inspection.js').JourneyLayer} JourneyLayer
 * @typedef {import('../../shared/inspection.js').Lens} Lens
 * @typedef {import('../../shared/protocol.js').Token} Token
 */

/** @type {Record<import('../lib/stages.js').Stage, string>} */
const notes = {
  products: 'q·k: the product of each query with each key.',
  scores: 'q·k / √d: the scaled score.',
  masked: 'q·k / √d, under the causal mask.',
  weights: 'Attention weights, after softmax.',
};

/** @param {import('../ui/head-view.js').HeadView['shown']} shown @returns {MatrixView | null} */
export function headView(shown) {
  if (!shown) return null;
  const { attention, picture, stage, name, low, high, power, mask } = shown;
  const names = picture.tokens.map(tokenLabel);
  return {
    kind: 'matrix',
    file: `attention-l${attention.layer}-h${attention.head}-${stage}`,
    title: `${name}, layer ${attention.layer}, head ${attention.head}`,
    note: `${notes[stage]} Rows look, columns are looked at.`,
    rowNames: names,
    columnNames: names,
    values: picture.values,
    signed: picture.signed,
    sides: ['looks', 'looked at'],
    ...{ mask, low, high, power },
  };
}

/**
 * @param {import('../ui/heat-grid.js').HeatData | null} shown
 * @param {string} file
 * @param {string} title
 * @param {boolean} signed
 * @param {[string, string]} sides
 * @returns {MatrixView | null}
 */
export function heatView(shown, file, title, signed, sides) {
  if (!shown) return null;
  const { values, rowNames, columnNames, low, high } = shown;
  return {
    ...{ kind: 'matrix', file, title, note: `${title}.`, rowNames, columnNames, low, high, signed, sides },
    values: Float32Array.from(values),
    mask: false,
    power: 1,
  };
}

/**
 * @param {Attention[]} maps
 * @param {readonly Token[]} tokens
 * @param {number} position
 * @param {number} share
 * @returns {TableView | null}
 */
export function arcsView(maps, tokens, position, share) {
  if (maps.length === 0) return null;
  return {
    kind: 'table',
    file: 'looks',
    title: `What ${tokenLabel(tokens[position])} looks at, and who looks at it`,
    note: `The strongest looks, together ${Math.round(share * 100)}% of all.`,
    columns: ['layer', 'head', 'from', 'to', 'from position', 'to position', 'weight'],
    rows: maps.flatMap((map) =>
      arcsOf(map, new Set([position]), share).map(({ from, to, side, weight }) => {
        const [row, column] = side === 'looks' ? [from, to] : [to, from];
        return [map.layer, map.head, tokenLabel(tokens[row]), tokenLabel(tokens[column]), row, column, weight];
      }),
    ),
    array: null,
  };
}

/**
 * @param {Lens[]} lenses
 * @param {readonly Token[]} tokens
 * @returns {TableView | null}
 */
export function lensView(lenses, tokens) {
  if (lenses.length === 0) return null;
  const first = lenses[0].depths;
  return {
    kind: 'table',
    file: 'guesses-by-depth',
    title: 'The most probable next token at every depth',
    note: 'Columns are tokens of the text, rows the stream after each block, read through the final LayerNorm and the output matrix (logit lens).',
    columns: ['depth', ...lenses.map(({ position }) => tokenLabel(tokens[position]))],
    rows: first.flatMap(({ layer, after }, index) =>
      after === 'attention'
        ? []
        : [
            [
              layer === null ? 'embedding' : `L${layer}`,
              ...lenses.map(({ depths }) => tokenLabel(depths[index].guesses[0].token)),
            ],
          ],
    ),
    array: {
      values: Float32Array.from(lenses.flatMap(({ depths }) => depths.map(({ guesses }) => guesses[0].probability))),
      shape: [lenses.length, first.length],
    },
  };
}

/**
 * @param {{journey: Journey, block: JourneyLayer}} drawn
 * @param {string[]} names
 * @param {number} heads
 * @returns {TableView}
 */
export function blockView({ journey, block }, names, heads) {
  /** @type {[string, Float32Array][]} */
  const vectors = [
    ['token embedding', journey.tokenEmbedding],
    ['position embedding', journey.positionEmbedding],
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
    ['after the final LayerNorm', journey.finalNorm.output],
  ];
  return {
    kind: 'table',
    file: `journey-${journey.position}-l${block.layer}`,
    title: `Vectors of ${names[journey.position]}, block ${block.layer}`,
    note: `Token ${journey.position}; queries, keys and values are those of ${heads} heads side by side. NPY holds the residual stream.`,
    columns: ['vector', 'index', 'value'],
    rows: vectors.flatMap(([name, values]) => Array.from(values, (value, index) => [name, index, value])),
    array: {
      values: journey.residuals,
      shape: [journey.residuals.length / journey.tokenEmbedding.length, journey.tokenEmbedding.length],
    },
  };
}
