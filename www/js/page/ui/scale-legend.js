// @ts-check
import { formatValue } from '../lib/format.js';
import { paintLegend } from '../lib/raster.js';
import { h, putPixels } from './dom.js';

/** @typedef {import('../lib/raster.js').Palette} Palette */

const width = 256;

/** The colours between the smallest and the largest value that the map really has. */
export class ScaleLegend {
  #canvas = h('canvas', { width, height: 1, 'aria-hidden': 'true' });
  #low = h('span', { class: 'legend-low' });
  #high = h('span', { class: 'legend-high' });
  #zero = h('span', { class: 'legend-zero', 'aria-hidden': 'true' }, '0');
  #masked = h('span', { class: 'legend-masked' }, h('span', { class: 'hatch', 'aria-hidden': 'true' }), 'masked');
  element = h(
    'div',
    { class: 'legend' },
    this.#low,
    h('span', { class: 'legend-bar' }, this.#canvas, this.#zero),
    this.#high,
    this.#masked,
  );

  /** @param {{palette: Palette, low: number, high: number, power: number, from: number, to: number, masked: boolean}} scale */
  update({ palette, low, high, power, from, to, masked }) {
    putPixels(this.#canvas, paintLegend(palette, width, { low, high, power, from, to }), width);
    this.#low.textContent = `min ${formatValue(from)}`;
    this.#high.textContent = `max ${formatValue(to)}`;
    this.element.dataset.min = String(from);
    this.element.dataset.max = String(to);
    const zero = -from / (to - from);
    this.#zero.hidden = !(zero > 0.08 && zero < 0.92);
    this.#zero.style.insetInlineStart = `${zero * 100}%`;
    this.#masked.hidden = !masked;
  }
}
