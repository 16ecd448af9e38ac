// @ts-check
import { formatValue } from '../lib/format.js';
import { paintCells } from '../lib/raster.js';
import { h, putPixels } from './dom.js';
import { GridCursor } from './grid-cursor.js';

/**
 * The residual stream at every depth, a line each.
 * Event: `layer` with `{layer}` when a line is chosen.
 */
export class StreamPicture extends EventTarget {
  #canvas = h('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
  #box = h('span', { class: 'stream-box', hidden: true });
  #plane = h('div', { class: 'picture-plane stream-plane' }, this.#canvas, this.#box);
  #keys = new GridCursor(this.#plane);
  #readout = h('figcaption', { class: 'note' });
  element = h('figure', { class: 'picture', id: 'stream-picture' }, this.#plane, this.#readout);
  /** @type {Float32Array} */
  #residuals = new Float32Array();
  #width = 1;
  /** @type {import('../lib/raster.js').Palette | null} */
  #palette = null;

  constructor() {
    super();
    const at = (/** @type {MouseEvent} */ event) => {
      const box = this.#plane.getBoundingClientRect();
      return {
        row: Math.min(
          this.#depths - 1,
          Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * this.#depths)),
        ),
        column: Math.min(
          this.#width - 1,
          Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * this.#width)),
        ),
      };
    };
    this.#plane.addEventListener('pointermove', (event) => this.#point(at(event)));
    this.#plane.addEventListener('pointerleave', () => this.#point(null));
    this.#plane.addEventListener('click', (event) => this.#choose(at(event).row));
    /** @type {{row: number, column: number} | null} */
    let cursor = null;
    this.#keys.addEventListener('move', (event) => {
      cursor = /** @type {CustomEvent} */ (event).detail.cell;
      this.#point(cursor);
    });
    this.#keys.addEventListener('enter', () => cursor && this.#choose(cursor.row));
  }

  get #depths() {
    return Math.max(1, this.#residuals.length / this.#width);
  }

  /** @param {import('../lib/raster.js').Palette} palette */
  setPalette(palette) {
    this.#palette = palette;
    this.#draw();
  }

  /**
   * @param {Float32Array} residuals (2 L + 1, width)
   * @param {number} width
   */
  update(residuals, width) {
    this.#residuals = residuals;
    this.#width = width;
    this.#keys.update(
      this.#depths,
      width,
      `Residual stream, ${this.#depths} depths of ${width} numbers. Enter shows a block.`,
    );
    this.#draw();
    this.#point(null);
  }

  /** @param {number} layer */
  mark(layer) {
    this.#box.hidden = this.#residuals.length === 0;
    this.#box.style.top = `${(100 * (2 * layer + 1)) / this.#depths}%`;
    this.#box.style.height = `${200 / this.#depths}%`;
  }

  #draw() {
    if (!this.#palette || this.#residuals.length === 0) return;
    let square = 0;
    for (const value of this.#residuals) square += value * value;
    const bound = 3 * Math.sqrt(square / this.#residuals.length);
    putPixels(
      this.#canvas,
      paintCells(this.#residuals, this.#depths, this.#width, this.#palette, { low: -bound, high: bound }),
      this.#width,
    );
  }

  /** @param {number} row */
  #name(row) {
    if (row === 0) return 'embedding';
    return `after the ${row % 2 === 1 ? 'attention' : 'MLP'} of block ${Math.floor((row - 1) / 2)}`;
  }

  /** @param {{row: number, column: number} | null} cell */
  #point(cell) {
    if (!cell) {
      this.#readout.textContent = `(${this.#depths}, ${this.#width}): from the embedding at the top, two lines for each block. Colours reach three times the usual size.`;
      this.#keys.set(null, '');
      return;
    }
    const value = formatValue(this.#residuals[cell.row * this.#width + cell.column]);
    this.#readout.textContent = `${this.#name(cell.row)}, [${cell.column}] = ${value}`;
    this.#keys.set(cell, `${this.#name(cell.row)}, number ${cell.column}: ${value}`);
  }

  /** @param {number} row */
  #choose(row) {
    const layer = Math.max(0, Math.floor((row - 1) / 2));
    this.dispatchEvent(new CustomEvent('layer', { detail: { layer } }));
  }
}
