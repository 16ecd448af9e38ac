// @ts-check
import { step } from '../lib/matrix.js';
import { paintMatrix } from '../lib/raster.js';
import { h } from './dom.js';

/**
 * @typedef {import('../../shared/protocol.js').Thumbnails} Thumbnails
 * @typedef {import('../lib/raster.js').Palette} Palette
 */

/**
 * All heads as small maps, a row for each layer. One tab stop; arrow keys move, Enter or a click picks.
 * Events: `pick` with `{layer, head}`, `visible` with the layers on screen.
 */
export class HeadGrid extends EventTarget {
  element = h('div', { id: 'head-grid', class: 'head-grid', role: 'grid', 'aria-label': 'All attention heads' });
  #layers = 0;
  #heads = 0;
  /** @type {HTMLButtonElement[]} (layers, heads) */
  #buttons = [];
  /** One for each layer. @type {HTMLCanvasElement[]} */
  #pictures = [];
  /** @type {Map<number, Thumbnails>} */
  #drawn = new Map();
  /** @type {Palette | null} */
  #palette = null;
  #power = 1;
  #picked = { layer: 0, head: 0 };
  #focused = { row: 0, column: 0 };
  /** @type {Set<number>} */
  #visible = new Set();
  #observer = new IntersectionObserver((entries) => this.#intersected(entries), { rootMargin: '25%' });

  constructor() {
    super();
    this.element.addEventListener('keydown', (event) => this.#keydown(event));
    this.element.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (!button) return;
      const layer = Number(button.dataset.layer);
      const head = Number(button.dataset.head);
      this.#setFocused({ row: layer, column: head });
      this.dispatchEvent(new CustomEvent('pick', { detail: { layer, head } }));
    });
  }

  /**
   * @param {number} layers
   * @param {number} heads
   */
  setShape(layers, heads) {
    this.#layers = layers;
    this.#heads = heads;
    this.#drawn.clear();
    this.#visible.clear();
    this.#observer.disconnect();
    this.element.style.setProperty('--heads', String(heads));
    const names = Array.from({ length: heads }, (_, head) =>
      h('span', { class: 'grid-name', role: 'columnheader' }, `H${head}`),
    );
    const header = h('div', { class: 'grid-row grid-top', role: 'row' }, h('span', { class: 'grid-name' }), ...names);
    const rows = Array.from({ length: layers }, (_, layer) => this.#row(layer));
    this.element.replaceChildren(header, ...rows);
    this.#buttons = [...this.element.querySelectorAll('button')];
    for (const row of rows) this.#observer.observe(row);
    this.pick(0, 0);
  }

  /** @param {Palette} palette */
  setPalette(palette) {
    this.#palette = palette;
    for (const thumbnails of this.#drawn.values()) this.#draw(thumbnails);
  }

  /** @param {number} power below 1 to lift small weights */
  setPower(power) {
    this.#power = power;
    for (const thumbnails of this.#drawn.values()) this.#draw(thumbnails);
  }

  /** @param {Thumbnails} thumbnails */
  update(thumbnails) {
    this.#drawn.set(thumbnails.layer, thumbnails);
    this.#draw(thumbnails);
  }

  /** Fades all heads but these. @param {Set<string> | null} matches   as `layer.head`; null for all */
  filter(matches) {
    for (const button of this.#buttons) {
      const fades = matches !== null && !matches.has(`${button.dataset.layer}.${button.dataset.head}`);
      button.classList.toggle('faded', fades);
    }
  }

  /**
   * Names what heads do, and marks those that are switched off or whose mask is changed.
   * @param {(layer: number, head: number) => string} label   empty if nothing stands out
   * @param {Map<string, string>} marks   by `layer.head`
   */
  describe(label, marks) {
    for (const button of this.#buttons) {
      const [layer, head] = [Number(button.dataset.layer), Number(button.dataset.head)];
      const mark = marks.get(`${layer}.${head}`) ?? '';
      const words = [`Layer ${layer}, head ${head}`, label(layer, head), mark].filter(Boolean).join(', ');
      button.classList.toggle('is-altered', mark !== '');
      button.classList.toggle('off', mark === 'off');
      button.setAttribute('aria-label', words);
      button.title = words;
    }
  }

  /**
   * @param {number} layer
   * @param {number} head
   */
  pick(layer, head) {
    this.#cell(this.#picked)?.setAttribute('aria-selected', 'false');
    this.#picked = { layer, head };
    this.#cell(this.#picked)?.setAttribute('aria-selected', 'true');
    this.#setFocused({ row: layer, column: head });
  }

  /** @param {{layer: number, head: number}} at */
  #cell({ layer, head }) {
    return this.#button(layer, head)?.parentElement;
  }

  /**
   * @param {number} layer
   * @param {number} head
   * @returns {HTMLButtonElement | undefined}
   */
  #button(layer, head) {
    return this.#buttons[layer * this.#heads + head];
  }

  /** @param {number} layer */
  #row(layer) {
    const cells = Array.from({ length: this.#heads }, (_, head) => {
      const name = `Layer ${layer}, head ${head}`;
      const button = h('button', {
        type: 'button',
        tabindex: -1,
        'data-layer': layer,
        'data-head': head,
        'aria-label': name,
      });
      const cell = h('div', { class: 'grid-cell', role: 'gridcell', 'aria-selected': 'false' }, button);
      cell.style.gridArea = `1 / ${head + 2}`;
      return cell;
    });
    const name = h('span', { class: 'grid-name', role: 'rowheader' }, `L${layer}`);
    // One picture for all heads of a layer: a large model has more than a thousand of them.
    const picture = h('canvas', { class: 'grid-picture', width: 1, height: 1, 'aria-hidden': 'true' });
    this.#pictures[layer] = picture;
    return h('div', { class: 'grid-row', role: 'row', 'data-row': layer }, name, picture, ...cells);
  }

  /** @param {Thumbnails} thumbnails */
  #draw({ layer, heads, cells, weights }) {
    const picture = this.#pictures[layer];
    if (!this.#palette || !this.#visible.has(layer) || !picture) return;
    picture.width = heads * cells;
    picture.height = cells;
    const context = picture.getContext('2d');
    for (let head = 0; head < heads; head++) {
      const map = weights.subarray(head * cells * cells, (head + 1) * cells * cells);
      const scale = { low: 0, high: 255, power: this.#power, mask: true };
      context?.putImageData(new ImageData(paintMatrix(map, cells, this.#palette, scale), cells), head * cells, 0);
    }
  }

  /** Gives back the picture of a layer that is not on screen. @param {number} layer */
  #release(layer) {
    const picture = this.#pictures[layer];
    if (picture) picture.width = picture.height = 1;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #intersected(entries) {
    for (const { target, isIntersecting } of entries) {
      const layer = Number(/** @type {HTMLElement} */ (target).dataset.row);
      if (isIntersecting) {
        this.#visible.add(layer);
        const kept = this.#drawn.get(layer);
        if (kept) this.#draw(kept);
      } else {
        this.#visible.delete(layer);
        this.#release(layer);
      }
    }
    this.dispatchEvent(new CustomEvent('visible', { detail: [...this.#visible] }));
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = step(event.key, this.#focused, this.#layers, this.#heads);
    if (!to) return;
    event.preventDefault();
    this.#setFocused(to);
    this.#button(to.row, to.column)?.focus();
  }

  /** Keeps exactly one head in the tab order. @param {{row: number, column: number}} to */
  #setFocused(to) {
    this.#button(this.#focused.row, this.#focused.column)?.setAttribute('tabindex', '-1');
    this.#focused = to;
    this.#button(to.row, to.column)?.setAttribute('tabindex', '0');
  }
}
