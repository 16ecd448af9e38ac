// @ts-check
import { formatShare, formatValue } from '../lib/format.js';
import { isMasked, rowSum, strongest } from '../lib/matrix.js';
import { spokenToken } from '../lib/tokens.js';
import { h } from './dom.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('./head-map.js').Cell} Cell
 *
 * @typedef {object} Told
 * @property {import('../lib/stages.js').Picture} picture
 * @property {Float32Array} weights (T, T)
 * @property {import('../lib/matrix.js').Mask} mask   of the weights
 * @property {import('../lib/stages.js').Stage} stage
 * @property {boolean} scaled   weights are times lengths of values
 * @property {boolean} noSink
 */

const listed = 4;

/** What the readout's data attributes tell of a cell. */
const facts = ['row', 'column', 'value', 'rowSum', 'masked'];

/** @param {Told} told @param {Cell} cell */
function inWords({ picture, stage, scaled, noSink }, { row, column }) {
  if (isMasked(picture.mask, picture.size, row, column)) {
    if (noSink && stage === 'weights' && column === 0) return 'left out';
    return `masked (${stage === 'masked' ? '−∞' : 'weight 0'})`;
  }
  const value = picture.values[row * picture.size + column];
  return stage === 'weights' && !scaled ? `${formatValue(value)} (${formatShare(value)})` : formatValue(value);
}

/** A cell in a sentence, for screen readers. @param {Told} told @param {Cell} cell */
export function spokenCell(told, cell) {
  const { tokens } = told.picture;
  if (!tokens[cell.row] || !tokens[cell.column]) return '';
  return `${spokenToken(tokens[cell.row])} looks at ${spokenToken(tokens[cell.column])}: ${inWords(told, cell)}`;
}

/** In words what is under the cursor, and what its row looks at most. */
export class CellReadout {
  #cell = h('p', { id: 'cell-readout', class: 'readout' });
  #row = h('p', { id: 'row-sentence', class: 'note row-sentence' });
  element = h('div', {}, this.#cell, this.#row);

  /**
   * @param {Told | null} told
   * @param {Cell | null} cell
   * @param {boolean} waiting   another head's map is to come
   */
  update(told, cell, waiting) {
    for (const name of facts) delete this.#cell.dataset[name];
    if (!told) {
      this.#cell.textContent = waiting
        ? 'The map of this head follows when the text is complete.'
        : 'The map appears as soon as the model has read the text.';
      return;
    }
    const { picture, stage, scaled } = told;
    const { size, tokens, values } = picture;
    this.#describeRow(told, cell?.row ?? size - 1);
    if (!cell || cell.row >= size || cell.column >= size) {
      this.#cell.textContent = 'Point at a cell to read it; click to keep it.';
      return;
    }
    const { row, column } = cell;
    const masked = isMasked(picture.mask, size, row, column);
    const value = masked && stage === 'masked' ? Number.NEGATIVE_INFINITY : values[row * size + column];
    const sum = rowSum(values, size, row);
    Object.assign(this.#cell.dataset, {
      row: String(row),
      column: String(column),
      value: String(value),
      rowSum: String(sum),
      masked: String(masked),
    });
    this.#cell.replaceChildren(
      tokenText(tokens[row]),
      h('span', { class: 'at' }, ` ${row}`),
      ' looks at ',
      tokenText(tokens[column]),
      h('span', { class: 'at' }, ` ${column}`),
      ': ',
      h('strong', {}, inWords(told, cell)),
      stage === 'weights' && !scaled ? ` · row sum ${sum.toFixed(4)}` : '',
    );
  }

  /** @param {Told} told @param {number} row */
  #describeRow({ picture, weights, mask, stage, scaled }, row) {
    const { size, tokens } = picture;
    if (row >= size) return;
    const ofWeights = stage === 'weights';
    const found = strongest(ofWeights ? picture.values : weights, size, row, listed, ofWeights ? picture.mask : mask);
    const parts = found.flatMap(({ column, value }, index) => [
      index ? ', ' : '',
      tokenText(tokens[column]),
      ` ${scaled ? formatValue(value) : formatShare(value)}`,
    ]);
    this.#row.replaceChildren(tokenText(tokens[row]), ' looks at: ', ...(parts.length ? parts : ['nothing']));
  }
}
