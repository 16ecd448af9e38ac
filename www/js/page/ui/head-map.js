// @ts-check
import { step } from '../lib/matrix.js';
import { paintMatrix } from '../lib/raster.js';
import { tokenLabel } from '../lib/tokens.js';
import { AxisLabels } from './axis-labels.js';
import { h, putPixels } from './dom.js';

/**
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../lib/raster.js').Palette} Palette
 * @typedef {{row: number, column: number}} Cell
 *
 * @typedef {object} MapData
 * @property {readonly Token[]} tokens
 * @property {Float32Array} values (size, size)
 * @property {boolean} masked
 * @property {Palette} palette
 * @property {number} low   value of the palette's first colour
 * @property {number} high  and of its last
 * @property {number} power below 1 to lift small values
 * @property {string} name  what is shown, for screen readers
 */

const smallest = 8;
const largest = 44; // px, side of a cell

/**
 * One attention matrix, a pixel a cell, scaled up by the style sheet, with both axes labelled. Hover shows a cell, a
 * click pins it, arrow keys move it.
 * Event: `cell` with `{cell, pinned}`; the cell is null when none is pointed at.
 */
export class HeadMap extends EventTarget {
  #canvas = h('canvas', {
    id: 'head-map',
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'attention map',
    width: 1,
    height: 1,
  });
  #rows = new AxisLabels('row');
  #columns = new AxisLabels('column');
  #rowBand = h('div', { class: 'band', hidden: true });
  #columnBand = h('div', { class: 'band', hidden: true });
  #box = h('div', { class: 'cell-box', hidden: true });
  #plane = h(
    'div',
    { class: 'map-plane' },
    this.#canvas,
    h('div', { class: 'map-lines' }),
    this.#rowBand,
    this.#columnBand,
    this.#box,
  );
  #corner = h(
    'div',
    { class: 'map-corner', 'aria-hidden': 'true' },
    h('span', { class: 'corner-column' }, 'looked at →'),
    h('span', { class: 'corner-row' }, '↓ looks'),
  );
  element = h('div', { class: 'map-scroll' }, this.#corner, this.#columns.element, this.#rows.element, this.#plane);
  #size = 0;
  #side = largest;
  /** @type {readonly Token[]} */
  #tokens = [];
  /** @type {Cell | null} */
  #cursor = null;
  #pinned = false;

  constructor() {
    super();
    const canvas = this.#canvas;
    canvas.addEventListener('pointermove', (event) => {
      if (!this.#pinned && event.pointerType !== 'touch') this.#point(this.#at(event));
    });
    canvas.addEventListener('pointerleave', () => {
      if (!this.#pinned) this.#point(null);
    });
    canvas.addEventListener('click', (event) => this.#click(this.#at(event)));
    canvas.addEventListener('keydown', (event) => this.#keydown(event));
    this.element.addEventListener('scroll', () => this.#drawLabels(), { passive: true });
    new ResizeObserver(() => this.#layout()).observe(this.element);
  }

  /** @param {MapData} data */
  update({ tokens, values, masked, palette, low, high, power, name }) {
    const size = tokens.length;
    const grown = size !== this.#size || tokens !== this.#tokens;
    this.#tokens = tokens;
    this.#size = size;
    putPixels(this.#canvas, paintMatrix(values, size, palette, { low, high, power, masked }), size);
    this.#canvas.setAttribute('aria-label', name);
    // A shorter text has neither the row nor, above the diagonal, the column.
    if (this.#gone()) this.select(null);
    if (grown) {
      const longest = tokens.reduce((length, token) => Math.max(length, tokenLabel(token).length), 0);
      this.element.style.setProperty('--longest', String(longest));
      this.#layout(true);
    }
    // The same cell has another value now.
    this.#point(this.#cursor);
  }

  /**
   * Pins a cell, or lets go of the one that is pinned.
   * @param {Cell | null} cell
   */
  select(cell) {
    this.#pinned = cell !== null;
    this.#point(cell);
    if (cell) this.#reveal(cell);
  }

  /** @param {MouseEvent} event @returns {Cell | null} */
  #at(event) {
    const box = this.#canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / this.#side);
    const row = Math.floor((event.clientY - box.top) / this.#side);
    const inside = row >= 0 && row < this.#size && column >= 0 && column < this.#size;
    return inside ? { row, column } : null;
  }

  /** @param {Cell | null} cell */
  #click(cell) {
    const again = this.#pinned && cell?.row === this.#cursor?.row && cell?.column === this.#cursor?.column;
    this.#pinned = cell !== null && !again;
    this.#point(cell);
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#size === 0) return;
    if (event.key === 'Escape') {
      this.select(null);
      return;
    }
    const start = { row: 0, column: 0 };
    const to = this.#cursor ? step(event.key, this.#cursor, this.#size, this.#size) : start;
    const moves = this.#cursor ? to !== null : step(event.key, start, this.#size, this.#size) !== null;
    if (!to || !moves) return;
    event.preventDefault();
    this.select(to);
  }

  /** @param {Cell | null} cell */
  #point(cell) {
    this.#cursor = cell;
    const side = this.#side;
    for (const part of [this.#rowBand, this.#columnBand, this.#box]) part.hidden = cell === null;
    if (cell) {
      this.#rowBand.style.transform = `translateY(${cell.row * side}px)`;
      this.#rowBand.style.height = `${side}px`;
      this.#rowBand.style.width = `${this.#size * side}px`;
      this.#columnBand.style.transform = `translateX(${cell.column * side}px)`;
      this.#columnBand.style.width = `${side}px`;
      this.#columnBand.style.height = `${this.#size * side}px`;
      this.#box.style.transform = `translate(${cell.column * side}px, ${cell.row * side}px)`;
      this.#box.style.width = `${side}px`;
      this.#box.style.height = `${side}px`;
    }
    this.#box.classList.toggle('pinned', this.#pinned);
    this.#rows.light(cell?.row ?? null);
    this.#columns.light(cell?.column ?? null);
    this.dispatchEvent(new CustomEvent('cell', { detail: { cell, pinned: this.#pinned } }));
  }

  /** @param {boolean} [always] even if the cells keep their size */
  #layout(always = false) {
    if (this.#size === 0) return;
    const room = this.element.clientWidth - this.#rows.element.offsetWidth - 1;
    const side = Math.max(smallest, Math.min(largest, Math.floor(room / this.#size)));
    if (!always && side === this.#side) {
      this.#drawLabels();
      return;
    }
    this.#side = side;
    const whole = `${side * this.#size}px`;
    this.#plane.style.width = whole;
    this.#plane.style.height = whole;
    this.element.style.setProperty('--cell', `${side}px`);
    this.element.classList.toggle('fine', side < 14);
    this.#rows.update(this.#tokens, side);
    this.#columns.update(this.#tokens, side);
    this.#drawLabels();
    if (this.#cursor && !this.#gone()) this.#point(this.#cursor);
  }

  /** Whether a cell is pointed at that the map no longer has. */
  #gone() {
    return this.#cursor !== null && Math.max(this.#cursor.row, this.#cursor.column) >= this.#size;
  }

  #drawLabels() {
    const { scrollTop, scrollLeft, clientWidth, clientHeight } = this.element;
    this.#rows.show(scrollTop, scrollTop + clientHeight);
    this.#columns.show(scrollLeft, scrollLeft + clientWidth);
  }

  /** Scrolls only the map, and only as far as needed. @param {Cell} cell */
  #reveal({ row, column }) {
    const view = this.element;
    const side = this.#side;
    const width = view.clientWidth - this.#rows.element.offsetWidth;
    const height = view.clientHeight - this.#columns.element.offsetHeight;
    view.scrollLeft = Math.min(column * side, Math.max((column + 1) * side - width, view.scrollLeft));
    view.scrollTop = Math.min(row * side, Math.max((row + 1) * side - height, view.scrollTop));
  }
}
