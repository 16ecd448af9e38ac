// @ts-check
import { formatShare, formatValue } from '../lib/format.js';
import { extent, isMasked, rowSum, strongest } from '../lib/matrix.js';
import { spokenToken } from '../lib/tokens.js';
import { h } from './dom.js';
import { HeadMap } from './head-map.js';
import { ScaleLegend } from './scale-legend.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('../../shared/protocol.js').Attention} Attention
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../lib/colour.js').Palettes} Palettes
 * @typedef {import('./head-map.js').Cell} Cell
 * @typedef {'scores' | 'masked' | 'weights'} Stage
 */

/** @type {readonly {stage: Stage, label: string, help: string}[]} */
const stages = [
  {
    stage: 'scores',
    label: 'Raw scores',
    help: 'q·k / √%: how well each token’s query matches each token’s key, before the mask.',
  },
  {
    stage: 'masked',
    label: 'Masked scores',
    help: 'The same scores with everything to the right of the looking token struck out: it must not see what comes later.',
  },
  {
    stage: 'weights',
    label: 'Weights',
    help: 'After softmax: how much of each token is taken in. Every row adds up to 1.',
  },
];

const listed = 4;

/** What the readout's data attributes tell of a cell. */
const facts = ['row', 'column', 'value', 'rowSum', 'masked'];

/**
 * One head in large: the map, its scale, and in words what is under the cursor.
 * Events: `cell` with `{cell, pinned}`, `scale` when weights are to be coloured otherwise.
 */
export class HeadView extends EventTarget {
  #map = new HeadMap();
  #legend = new ScaleLegend();
  #title = h('h3', { id: 'head-title' }, 'Layer 0, head 0');
  #help = h('p', { class: 'note stage-help' });
  #lift = h('input', { type: 'checkbox', id: 'lift', checked: true });
  #liftChoice = h('label', { class: 'lift' }, this.#lift, 'lift small weights');
  #readout = h('p', { id: 'cell-readout', class: 'readout' });
  #sentence = h('p', { id: 'row-sentence', class: 'note row-sentence' });
  #live = h('p', { class: 'sr-only', 'aria-live': 'polite' });
  #scale = h('div', { class: 'scale', hidden: true }, this.#legend.element, this.#liftChoice);
  element;
  /** @type {Stage} */
  #stage = 'weights';
  /** @type {Attention | null} */
  #attention = null;
  /** @type {Token[]} */
  #tokens = [];
  /** @type {Palettes | null} */
  #palettes = null;
  /** @type {Cell | null} */
  #cell = null;
  #depth = 64;
  /** Whether what is drawn is another head than the chosen one. */
  #waiting = false;

  constructor() {
    super();
    const switches = stages.map(({ stage, label }) =>
      h(
        'label',
        { class: 'stage' },
        h('input', { type: 'radio', name: 'stage', value: stage, checked: stage === this.#stage }),
        h('span', {}, label),
      ),
    );
    const choice = h(
      'fieldset',
      { class: 'stages' },
      h('legend', { class: 'sr-only' }, 'Stage of the computation'),
      ...switches,
    );
    choice.addEventListener('change', (event) => {
      const chosen = stages.find(
        ({ stage }) => event.target instanceof HTMLInputElement && stage === event.target.value,
      );
      if (chosen) this.#stage = chosen.stage;
      this.#draw();
    });
    this.#lift.addEventListener('change', () => {
      this.#draw();
      this.dispatchEvent(new Event('scale'));
    });
    this.#map.addEventListener('cell', (event) => {
      const { detail } = /** @type {CustomEvent<{cell: Cell | null, pinned: boolean}>} */ (event);
      this.#cell = detail.cell;
      this.#drawReadout();
      this.dispatchEvent(new CustomEvent('cell', { detail }));
    });
    this.element = h(
      'div',
      { class: 'head-view' },
      h('div', { class: 'head-bar' }, this.#title, choice),
      this.#help,
      this.#scale,
      this.#readout,
      this.#sentence,
      this.#map.element,
      this.#live,
    );
    this.#drawReadout();
  }

  /** Exponent of the colour scale of weights: most are far below the 1 that every map has in its first row. */
  get power() {
    return this.#lift.checked ? 0.5 : 1;
  }

  /** @param {number} depth length of a query, whose root the scores are divided by */
  setDepth(depth) {
    this.#depth = depth;
  }

  /** @param {Palettes} palettes */
  setPalettes(palettes) {
    this.#palettes = palettes;
    this.#draw();
  }

  /**
   * @param {Attention} attention
   * @param {Token[]} tokens
   */
  update(attention, tokens) {
    this.#attention = attention;
    this.#tokens = tokens;
    this.#setWaiting(false);
    this.#draw();
  }

  /**
   * Another head was chosen while text is being generated; its map can only come afterwards.
   * @param {number} layer
   * @param {number} head
   */
  waitFor(layer, head) {
    this.#setWaiting(this.#attention?.layer !== layer || this.#attention.head !== head);
    this.#title.textContent = `Layer ${layer}, head ${head}`;
    this.#drawReadout();
  }

  /** @param {boolean} waiting */
  #setWaiting(waiting) {
    this.#waiting = waiting;
    this.element.classList.toggle('waiting', waiting);
  }

  /** Pins the strongest cell of a row. @param {number} row */
  selectRow(row) {
    if (!this.#attention || this.#waiting || row >= this.#attention.size) return;
    const [first] = strongest(this.#attention.weights, this.#attention.size, row, 1);
    this.#map.select({ row, column: first.column });
  }

  #draw() {
    const attention = this.#attention;
    if (!attention || this.#waiting || !this.#palettes) return;
    const { layer, head, size, weights, scores } = attention;
    const stage = this.#stage;
    const masked = stage !== 'scores';
    const values = stage === 'weights' ? weights : scores;
    const range = extent(values, size, masked);
    const bound = Math.max(Math.abs(range.low), Math.abs(range.high));
    const [low, high] = stage === 'weights' ? [0, 1] : [-bound, bound];
    const palette = stage === 'weights' ? this.#palettes.weights : this.#palettes.scores;
    const power = stage === 'weights' ? this.power : 1;
    const { label, help } = stages.find((entry) => entry.stage === stage) ?? stages[0];
    this.#title.textContent = `Layer ${layer}, head ${head}`;
    this.#help.textContent = help.replace('%', String(this.#depth));
    this.#scale.hidden = false;
    this.#liftChoice.hidden = stage !== 'weights';
    this.#legend.update({ palette, low, high, power, from: range.low, to: range.high, masked });
    this.element.dataset.layer = String(layer);
    this.element.dataset.head = String(head);
    this.element.dataset.revision = String(attention.revision);
    const name = `${label} of layer ${layer}, head ${head}: ${size} by ${size} tokens. Arrow keys move from cell to cell.`;
    this.#map.update({ tokens: this.#tokens, values, masked, palette, low, high, power, name });
  }

  #drawReadout() {
    const readout = this.#readout;
    const attention = this.#attention;
    if (!attention || this.#waiting) {
      for (const name of facts) delete readout.dataset[name];
      readout.textContent = this.#waiting
        ? 'The map of this head follows when the text is complete.'
        : 'The map appears as soon as the model has read the text.';
      return;
    }
    const { size, weights, scores } = attention;
    const cell = this.#cell;
    this.#drawSentence(cell?.row ?? size - 1);
    if (!cell) {
      for (const name of facts) delete readout.dataset[name];
      readout.textContent = 'Point at a cell to read it; click to keep it.';
      return;
    }
    const { row, column } = cell;
    const masked = isMasked(row, column);
    const stage = this.#stage;
    const at = row * size + column;
    let value = stage === 'weights' ? weights[at] : scores[at];
    if (stage === 'masked' && masked) value = Number.NEGATIVE_INFINITY;
    const sum = rowSum(weights, size, row);
    Object.assign(readout.dataset, {
      row: String(row),
      column: String(column),
      value: String(value),
      rowSum: String(sum),
      masked: String(masked),
    });
    const shown =
      masked && stage !== 'scores' ? `masked (${stage === 'masked' ? '−∞' : 'weight 0'})` : formatValue(value);
    const tail = stage === 'weights' ? ` · row sum ${sum.toFixed(4)}` : '';
    readout.replaceChildren(
      tokenText(this.#tokens[row]),
      h('span', { class: 'at' }, ` ${row}`),
      ' looks at ',
      tokenText(this.#tokens[column]),
      h('span', { class: 'at' }, ` ${column}`),
      ': ',
      h('strong', {}, shown),
      tail,
    );
    this.#live.textContent = `${spokenToken(this.#tokens[row])} looks at ${spokenToken(this.#tokens[column])}: ${shown}`;
  }

  /** @param {number} row */
  #drawSentence(row) {
    const attention = this.#attention;
    if (!attention || row >= attention.size) return;
    const found = strongest(attention.weights, attention.size, row, listed);
    const parts = found.flatMap(({ column, value }, index) => [
      index ? ', ' : '',
      tokenText(this.#tokens[column]),
      ` ${formatShare(value)}`,
    ]);
    this.#sentence.replaceChildren(tokenText(this.#tokens[row]), ' looks at: ', ...parts);
  }
}
