// @ts-check
import { step } from '../lib/matrix.js';
import { h } from './dom.js';

/** @typedef {{row: number, column: number}} Cell */

let count = 0;

/**
 * Makes a drawing a grid for the keyboard and for screen readers: one tab stop, arrow keys, and the one cell that matters as a
 * real element whose text is read out. A thousand by thousand cells could not be elements.
 * Events: `move` with `{cell}`, `enter`, `leave` (Escape).
 */
export class GridCursor extends EventTarget {
  #element;
  #row = h('div', { role: 'row' });
  #cell;
  #rows = 0;
  #columns = 0;
  /** @type {Cell | null} */
  #at = null;

  /** @param {HTMLElement} element   gets the role; may hold pictures, which must be hidden from screen readers */
  constructor(element) {
    super();
    this.#element = element;
    this.#cell = h('div', { role: 'gridcell', id: `grid-cell-${++count}` });
    this.#row.append(this.#cell);
    element.setAttribute('role', 'grid');
    element.setAttribute('tabindex', '0');
    element.setAttribute('aria-activedescendant', this.#cell.id);
    element.append(h('div', { class: 'sr-only', role: 'rowgroup' }, this.#row));
    element.addEventListener('keydown', (event) => this.#keydown(event));
  }

  /**
   * @param {number} rows
   * @param {number} columns
   * @param {string} name
   */
  update(rows, columns, name) {
    this.#rows = rows;
    this.#columns = columns;
    this.#element.setAttribute('aria-label', name);
    this.#element.setAttribute('aria-rowcount', String(rows));
    this.#element.setAttribute('aria-colcount', String(columns));
  }

  /**
   * @param {Cell | null} cell
   * @param {string} spoken
   */
  set(cell, spoken) {
    this.#at = cell;
    this.#row.setAttribute('aria-rowindex', String((cell?.row ?? 0) + 1));
    this.#cell.setAttribute('aria-colindex', String((cell?.column ?? 0) + 1));
    this.#cell.textContent = spoken;
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#rows === 0) return;
    if (event.key === 'Escape') {
      this.dispatchEvent(new Event('leave'));
      return;
    }
    if ((event.key === 'Enter' || event.key === ' ') && this.#at) {
      event.preventDefault();
      this.dispatchEvent(new Event('enter'));
      return;
    }
    const to = step(event.key, this.#at ?? { row: 0, column: 0 }, this.#rows, this.#columns);
    if (!to) return;
    event.preventDefault();
    this.dispatchEvent(new CustomEvent('move', { detail: { cell: this.#at ? to : { row: 0, column: 0 } } }));
  }
}
