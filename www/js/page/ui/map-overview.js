// @ts-check
import { paintMatrix, pool } from '../lib/raster.js';
import { h, putPixels } from './dom.js';

const cells = 192; // a side; more than that is pooled

/**
 * The whole of a map that is larger than its place, with a frame around the part that is seen. It is a help for the pointer only:
 * the keyboard moves the map itself.
 * Event: `look` with `{x, y}`, shares of the map that should come to the middle.
 */
export class MapOverview extends EventTarget {
  #canvas = h('canvas', { width: 1, height: 1 });
  #frame = h('div', { class: 'overview-frame' });
  element = h('div', { class: 'map-overview', 'aria-hidden': 'true', hidden: true }, this.#canvas, this.#frame);
  /** @type {(() => void) | null} */
  #paint = null;

  constructor() {
    super();
    const move = (/** @type {PointerEvent} */ event) => {
      const box = this.#canvas.getBoundingClientRect();
      const detail = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
      this.dispatchEvent(new CustomEvent('look', { detail }));
    };
    this.element.addEventListener('pointerdown', (event) => {
      this.element.setPointerCapture(event.pointerId);
      move(event);
    });
    this.element.addEventListener('pointermove', (event) => {
      if (this.element.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  /** @param {Pick<import('./head-map.js').MapData, 'values' | 'mask' | 'palette' | 'low' | 'high' | 'power'> & {size: number}} data */
  update({ values, size, mask, palette, low, high, power }) {
    this.#paint = () => {
      const small = pool(values, size, cells, mask);
      const pixels = paintMatrix(small.values, small.size, palette, { low, high, power, mask: small.mask });
      putPixels(this.#canvas, pixels, small.size);
    };
    if (!this.element.hidden) this.#draw();
  }

  /** @param {{x: number, y: number, width: number, height: number}} part   shares of the map */
  frame({ x, y, width, height }) {
    const whole = width >= 1 && height >= 1;
    if (this.element.hidden !== whole) {
      this.element.hidden = whole;
      if (!whole) this.#draw();
    }
    if (whole) return;
    this.#frame.style.left = `${100 * Math.max(0, x)}%`;
    this.#frame.style.top = `${100 * Math.max(0, y)}%`;
    this.#frame.style.width = `${100 * Math.min(1, width)}%`;
    this.#frame.style.height = `${100 * Math.min(1, height)}%`;
  }

  #draw() {
    this.#paint?.();
    this.#paint = null;
  }
}
