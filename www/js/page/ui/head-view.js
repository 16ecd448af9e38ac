// @ts-check
import { extent, strongest } from '../lib/matrix.js';
import { around } from '../lib/raster.js';
import { picture, stageOrder } from '../lib/stages.js';
import { CellReadout, spokenCell } from './cell-readout.js';
import { CellSum } from './cell-sum.js';
import { h } from './dom.js';
import { HeadMap } from './head-map.js';
import { ScaleLegend } from './scale-legend.js';
import { StageStrip } from './stage-strip.js';

/**
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('../../shared/inspection.js').ValueNorms} ValueNorms
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../lib/colour.js').Palettes} Palettes
 * @typedef {import('../lib/stages.js').Stage} Stage
 * @typedef {import('../lib/stages.js').Picture} Picture
 * @typedef {import('./head-map.js').Cell} Cell
 */

/** @type {Record<Stage, string>} */
const names = { products: 'Products', scores: 'Scaled scores', masked: 'Masked scores', weights: 'Weights' };

/** @type {Record<Stage, string>} */
const helps = {
  products: 'q·k: each token’s query times each token’s key, number by number, added up. Large where they match.',
  scores:
    'Divided by √%, the root of the length of q and k. Without it, long vectors would make the softmax all or nothing.',
  masked:
    'Everything to the right of the looking token is struck out: it must not see what comes later, or guessing the next word would be no guess.',
  weights: 'After softmax: how much of each token is taken in. Every row adds up to 1.',
};

/**
 * One head in large: its stages, the map, its scale, and in words what is under the cursor.
 * Events: `cell` with `{cell, pinned}` in tokens, `press` with `{cell}`, `scale` when weights are to be coloured otherwise, `stage`,
 * `options` when something else is to be asked for.
 */
export class HeadView extends EventTarget {
  #map = new HeadMap('head-map');
  #legend = new ScaleLegend();
  #strip = new StageStrip();
  sum = new CellSum();
  #title = h('h3', { id: 'head-title' }, 'Layer 0, head 0');
  #does = h('p', { class: 'note head-does' });
  #help = h('p', { class: 'note stage-help' });
  #lift = check('lift', 'lift small weights', true);
  #norms = check('norms', 'weight × |value|');
  #noSink = check('no-sink', 'hide the first token');
  #words = check('words', 'whole words');
  #readout = new CellReadout();
  #growth = h('p', { id: 'growth', class: 'note growth' });
  #aside = h('p', { class: 'note option-help' });
  #options = h(
    'div',
    { class: 'map-options' },
    ...[this.#lift, this.#norms, this.#noSink, this.#words].map(({ label }) => label),
  );
  #scale = h('div', { class: 'scale', hidden: true }, this.#legend.element, this.#options);
  tools = h('div', { class: 'head-tools' });
  element;
  /** @type {Stage} */
  #stage = 'weights';
  /** @type {Attention | null} */
  #attention = null;
  /** @type {readonly Token[]} */
  #tokens = [];
  /** @type {Uint8Array | null} */
  #mask = null;
  /** Lengths of what each value adds, of the head that was last asked about. @type {ValueNorms | null} */
  #valueNorms = null;
  /** @type {Picture | null} */
  #picture = null;
  /** @type {Palettes | null} */
  #palettes = null;
  /** The cell of the map. @type {Cell | null} */
  #cell = null;
  #depth = 64;
  #fresh = 0;
  /** Whether what is drawn is another head than the chosen one. */
  #waiting = false;
  #pending = 0;

  constructor() {
    super();
    this.#strip.choose(this.#stage);
    this.#strip.addEventListener('stage', (event) => {
      this.setStage(/** @type {CustomEvent<{stage: Stage}>} */ (event).detail.stage);
    });
    this.#lift.input.addEventListener('change', () => {
      this.#draw();
      this.dispatchEvent(new Event('scale'));
    });
    for (const { input } of [this.#norms, this.#noSink, this.#words]) {
      input.addEventListener('change', () => {
        // They are about weights; nothing would happen otherwise.
        if (this.#stage !== 'weights') this.setStage('weights');
        else this.#draw();
        this.dispatchEvent(new Event('options'));
      });
    }
    this.#map.addEventListener('cell', (event) => {
      const { detail } = /** @type {CustomEvent<{cell: Cell | null, pinned: boolean}>} */ (event);
      this.#cell = detail.cell;
      this.#drawReadout();
      this.#strip.point(this.tokenCell, this.#attention?.size ?? 0);
      this.dispatchEvent(new CustomEvent('cell', { detail: { cell: this.tokenCell, pinned: detail.pinned } }));
    });
    this.#map.addEventListener('press', () => {
      this.dispatchEvent(new CustomEvent('press', { detail: { cell: this.tokenCell } }));
    });
    this.element = h(
      'div',
      { class: 'head-view' },
      h('div', { class: 'head-bar' }, this.#title, this.tools),
      this.#does,
      this.#strip.element,
      this.#help,
      this.#scale,
      this.#aside,
      this.#readout.element,
      this.#map.element,
      this.#growth,
      this.sum.element,
    );
    this.#drawReadout();
  }

  /** Exponent of the colour scale of weights: most are far below the 1 that every map has in its first row. */
  get power() {
    return this.#lift.input.checked ? 0.5 : 1;
  }

  get stage() {
    return this.#stage;
  }

  /** What the switches say. */
  get options() {
    return {
      lift: this.#lift.input.checked,
      norms: this.#norms.input.checked,
      noSink: this.#noSink.input.checked,
      words: this.#words.input.checked,
    };
  }

  /** @param {Partial<{lift: boolean, norms: boolean, noSink: boolean, words: boolean}>} options */
  setOptions({ lift, norms, noSink, words }) {
    if (lift !== undefined) this.#lift.input.checked = lift;
    if (norms !== undefined) this.#norms.input.checked = norms;
    if (noSink !== undefined) this.#noSink.input.checked = noSink;
    if (words !== undefined) this.#words.input.checked = words;
    this.#draw();
    this.dispatchEvent(new Event('options'));
  }

  /** What is drawn at present, for exports. */
  get shown() {
    return this.#attention && this.#picture && !this.#waiting
      ? {
          attention: this.#attention,
          picture: this.#picture,
          stage: this.#stage,
          name: names[this.#stage],
          ...this.#colours(),
        }
      : null;
  }

  /** The cell in tokens: a word stands for its first. @returns {Cell | null} */
  get tokenCell() {
    const starts = this.#picture?.starts;
    if (!this.#cell || !starts) return null;
    return { row: starts[this.#cell.row], column: starts[this.#cell.column] };
  }

  /** @param {Stage} stage */
  setStage(stage) {
    if (!stageOrder.includes(stage)) return;
    this.#stage = stage;
    this.#strip.choose(stage);
    this.#draw();
    this.dispatchEvent(new Event('stage'));
  }

  /** @param {number} depth length of a query, whose root the scores are divided by */
  setDepth(depth) {
    this.#depth = depth;
    this.#strip.setDepth(depth);
  }

  /** @param {Palettes} palettes */
  setPalettes(palettes) {
    this.#palettes = palettes;
    this.#draw();
  }

  /** What the head does on this text, if anything stands out. @param {string} sentence */
  setDoes(sentence) {
    this.#does.textContent = sentence;
  }

  /**
   * @param {Attention} attention
   * @param {readonly Token[]} tokens
   * @param {{mask?: Uint8Array | null, fresh?: number}} [more]
   *   `mask` of an altered run; `fresh`: rows from here on came with the newest text, the others stayed
   */
  update(attention, tokens, { mask = null, fresh = 0 } = {}) {
    this.#attention = attention;
    this.#tokens = tokens;
    this.#mask = mask;
    this.#fresh = fresh;
    this.#setWaiting(false);
    this.#draw();
  }

  /** Those of the head that is drawn, once they are there. */
  get #lengths() {
    const [norms, map] = [this.#valueNorms, this.#attention];
    const fits = norms?.revision === map?.revision && norms?.layer === map?.layer && norms?.head === map?.head;
    return norms && fits ? norms.outputs : null;
  }

  /** @param {ValueNorms | null} norms */
  setLengths(norms) {
    this.#valueNorms = norms;
    if (this.#norms.input.checked) this.#draw();
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

  /** Pins the strongest cell of a row. @param {number} row   of tokens */
  selectRow(row) {
    const picture = this.#picture;
    if (!this.#attention || !picture || this.#waiting) return;
    const own = holder(picture.starts, row);
    if (own < 0 || row >= this.#attention.size) return;
    const weights = picture.size === this.#attention.size ? this.#attention.weights : picture.values;
    const [first] = strongest(weights, picture.size, own, 1, picture.mask);
    if (first) this.#map.select({ row: own, column: first.column });
  }

  /** @param {Cell | null} cell   of tokens */
  selectCell(cell) {
    const starts = this.#picture?.starts;
    if (!starts || !cell) {
      this.#map.select(null);
      return;
    }
    const row = holder(starts, cell.row);
    const column = holder(starts, cell.column);
    if (row >= 0 && column >= 0) this.#map.select({ row, column });
  }

  /** @param {Stage} [stage] @param {Picture | null} [shown] */
  #colours(stage = this.#stage, shown = this.#picture) {
    const palettes = /** @type {Palettes} */ (this.#palettes);
    const { values, size, mask, signed } = /** @type {Picture} */ (shown);
    const range = extent(values, size, mask);
    const bound = Math.max(Math.abs(range.low), Math.abs(range.high));
    const fixed = stage === 'weights' && !(this.#norms.input.checked && this.#lengths);
    const { low, high } = signed ? around(bound) : { low: 0, high: fixed ? 1 : bound };
    return {
      palette: signed ? palettes.scores : palettes.weights,
      low,
      high,
      power: signed ? 1 : this.power,
      from: range.low,
      to: range.high,
      mask,
    };
  }

  #draw() {
    const attention = this.#attention;
    if (!attention || this.#waiting || !this.#palettes) return;
    const { layer, head } = attention;
    const { norms, noSink, words } = this.options;
    const stage = this.#stage;
    const lengths = norms ? this.#lengths : null;
    const shown = picture(attention, this.#tokens, { stage, noSink, norms: lengths, words }, this.#mask);
    this.#picture = shown;
    this.#title.textContent = `Layer ${layer}, head ${head}`;
    this.#help.textContent = helps[stage].replace('%', String(this.#depth));
    this.#aside.textContent = [
      noSink && stage === 'weights'
        ? 'Heads with nothing to look for rest on the first token, whatever it is (an attention sink); without it, the rest of each row is scaled up to 1.'
        : '',
      lengths && stage === 'weights'
        ? 'Each weight times the length of what its value would add: a strong look at a short value moves little.'
        : '',
      words && stage === 'weights' ? 'Words get the sum of their tokens, and look with the mean of them.' : '',
    ]
      .filter(Boolean)
      .join(' ');
    const colours = this.#colours();
    this.#scale.hidden = false;
    this.#lift.label.hidden = stage !== 'weights';
    this.#legend.update({ ...colours, masked: colours.mask !== false });
    this.element.dataset.layer = String(layer);
    this.element.dataset.head = String(head);
    this.element.dataset.revision = String(attention.revision);
    const counted = words && stage === 'weights' ? 'words' : 'tokens';
    const name = `${names[stage]} of layer ${layer}, head ${head}: ${shown.size} by ${shown.size} ${counted}. Arrow keys move from cell to cell.`;
    const fresh = shown.starts.findIndex((start) => start >= this.#fresh);
    this.#map.update({
      ...colours,
      tokens: shown.tokens,
      values: shown.values,
      name,
      say: (cell) => (this.#told ? spokenCell(this.#told, cell) : ''),
      fresh: fresh > 0 ? fresh : undefined,
    });
    this.#tellGrowth(shown.starts.length, fresh);
    this.#drawSmall(attention);
  }

  /**
   * @param {number} rows
   * @param {number} fresh
   */
  #tellGrowth(rows, fresh) {
    const kept = fresh > 0 ? fresh : 0;
    if (this.#stage === 'products' || this.#stage === 'scores' || this.#mask) this.#growth.textContent = '';
    else if (kept === 0) this.#growth.textContent = 'Type on, and a row comes for every token.';
    else {
      const came = rows - kept;
      this.#growth.textContent = `${came === 1 ? 'The last row is' : `The last ${came} rows are`} new. The ${kept} above stay as they were: the mask keeps every token from looking at later ones.`;
    }
  }

  /** The small pictures follow when the large one is on the screen. @param {Attention} attention */
  #drawSmall(attention) {
    cancelAnimationFrame(this.#pending);
    this.#pending = requestAnimationFrame(() => {
      const complete = !Number.isNaN(attention.scores[attention.size - 1]);
      for (const stage of stageOrder) {
        if (!complete && (stage === 'products' || stage === 'scores')) continue;
        const small = picture(attention, this.#tokens, { stage, noSink: false, norms: null, words: false }, this.#mask);
        this.#strip.update(stage, { ...this.#colours(stage, small), values: small.values, size: small.size });
      }
    });
  }

  /** Whether all scores are needed, also those that a growing text leaves out. */
  get needsAll() {
    return this.#stage === 'products' || this.#stage === 'scores';
  }

  #drawReadout() {
    this.#readout.update(this.#attention && !this.#waiting ? this.#told : null, this.#cell, this.#waiting);
  }

  /** What is drawn, for those who put it into words. */
  get #told() {
    const { norms, noSink } = this.options;
    return this.#picture && this.#attention
      ? {
          picture: this.#picture,
          weights: this.#attention.weights,
          mask: this.#mask ?? true,
          stage: this.#stage,
          scaled: this.#stage === 'weights' && norms && this.#lengths !== null,
          noSink,
        }
      : null;
  }
}

/**
 * @param {string} id
 * @param {string} text
 * @param {boolean} [checked]
 */
function check(id, text, checked = false) {
  const input = h('input', { type: 'checkbox', id, checked });
  return { input, label: h('label', { class: 'lift' }, input, text) };
}

/**
 * The row that a token belongs to; -1 if there is none.
 * @param {readonly number[]} starts
 * @param {number} token
 */
function holder(starts, token) {
  return starts.filter((start) => start <= token).length - 1;
}
