// @ts-check
import { paintMatrix, pool } from '../lib/raster.js';
import { stageOrder } from '../lib/stages.js';
import { h, putPixels } from './dom.js';

/**
 * @typedef {import('../lib/stages.js').Stage} Stage
 * @typedef {import('./head-map.js').Cell} Cell
 * @typedef {Pick<import('./head-map.js').MapData, 'values' | 'mask' | 'palette' | 'low' | 'high' | 'power'> & {size: number}} Small
 */

/** @type {Record<Stage, string>} */
export const stageNames = {
  products: 'q·k',
  scores: '÷ √%',
  masked: 'Mask',
  weights: 'Softmax',
};

const cells = 96; // a side
const pace = 1600; // ms a stage

/**
 * The four stages of a head side by side, small, with one cursor across all of them; choosing one shows it in large. Plays
 * through them on request.
 * Event: `stage` with `{stage}`.
 */
export class StageStrip extends EventTarget {
  #inputs = new Map(stageOrder.map((stage) => [stage, h('input', { type: 'radio', name: 'stage', value: stage })]));
  #canvases = new Map(stageOrder.map((stage) => [stage, h('canvas', { width: 1, height: 1, 'aria-hidden': 'true' })]));
  #crosses = new Map(stageOrder.map((stage) => [stage, h('span', { class: 'stage-cross', hidden: true })]));
  #names = new Map(stageOrder.map((stage) => [stage, h('span', { class: 'stage-name' }, stageNames[stage])]));
  #play = h('button', { type: 'button', class: 'plain compact', id: 'stage-play' }, 'Play');
  element;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  constructor() {
    super();
    const switches = stageOrder.map((stage, index) =>
      h(
        'label',
        { class: 'stage' },
        /** @type {Node} */ (this.#inputs.get(stage)),
        h(
          'span',
          { class: 'stage-picture' },
          /** @type {Node} */ (this.#canvases.get(stage)),
          /** @type {Node} */ (this.#crosses.get(stage)),
        ),
        h('span', { class: 'stage-number', 'aria-hidden': 'true' }, String(index + 1)),
        /** @type {Node} */ (this.#names.get(stage)),
      ),
    );
    this.element = h(
      'div',
      { class: 'stage-strip' },
      h('fieldset', { class: 'stages' }, h('legend', { class: 'sr-only' }, 'Stage of the computation'), ...switches),
      this.#play,
    );
    this.element.addEventListener('change', (event) => {
      if (!(event.target instanceof HTMLInputElement)) return;
      this.#stop();
      this.#emit(/** @type {Stage} */ (event.target.value));
    });
    this.#play.addEventListener('click', () => {
      if (this.#timer === undefined) this.#advance(0);
      else this.#stop();
    });
  }

  /** @param {number} depth */
  setDepth(depth) {
    const place = this.#names.get('scores');
    if (place) place.textContent = stageNames.scores.replace('%', String(depth));
  }

  /** @param {Stage} stage */
  choose(stage) {
    const input = this.#inputs.get(stage);
    if (input) input.checked = true;
  }

  /**
   * @param {Stage} stage
   * @param {Small} small
   */
  update(stage, { values, size, mask, palette, low, high, power }) {
    const canvas = this.#canvases.get(stage);
    if (!canvas) return;
    const pooled = pool(values, size, cells, mask);
    putPixels(
      canvas,
      paintMatrix(pooled.values, pooled.size, palette, { low, high, power, mask: pooled.mask }),
      pooled.size,
    );
  }

  /**
   * @param {Cell | null} cell
   * @param {number} size
   */
  point(cell, size) {
    for (const cross of this.#crosses.values()) {
      cross.hidden = cell === null || size === 0;
      if (!cell) continue;
      cross.style.left = `${(100 * (cell.column + 0.5)) / size}%`;
      cross.style.top = `${(100 * (cell.row + 0.5)) / size}%`;
    }
  }

  /** @param {number} index */
  #advance(index) {
    const stage = stageOrder[index];
    if (!stage) {
      this.#stop();
      return;
    }
    this.choose(stage);
    this.#emit(stage);
    this.#play.textContent = 'Pause';
    this.#timer = setTimeout(() => this.#advance(index + 1), pace);
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#play.textContent = 'Play';
  }

  /** @param {Stage} stage */
  #emit(stage) {
    this.dispatchEvent(new CustomEvent('stage', { detail: { stage } }));
  }
}
