// @ts-check
import { step } from '../lib/matrix.js';
import { paintThumbnails } from '../lib/raster.js';
import { h, putPixels } from './dom.js';

/**
 * @typedef {import('../../shared/protocol.js').Thumbnails} Thumbnails
 * @typedef {import('../lib/raster.js').Palette} Palette
 * @typedef {import('../lib/matrix.js').Mask} Mask
 */

const gap = 2; // px around each map
const mostNames = 16; // heads that have room for their names

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
  /** Of all heads, as many pixels as the screen has: a large model has more than a thousand of them, and a picture for each
   * layer would be a layer for the browser to put together at every frame. */
  #picture = h('canvas', { class: 'grid-picture', width: 1, height: 1, 'aria-hidden': 'true' });
  #line = h('canvas');
  /** Where it lies: the size of a head, in px of the screen. */
  #pitch = { across: 0, down: 0 };
  /** @type {Map<number, {map: Thumbnails, masks: Mask[]}>} */
  #maps = new Map();
  /** Layers whose newest maps are in the picture. @type {Set<number>} */
  #drawn = new Set();
  /** @type {Palette | null} */
  #palette = null;
  #power = 1;
  #picked = { layer: 0, head: 0 };
  #focused = { row: 0, column: 0 };
  /** @type {Set<number>} */
  #visible = new Set();
  #observer = new IntersectionObserver((entries) => this.#intersected(entries), { rootMargin: '25%' });
  #sizes = new ResizeObserver(() => this.#fit());

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
    this.#maps.clear();
    this.#drawn.clear();
    this.#visible.clear();
    this.#observer.disconnect();
    this.#sizes.disconnect();
    this.element.style.setProperty('--heads', String(heads));
    const names = Array.from({ length: heads }, (_, head) => {
      const shown = heads <= mostNames || head % 2 === 0;
      const name = { class: 'grid-name', role: 'columnheader', 'aria-label': `H${head}` };
      return h('span', name, shown ? `H${head}` : '');
    });
    const header = h('div', { class: 'grid-row grid-top', role: 'row' }, h('span', { class: 'grid-name' }), ...names);
    const rows = Array.from({ length: layers }, (_, layer) => this.#row(layer));
    this.element.replaceChildren(this.#picture, header, ...rows);
    this.#buttons = [...this.element.querySelectorAll('button')];
    for (const row of rows) this.#observer.observe(row);
    this.#sizes.observe(rows[0] ?? this.element);
    this.pick(0, 0);
  }

  /** @param {Palette} palette */
  setPalette(palette) {
    this.#palette = palette;
    this.#drawAll();
  }

  /** @param {number} power below 1 to lift small weights */
  setPower(power) {
    this.#power = power;
    this.#drawAll();
  }

  /**
   * @param {Thumbnails} thumbnails
   * @param {Mask[]} masks   (heads), of cells
   */
  update(thumbnails, masks) {
    this.#maps.set(thumbnails.layer, { map: thumbnails, masks });
    this.#drawn.delete(thumbnails.layer);
    this.#draw(thumbnails.layer);
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
      if (button.title === words) continue;
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
    return h('div', { class: 'grid-row', role: 'row', 'data-row': layer }, name, ...cells);
  }

  /** Puts the picture behind the heads, as the style sheet has laid them out. */
  #fit() {
    const [first, last] = [this.#button(0, 0), this.#button(this.#layers - 1, this.#heads - 1)];
    if (!first || !last || first.offsetWidth === 0) return;
    const [from, to, own] = [first, last, this.element].map((element) => element.getBoundingClientRect());
    const [width, height] = [to.right - from.left, to.bottom - from.top];
    this.#picture.style.left = `${from.left - own.left + this.element.scrollLeft}px`;
    this.#picture.style.top = `${from.top - own.top}px`;
    this.#picture.style.width = `${width}px`;
    this.#picture.style.height = `${height}px`;
    this.#picture.width = Math.round(width * devicePixelRatio);
    this.#picture.height = Math.round(height * devicePixelRatio);
    this.#pitch = { across: this.#picture.width / this.#heads, down: this.#picture.height / this.#layers };
    this.#drawAll();
  }

  #drawAll() {
    this.#drawn.clear();
    for (const layer of this.#visible) this.#draw(layer);
  }

  /** @param {number} layer */
  #draw(layer) {
    const drawing = this.#maps.get(layer);
    const { across, down } = this.#pitch;
    const context = this.#picture.getContext('2d');
    if (!drawing || !this.#palette || !context || across === 0 || !this.#visible.has(layer)) return;
    if (this.#drawn.has(layer)) return;
    this.#drawn.add(layer);
    const { masks, map } = drawing;
    const { heads, cells, weights } = map;
    const pixels = paintThumbnails(weights, heads, cells, this.#palette, this.#power, masks);
    putPixels(this.#line, pixels, heads * cells);
    const space = gap * devicePixelRatio;
    const top = Math.round(layer * down);
    const height = Math.round((layer + 1) * down) - top;
    context.clearRect(0, top, this.#picture.width, height);
    context.imageSmoothingEnabled = false;
    context.fillStyle = getComputedStyle(this.#picture).color;
    for (let head = 0; head < heads; head++) {
      const left = Math.round(head * across) + space;
      const width = Math.round((head + 1) * across) - left - space;
      context.fillRect(left, top + space, width, height - 2 * space);
      context.drawImage(this.#line, head * cells, 0, cells, cells, left, top + space, width, height - 2 * space);
    }
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #intersected(entries) {
    for (const { target, isIntersecting } of entries) {
      const layer = Number(/** @type {HTMLElement} */ (target).dataset.row);
      if (isIntersecting) {
        this.#visible.add(layer);
        this.#draw(layer);
      } else {
        this.#visible.delete(layer);
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
