// @ts-check
import { formatShare, formatValue } from '../lib/format.js';
import { h } from './dom.js';
import { tokenText } from './token-text.js';
import { VectorStrip } from './vector-strip.js';

/**
 * @typedef {import('../../shared/inspection.js').AttentionCell} AttentionCell
 * @typedef {import('../../shared/protocol.js').Token} Token
 */

/** How one attention weight comes about, from the query and the key to the share of the row. */
export class CellSum {
  #query = new VectorStrip('query', { kind: 'query' });
  #key = new VectorStrip('key', { kind: 'key' });
  #products = new VectorStrip('query × key');
  #steps = h('ol', { class: 'cell-steps' });
  #title = h('summary', {}, 'How this number comes about');
  #hint = h('p', { class: 'note' }, 'Point at a cell of the map.');
  #body = h(
    'div',
    { class: 'cell-body', hidden: true },
    this.#query.element,
    this.#key.element,
    this.#products.element,
    this.#steps,
  );
  element = h('details', { class: 'cell-sum', id: 'cell-sum' }, this.#title, this.#hint, this.#body);

  get open() {
    return this.element.open;
  }

  clear() {
    this.#hint.hidden = false;
    this.#body.hidden = true;
    delete this.element.dataset.row;
  }

  /**
   * @param {AttentionCell} cell
   * @param {readonly Token[]} tokens
   */
  update(cell, tokens) {
    const { row, column, query, key, products, sum, scale, score, masked, maximum, exponential, total, weight } = cell;
    this.#hint.hidden = true;
    this.#body.hidden = false;
    Object.assign(this.element.dataset, {
      row: String(row),
      column: String(column),
      sum: String(sum),
      weight: String(weight),
    });
    const [looking, source] = [tokenText(tokens[row]), tokenText(tokens[column])];
    this.#query.update(query);
    this.#key.update(key);
    this.#products.update(products);
    const root = formatValue(1 / scale);
    const number = (/** @type {number} */ value) => h('strong', {}, formatValue(value));
    const steps = [
      [
        h(
          'li',
          {},
          'The query of ',
          looking,
          ' times the key of ',
          source,
          ', number by number, added up: q·k = ',
          number(sum),
        ),
      ],
      [h('li', {}, `Divided by √${query.length} = ${root}: `, number(score))],
    ];
    if (masked || maximum === null || exponential === null || total === null || weight === null) {
      steps.push([
        h(
          'li',
          {},
          'Masked: ',
          tokenText(tokens[row]),
          ' must not look at ',
          tokenText(tokens[column]),
          ', so the score becomes −∞ and the weight ',
          h('strong', {}, '0'),
        ),
      ]);
    } else {
      steps.push(
        [
          h(
            'li',
            {},
            'Less the largest score of the row, so that nothing overflows: ',
            `${formatValue(score)} − ${maximum < 0 ? `(${formatValue(maximum)})` : formatValue(maximum)} = `,
            number(score - maximum),
          ),
        ],
        [h('li', {}, `e to that power: `, number(exponential))],
        [
          h(
            'li',
            {},
            `Divided by the sum over the row, ${formatValue(total)}: `,
            number(weight),
            ` = ${formatShare(weight)}`,
          ),
        ],
        [
          h(
            'li',
            {},
            `Its value has length ${formatValue(cell.valueNorm)}, and would add ${formatValue(cell.outputNorm)} to the stream; taken in at that weight: `,
            number(weight * cell.outputNorm),
          ),
        ],
      );
    }
    this.#steps.replaceChildren(...steps.flat());
  }
}
