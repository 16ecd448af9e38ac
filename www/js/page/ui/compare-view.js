// @ts-check
import { formatShare, formatValue } from '../lib/format.js';
import { around } from '../lib/raster.js';
import { spokenToken } from '../lib/tokens.js';
import { strongestOf } from '../lib/vectors.js';
import { h } from './dom.js';
import { HeadMap } from './head-map.js';
import { HeatGrid } from './heat-grid.js';
import { ScaleLegend } from './scale-legend.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('../../shared/inspection.js').Compared} Compared
 * @typedef {import('../../shared/inspection.js').Differences} Differences
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../lib/colour.js').Palettes} Palettes
 * @typedef {{values: Float32Array, tokens: Token[], layer: number, head: number}} Difference
 */

const listed = 8;

/**
 * Two texts side by side: their tokens, how far each head's attention differs, and one head's difference.
 * Events: `compare` with `{text}`, `pick` with `{layer, head}`.
 */
export class CompareView extends EventTarget {
  #field = h('textarea', { id: 'other-text', rows: 2, 'aria-label': 'The other text' });
  #button = h('button', { type: 'button', class: 'primary compact', id: 'compare' }, 'Compare');
  #note = h('p', { class: 'note', role: 'status', id: 'compare-note' });
  #texts = h('div', { class: 'aligned', role: 'region', tabindex: 0, 'aria-label': 'Tokens of both texts' });
  #guesses = h('p', { class: 'note', id: 'compare-guesses' });
  #grid = new HeatGrid();
  #readout = h('p', { class: 'note', id: 'compare-readout' });
  #strong = h('ol', { class: 'finder-list', 'aria-label': 'Heads that changed most' });
  #map = new HeadMap('difference-map');
  #legend = new ScaleLegend();
  #title = h('h3', { id: 'difference-title' });
  #cell = h('p', { class: 'readout', id: 'difference-readout' });
  #body = h(
    'div',
    { class: 'compare-body', hidden: true },
    h('h3', {}, 'Tokens'),
    this.#texts,
    this.#guesses,
    h('h3', {}, 'How far each head’s attention differs'),
    h(
      'p',
      { class: 'note' },
      'Over the tokens that both have: half the sum of the differences of a row, mean over rows. 0 is the same, 1 could not differ more.',
    ),
    this.#grid.element,
    this.#readout,
    this.#strong,
    this.#title,
    this.#legend.element,
    this.#cell,
    this.#map.element,
  );
  element = h(
    'div',
    { class: 'compare-view' },
    h('p', { class: 'note' }, 'Change a word, and see which heads notice. The first text is the one above.'),
    this.#field,
    h('div', { class: 'compare-controls' }, this.#button, this.#note),
    this.#body,
  );
  /** @type {Palettes | null} */
  #palettes = null;
  /** @type {Differences | null} */
  #differences = null;
  /** @type {Difference | null} */
  #difference = null;
  /** @type {{tokens: readonly Token[], other: Compared, pairs: readonly [number, number][]} | null} */
  #compared = null;

  constructor() {
    super();
    this.#button.addEventListener('click', () => {
      this.dispatchEvent(new CustomEvent('compare', { detail: { text: this.#field.value } }));
    });
    const pick = (/** @type {number} */ layer, /** @type {number} */ head) =>
      this.dispatchEvent(new CustomEvent('pick', { detail: { layer, head } }));
    this.#grid.addEventListener('press', (event) => {
      const { row, column } = /** @type {CustomEvent} */ (event).detail.cell;
      pick(row, column);
    });
    this.#grid.addEventListener('cell', (event) => {
      const { cell } = /** @type {CustomEvent} */ (event).detail;
      const all = this.#differences;
      this.#readout.textContent =
        cell && all
          ? `Layer ${cell.row}, head ${cell.column}: ${formatValue(all.distances[cell.row * all.heads + cell.column])}`
          : '';
    });
    this.#strong.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button) pick(Number(button.dataset.ofLayer), Number(button.dataset.ofHead));
    });
    this.#map.addEventListener('cell', (event) => {
      this.#cell.textContent = '';
      const { cell } = /** @type {CustomEvent} */ (event).detail;
      if (cell && this.#difference) this.#cell.textContent = this.#say(cell);
    });
  }

  get text() {
    return this.#field.value;
  }

  set text(text) {
    this.#field.value = text;
  }

  /** What is drawn, for exports; null while nothing is. */
  get shown() {
    const [compared, differences] = [this.#compared, this.#differences];
    return compared && differences ? { ...compared, differences, difference: this.#difference } : null;
  }

  /** @param {Palettes} palettes */
  setPalettes(palettes) {
    this.#palettes = palettes;
    this.#drawGrid();
    this.#drawMap();
  }

  /** @param {string} note */
  tell(note) {
    this.#note.textContent = note;
  }

  clear() {
    this.#body.hidden = true;
    // Its map stays, unseen, and is laid out anew now and then.
    this.#map.select(null);
    this.#compared = this.#differences = this.#difference = null;
  }

  /**
   * @param {readonly Token[]} tokens
   * @param {Compared} other
   * @param {readonly [number, number][]} pairs
   */
  update(tokens, other, pairs) {
    this.#body.hidden = false;
    this.#compared = { tokens, other, pairs };
    const line = (
      /** @type {readonly Token[]} */ list,
      /** @type {Set<number>} */ common,
      /** @type {string} */ name,
    ) =>
      h(
        'p',
        { class: 'aligned-text' },
        h('span', { class: 'note' }, `${name} `),
        ...list.map((token, index) => h('span', { class: common.has(index) ? 'common' : 'own' }, tokenText(token))),
      );
    this.#texts.replaceChildren(
      line(tokens, new Set(pairs.map(([a]) => a)), 'first'),
      line(other.tokens, new Set(pairs.map(([, b]) => b)), 'second'),
    );
    this.#guesses.replaceChildren(
      'The second goes on with ',
      ...other.guesses
        .slice(0, 5)
        .flatMap(({ token, probability }, index) => [
          index ? ', ' : '',
          tokenText(token),
          ` ${formatShare(probability)}`,
        ]),
      '.',
    );
  }

  /** @param {Differences} differences */
  setDifferences(differences) {
    this.#differences = differences;
    this.element.dataset.revision = String(differences.revision);
    this.#drawGrid();
  }

  /**
   * @param {Float32Array} values (tokens, tokens)
   * @param {Token[]} tokens
   * @param {number} layer
   * @param {number} head
   */
  setDifference(values, tokens, layer, head) {
    this.#difference = { values, tokens, layer, head };
    this.#drawMap();
  }

  #drawGrid() {
    const all = this.#differences;
    if (!all || !this.#palettes) return;
    const { layers, heads, distances } = all;
    const high = distances.reduce((largest, value) => Math.max(largest, value), 0);
    this.#grid.update({
      values: distances,
      rowNames: Array.from({ length: layers }, (_, layer) => `L${layer}`),
      columnNames: Array.from({ length: heads }, (_, head) => `H${head}`),
      palette: this.#palettes.weights,
      low: 0,
      high,
      name: 'How far each head’s attention differs. Enter shows a head’s difference.',
      say: ({ row, column }) => `layer ${row}, head ${column}: ${formatValue(distances[row * heads + column])}`,
    });
    this.#strong.replaceChildren(
      ...strongestOf(distances, listed).map((at) => {
        const [layer, head] = [Math.floor(at / heads), at % heads];
        return h(
          'li',
          {},
          h(
            'button',
            { type: 'button', class: 'plain compact', 'data-of-layer': layer, 'data-of-head': head },
            `L${layer} H${head} · ${formatValue(distances[at])}`,
          ),
        );
      }),
    );
  }

  /** @param {{row: number, column: number}} cell */
  #say({ row, column }) {
    const { values, tokens = [] } = this.#difference ?? {};
    if (!values || !tokens[row] || !tokens[column]) return '';
    const value = values[row * tokens.length + column];
    return `${spokenToken(tokens[row])} looks at ${spokenToken(tokens[column])} ${value < 0 ? 'less' : 'more'} in the second text: ${formatValue(value)}`;
  }

  #drawMap() {
    const shown = this.#difference;
    if (!shown || !this.#palettes) return;
    const { values, tokens, layer, head } = shown;
    this.#title.textContent = `Layer ${layer}, head ${head}: the second less the first`;
    const from = values.reduce((least, value) => Math.min(least, value), 0);
    const to = values.reduce((most, value) => Math.max(most, value), 0);
    const bound = Math.max(-from, to);
    const scale = { palette: this.#palettes.scores, ...around(bound), power: 1 };
    this.#legend.update({ ...scale, from, to, masked: true });
    this.#map.update({
      ...scale,
      tokens,
      values,
      mask: true,
      name: `Difference of attention in layer ${layer}, head ${head}`,
      say: (cell) => this.#say(cell),
    });
  }
}
