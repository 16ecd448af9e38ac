// @ts-check
import { shareCells } from '../lib/depths.js';
import { formatSigned, formatValue } from '../lib/format.js';
import { around } from '../lib/raster.js';
import { spokenToken } from '../lib/tokens.js';
import { strongestOf } from '../lib/vectors.js';
import { h } from './dom.js';
import { HeatGrid } from './heat-grid.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('../../shared/inspection.js').Why} Why
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../lib/raster.js').Palette} Palette
 */

const listed = 8;
const sourcesListed = 6;

/**
 * What speaks for a word: the direct share of every head and MLP in its logit.
 * Events: `token` with `{id}` and `against` with `{id}` (null for none), `pick` with `{layer, head}`.
 */
export class WhyView extends EventTarget {
  #token = h('select', { id: 'why-token' });
  #against = h('select', { id: 'why-against' });
  #sum = h('p', { id: 'why-sum', class: 'why-sum' });
  #grid = new HeatGrid();
  #readout = h('p', { class: 'readout', id: 'why-readout' });
  #strong = h('ol', { class: 'why-strong', 'aria-label': 'The strongest' });
  #sources = h('p', { class: 'note', id: 'why-sources' });
  element = h(
    'div',
    { class: 'why-view' },
    h(
      'p',
      { class: 'note' },
      'The logit of a word is a sum: every head and every MLP adds its part to the stream, and the output matrix reads them all. Purple speaks for the word, orange against it. Only direct shares are here; what a head does through later layers, switching it off shows.',
    ),
    h(
      'div',
      { class: 'why-controls' },
      h('label', {}, 'Why ', this.#token),
      h('label', {}, 'rather than ', this.#against),
    ),
    this.#sum,
    h(
      'div',
      { class: 'why-columns' },
      h('div', {}, this.#grid.element, this.#readout),
      h('div', {}, h('h3', {}, 'Strongest'), this.#strong, this.#sources),
    ),
  );
  /** @type {Palette | null} */
  #palette = null;
  /** @type {Why | null} */
  #why = null;
  #heads = 1;
  /** @type {Token[]} */
  #offered = [];
  /** @type {readonly Token[]} */
  #tokens = [];

  constructor() {
    super();
    const chosen = (/** @type {HTMLSelectElement} */ select) => (select.value === '' ? null : Number(select.value));
    this.#token.addEventListener('change', () => {
      this.dispatchEvent(new CustomEvent('token', { detail: { id: chosen(this.#token) } }));
    });
    this.#against.addEventListener('change', () => {
      this.dispatchEvent(new CustomEvent('against', { detail: { id: chosen(this.#against) } }));
    });
    this.#grid.addEventListener('cell', (event) => {
      const { cell } = /** @type {CustomEvent} */ (event).detail;
      this.#read(cell);
    });
    this.#grid.addEventListener('press', (event) => {
      const { row, column } = /** @type {CustomEvent} */ (event).detail.cell;
      if (column < this.#heads) this.dispatchEvent(new CustomEvent('pick', { detail: { layer: row, head: column } }));
    });
    this.#strong.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button) this.#grid.point({ row: Number(button.dataset.row), column: Number(button.dataset.column) });
    });
  }

  /** What is drawn, for exports; null while nothing is. */
  get shown() {
    if (!this.#why) return null;
    const [why, tokens, heads] = [this.#why, this.#tokens, this.#heads];
    const offered = (/** @type {HTMLSelectElement} */ { value }) =>
      this.#offered.find(({ id }) => String(id) === value) ?? null;
    return { why, tokens, heads, token: offered(this.#token), against: offered(this.#against) };
  }

  /** @param {Palette} palette */
  setPalette(palette) {
    this.#palette = palette;
    this.#draw();
  }

  /**
   * What can be asked about.
   * @param {readonly {token: Token}[]} candidates
   * @param {number | null} token
   * @param {number | null} against
   */
  offer(candidates, token, against) {
    this.#offered = candidates.map(({ token: each }) => each);
    const options = () => this.#offered.map((each) => h('option', { value: each.id }, spokenToken(each)));
    this.#token.replaceChildren(...options());
    this.#against.replaceChildren(h('option', { value: '' }, '(nothing: the logit itself)'), ...options());
    if (token !== null) this.#token.value = String(token);
    this.#against.value = against === null ? '' : String(against);
  }

  /**
   * @param {Why} why
   * @param {readonly Token[]} tokens
   * @param {number} heads
   */
  update(why, tokens, heads) {
    this.#why = why;
    this.#tokens = tokens;
    this.#heads = heads;
    this.element.dataset.revision = String(why.revision);
    this.#draw();
  }

  #draw() {
    const why = this.#why;
    if (!why || !this.#palette) return;
    const cells = shareCells(why);
    const columns = this.#heads + 1;
    const bound = cells.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    this.#grid.update({
      values: cells,
      rowNames: Array.from(why.mlps, (_, layer) => `L${layer}`),
      columnNames: [...Array.from({ length: this.#heads }, (_, head) => `H${head}`), 'MLP'],
      palette: this.#palette,
      ...around(bound),
      name: 'Direct share of every head and MLP. Enter opens a head.',
      say: ({ row, column }) => `${this.#name(row, column)}: ${formatSigned(cells[row * columns + column])}`,
    });
    const total = (/** @type {Float32Array} */ values) => values.reduce((sum, value) => sum + value, 0);
    this.element.dataset.logit = String(why.logit);
    this.#sum.textContent = [
      `${formatValue(why.logit)} =`,
      `${formatValue(why.tokenEmbedding)} token`,
      `${formatSigned(why.positionEmbedding)} position`,
      `${formatSigned(total(why.heads))} heads`,
      `${formatSigned(total(why.attentionBiases))} biases of attention`,
      `${formatSigned(total(why.mlps))} MLPs`,
      `${formatSigned(why.finalBias)} last bias`,
      `${formatSigned(why.rest)} rounding to int8`,
    ].join(' ');
    this.#strong.replaceChildren(
      ...strongestOf(cells, listed, Math.abs).map((at) => {
        const [row, column] = [Math.floor(at / columns), at % columns];
        return h(
          'li',
          {},
          h(
            'button',
            { type: 'button', class: 'plain compact', 'data-row': row, 'data-column': column },
            `${this.#name(row, column)} ${formatSigned(cells[at])}`,
          ),
        );
      }),
    );
    const [top] = strongestOf(cells, 1, Math.abs);
    this.#read({ row: Math.floor(top / columns), column: top % columns });
  }

  /** @param {number} row @param {number} column */
  #name(row, column) {
    return column === this.#heads ? `MLP of layer ${row}` : `layer ${row}, head ${column}`;
  }

  /** @param {{row: number, column: number} | null} cell */
  #read(cell) {
    const why = this.#why;
    if (!cell || !why) return;
    const { row, column } = cell;
    const isMlp = column === this.#heads;
    const value = isMlp ? why.mlps[row] : why.heads[row * this.#heads + column];
    this.#readout.dataset.value = String(value);
    this.#readout.replaceChildren(`${this.#name(row, column)}: `, h('strong', {}, formatSigned(value)));
    if (isMlp) {
      this.#sources.textContent = 'An MLP works on the token alone.';
      return;
    }
    const size = this.#tokens.length;
    const start = (row * this.#heads + column) * size;
    const shares = why.sources.subarray(start, start + size);
    const parts = strongestOf(shares, sourcesListed, Math.abs).flatMap((at, index) => [
      index ? ', ' : '',
      tokenText(this.#tokens[at]),
      h('span', { class: 'at' }, ` ${at}`),
      ` ${formatSigned(shares[at])}`,
    ]);
    this.#sources.replaceChildren(`Layer ${row}, head ${column} has it from `, ...parts, '.');
  }
}
