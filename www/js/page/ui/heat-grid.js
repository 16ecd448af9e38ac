// @ts-check
import { paintCells } from '../lib/raster.js';
import { h, putPixels } from './dom.js';
import { GridCursor } from './grid-cursor.js';

/**
 * @typedef {import('../lib/raster.js').Palette} Palette
 * @typedef {import('./grid-cursor.js').Cell} Cell
 *
 * @typedef {object} HeatData
 * @property {ArrayLike<number>} values (rows, columns)
 * @property {string[]} rowNames
 * @property {string[]} columnNames
 * @property {Palette} palette
 * @property {number} low
 * @property {number} high
 * @property {string} name
 * @property {(cell: Cell) => string} say
 */

/**
 * A matrix of numbers with names along two sides, such as layers and heads.
 * Events: `cell` with `{cell}`, `press` with `{cell}`.
 */
export class HeatGrid extends EventTarget {
  #canvas = h('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
  #box = h('div', { class: 'cell-box', hidden: true });
  #plane = h('div', { class: 'heat-plane' }, this.#canvas, this.#box);
  #keys = new GridCursor(this.#plane);
  #rows = h('div', { class: 'heat-rows', 'aria-hidden': 'true' });
  #columns = h('div', { class: 'heat-columns', 'aria-hidden': 'true' });
  element = h('div', { class: 'heat' }, h('span'), this.#columns, this.#rows, this.#plane);
  /** @type {HeatData | null} */
  #data = null;
  /** @type {Cell | null} */
  #cell = null;

  constructor() {
    super();
    const at = (/** @type {MouseEvent} */ event) => {
      const box = this.#plane.getBoundingClientRect();
      const rows = this.#data?.rowNames.length ?? 0;
      const columns = this.#data?.columnNames.length ?? 0;
      const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
      const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
      return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
    };
    this.#plane.addEventListener('pointermove', (event) => this.point(at(event)));
    this.#plane.addEventListener('click', (event) => {
      this.point(at(event));
      this.#press();
    });
    this.#keys.addEventListener('move', (event) =>
      this.point(/** @type {CustomEvent<{cell: Cell}>} */ (event).detail.cell),
    );
    this.#keys.addEventListener('enter', () => this.#press());
    this.#keys.addEventListener('leave', () => this.point(null));
  }

  /** @param {HeatData} data */
  update(data) {
    this.#data = data;
    const { values, rowNames, columnNames, palette, low, high, name } = data;
    putPixels(
      this.#canvas,
      paintCells(values, rowNames.length, columnNames.length, palette, { low, high }),
      columnNames.length,
    );
    this.#keys.update(rowNames.length, columnNames.length, name);
    this.element.style.setProperty('--rows', String(rowNames.length));
    this.element.style.setProperty('--columns', String(columnNames.length));
    this.#name(this.#rows, rowNames, 'top');
    this.#name(this.#columns, columnNames, 'left');
    this.point(
      this.#cell && this.#cell.row < rowNames.length && this.#cell.column < columnNames.length ? this.#cell : null,
    );
  }

  /**
   * @param {HTMLElement} place
   * @param {string[]} names
   * @param {'top' | 'left'} side
   */
  #name(place, names, side) {
    const every = Math.max(1, Math.ceil(names.length / 26));
    place.replaceChildren(
      ...names.flatMap((name, index) => {
        if (index % every !== 0 && index !== names.length - 1) return [];
        const label = h('span', {}, name);
        label.style[side] = `${(100 * (index + 0.5)) / names.length}%`;
        return [label];
      }),
    );
  }

  /** @param {Cell | null} cell */
  point(cell) {
    const data = this.#data;
    this.#cell = cell;
    this.#box.hidden = !cell || !data;
    if (cell && data) {
      const [rows, columns] = [data.rowNames.length, data.columnNames.length];
      this.#box.style.left = `${(100 * cell.column) / columns}%`;
      this.#box.style.top = `${(100 * cell.row) / rows}%`;
      this.#box.style.width = `${100 / columns}%`;
      this.#box.style.height = `${100 / rows}%`;
    }
    this.#keys.set(cell, cell && data ? data.say(cell) : '');
    this.dispatchEvent(new CustomEvent('cell', { detail: { cell } }));
  }

  #press() {
    if (this.#cell) this.dispatchEvent(new CustomEvent('press', { detail: { cell: this.#cell } }));
  }
}
