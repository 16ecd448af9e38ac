// @ts-check
import { paintCells } from '../lib/raster.js';
import { h, putPixels } from './dom.js';

/** @typedef {import('../../shared/inspection.js').PositionMatrix} PositionMatrix */

/** The position embeddings as a picture, a row for each place that a token can stand at. */
export class PositionPicture {
  #canvas = h('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
  #mark = h('span', { class: 'row-mark', hidden: true });
  #caption = h('figcaption', { class: 'note' });
  element = h(
    'figure',
    { class: 'picture', id: 'position-picture' },
    h('div', { class: 'picture-plane position-plane' }, this.#canvas, this.#mark),
    this.#caption,
  );
  /** @type {PositionMatrix | null} */
  #matrix = null;
  #position = 0;
  /** @type {import('../lib/raster.js').Palette | null} */
  #palette = null;

  /** @param {import('../lib/raster.js').Palette} palette */
  setPalette(palette) {
    this.#palette = palette;
    this.#draw();
  }

  /** @param {PositionMatrix} matrix */
  update(matrix) {
    this.#matrix = matrix;
    this.#caption.textContent = `All position embeddings (${matrix.rows}, ${matrix.columns}); the line is this token’s row.`;
    this.#draw();
    this.mark(this.#position);
  }

  #draw() {
    if (!this.#matrix || !this.#palette) return;
    const { rows, columns, values } = this.#matrix;
    // A few positions stand out by far; the picture would be blank at the scale of the largest.
    let square = 0;
    for (const value of values) square += value * value;
    const bound = 3 * Math.sqrt(square / values.length);
    putPixels(this.#canvas, paintCells(values, rows, columns, this.#palette, { low: -bound, high: bound }), columns);
  }

  /** @param {number} position */
  mark(position) {
    this.#position = position;
    this.#mark.hidden = this.#matrix === null;
    if (this.#matrix) this.#mark.style.top = `${(100 * (position + 0.5)) / this.#matrix.rows}%`;
  }
}
