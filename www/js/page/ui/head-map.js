// @ts-check
import { paintMatrix } from '../lib/raster.js';
import { tokenLabel } from '../lib/tokens.js';
import { AxisLabels } from './axis-labels.js';
import { h, putPixels } from './dom.js';
import { GridCursor } from './grid-cursor.js';
import { MapOverview } from './map-overview.js';

/**
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../lib/raster.js').Palette} Palette
 * @typedef {{row: number, column: number}} Cell
 *
 * @typedef {object} MapData
 * @property {readonly Token[]} tokens
 * @property {Float32Array} values (size, size)
 * @property {import('../lib/matrix.js').Mask} mask
 * @property {Palette} palette
 * @property {number} low   value of the palette's first colour
 * @property {number} high  and of its last
 * @property {number} power below 1 to lift small values
 * @property {string} name  what is shown, for screen readers
 * @property {(cell: Cell) => string} say   a cell in words, for them too
 * @property {number} [fresh]   rows from here on came with the newest text
 */

const smallest = 8;
const largest = 44; // px, side of a cell

/**
 * One attention matrix, a pixel a cell, scaled up by the style sheet, with both axes labelled; where it does not fit, a small
 * picture of the whole says which part is seen. Hover shows a cell, a click pins it, arrow keys move it.
 * Events: `cell` with `{cell, pinned}`; the cell is null when none is pointed at. `press` with `{cell}` when a cell is clicked or
 * Enter is pressed on it.
 */
export class HeadMap extends EventTarget {
  #canvas = h('canvas', { 'aria-hidden': 'true', width: 1, height: 1 });
  #grid = h('div', { class: 'map-grid', 'aria-roledescription': 'attention map' }, this.#canvas);
  #keys = new GridCursor(this.#grid);
  #rows = new AxisLabels('row');
  #columns = new AxisLabels('column');
  #rowBand = h('div', { class: 'band', hidden: true });
  #columnBand = h('div', { class: 'band', hidden: true });
  #box = h('div', { class: 'cell-box', hidden: true });
  #fresh = h('div', { class: 'map-fresh', hidden: true });
  #plane = h(
    'div',
    { class: 'map-plane' },
    this.#grid,
    h('div', { class: 'map-lines' }),
    this.#rowBand,
    this.#columnBand,
    this.#box,
    this.#fresh,
  );
  #corner = h(
    'div',
    { class: 'map-corner', 'aria-hidden': 'true' },
    h('span', { class: 'corner-column' }, 'looked at →'),
    h('span', { class: 'corner-row' }, '↓ looks'),
  );
  #view = h('div', { class: 'map-scroll' }, this.#corner, this.#columns.element, this.#rows.element, this.#plane);
  #overview = new MapOverview();
  element = h('div', { class: 'map' }, this.#overview.element, this.#view);
  #size = 0;
  #side = largest;
  /** @type {readonly Token[]} */
  #tokens = [];
  /** @type {Cell | null} */
  #cursor = null;
  #pinned = false;
  /** @type {(cell: Cell) => string} */
  #say = () => '';
  /** @type {import('../lib/matrix.js').Mask} */
  mask = true;

  /** @param {string} id */
  constructor(id) {
    super();
    this.#grid.id = id;
    const canvas = this.#grid;
    canvas.addEventListener('pointermove', (event) => {
      if (!this.#pinned && event.pointerType !== 'touch') this.#point(this.#at(event));
    });
    canvas.addEventListener('pointerleave', () => {
      if (!this.#pinned) this.#point(null);
    });
    canvas.addEventListener('click', (event) => this.#click(this.#at(event)));
    this.#keys.addEventListener('move', (event) => {
      this.select(/** @type {CustomEvent<{cell: Cell}>} */ (event).detail.cell);
    });
    this.#keys.addEventListener('leave', () => this.select(null));
    this.#keys.addEventListener('enter', () => this.#press());
    this.#view.addEventListener('scroll', () => this.#drawLabels(), { passive: true });
    this.#overview.addEventListener('look', (event) => {
      const { x, y } = /** @type {CustomEvent<{x: number, y: number}>} */ (event).detail;
      const whole = this.#size * this.#side;
      this.#view.scrollLeft = x * whole - (this.#view.clientWidth - this.#rows.element.offsetWidth) / 2;
      this.#view.scrollTop = y * whole - (this.#view.clientHeight - this.#columns.element.offsetHeight) / 2;
    });
    new ResizeObserver(() => this.#layout()).observe(this.#view);
  }

  /** @param {MapData} data */
  update({ tokens, values, mask, palette, low, high, power, name, say, fresh }) {
    const size = tokens.length;
    const grown = size !== this.#size || tokens !== this.#tokens;
    this.#tokens = tokens;
    this.#size = size;
    this.#say = say;
    this.mask = mask;
    putPixels(this.#canvas, paintMatrix(values, size, palette, { low, high, power, mask }), size);
    this.#overview.update({ values, size, mask, palette, low, high, power });
    this.#keys.update(size, size, name);
    // A shorter text has neither the row nor, above the diagonal, the column.
    if (this.#gone()) this.select(null);
    if (grown) {
      const longest = tokens.reduce((length, token) => Math.max(length, tokenLabel(token).length), 0);
      this.element.style.setProperty('--longest', String(longest));
      this.#layout(true);
    }
    this.#fresh.hidden = fresh === undefined || fresh <= 0 || fresh >= size;
    this.#fresh.style.transform = `translateY(${(fresh ?? 0) * this.#side}px)`;
    this.#fresh.style.height = `${(size - (fresh ?? 0)) * this.#side}px`;
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
    const box = this.#grid.getBoundingClientRect();
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
    this.#press();
  }

  #press() {
    if (this.#cursor) this.dispatchEvent(new CustomEvent('press', { detail: { cell: this.#cursor } }));
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
    this.#keys.set(cell, cell ? this.#say(cell) : '');
    this.#rows.light(cell?.row ?? null);
    this.#columns.light(cell?.column ?? null);
    this.dispatchEvent(new CustomEvent('cell', { detail: { cell, pinned: this.#pinned } }));
  }

  /** @param {boolean} [always] even if the cells keep their size */
  #layout(always = false) {
    if (this.#size === 0) return;
    const room = this.#view.clientWidth - this.#rows.element.offsetWidth - 1;
    const side = Math.max(smallest, Math.min(largest, Math.floor(room / this.#size)));
    if (!always && side === this.#side) {
      this.#drawLabels();
      return;
    }
    this.#side = side;
    const whole = `${side * this.#size}px`;
    this.#plane.style.width = whole;
    this.#plane.style.height = whole;
    this.#view.style.setProperty('--cell', `${side}px`);
    this.#view.classList.toggle('fine', side < 14);
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
    const { scrollTop, scrollLeft, clientWidth, clientHeight } = this.#view;
    this.#rows.show(scrollTop, scrollTop + clientHeight);
    this.#columns.show(scrollLeft, scrollLeft + clientWidth);
    const whole = Math.max(1, this.#size * this.#side);
    const width = clientWidth - this.#rows.element.offsetWidth;
    const height = clientHeight - this.#columns.element.offsetHeight;
    this.#overview.frame({ x: scrollLeft / whole, y: scrollTop / whole, width: width / whole, height: height / whole });
  }

  /** Scrolls only the map, and only as far as needed. @param {Cell} cell */
  #reveal({ row, column }) {
    const view = this.#view;
    const side = this.#side;
    const width = view.clientWidth - this.#rows.element.offsetWidth;
    const height = view.clientHeight - this.#columns.element.offsetHeight;
    view.scrollLeft = Math.min(column * side, Math.max((column + 1) * side - width, view.scrollLeft));
    view.scrollTop = Math.min(row * side, Math.max((row + 1) * side - height, view.scrollTop));
  }
}
