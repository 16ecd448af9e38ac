// @ts-check
import { formatCount, formatValue } from '../lib/format.js';
import { around, paintLine } from '../lib/raster.js';
import { h, putPixels } from './dom.js';

/** @typedef {import('../lib/raster.js').Palette} Palette */

/** Strips and maps of vectors share one palette, which changes with the scheme. @type {Palette | null} */
let palette = null;
/** @type {Set<WeakRef<VectorStrip>>} */
const strips = new Set();

/** @param {Palette} signed   from the most negative to the most positive, zero in the middle */
export function setVectorPalette(signed) {
  palette = signed;
  for (const reference of strips) {
    const strip = reference.deref();
    if (strip) strip.draw();
    else strips.delete(reference);
  }
}

/**
 * A vector as a line of colours, zero neutral, with every number on hover and by arrow keys.
 * Event: `index` with `{index}`, null when none is pointed at.
 */
export class VectorStrip extends EventTarget {
  #canvas = h('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
  #mark = h('span', { class: 'strip-mark', hidden: true });
  #bar = h(
    'span',
    { class: 'strip-bar', role: 'slider', tabindex: 0, 'aria-valuemin': 0, 'aria-valuenow': 0 },
    this.#canvas,
    this.#mark,
  );
  #name;
  #shape = h('span', { class: 'strip-shape' });
  #number = h('span', { class: 'strip-number' });
  element;
  /** @type {Float32Array} */
  #values = new Float32Array();
  #bound = 0;
  #index = 0;

  /**
   * @param {string} name
   * @param {{kind?: 'query' | 'key' | 'value' | 'sum', groups?: string}} [look]   `groups`: what stretches of equal length are
   */
  constructor(name, { kind, groups } = {}) {
    super();
    this.#name = name;
    this.groups = groups;
    this.element = h(
      'div',
      { class: `strip${kind ? ` strip-${kind}` : ''}` },
      h('span', { class: 'strip-head' }, h('span', { class: 'strip-name' }, name), ' ', this.#shape, this.#number),
      this.#bar,
    );
    this.#bar.addEventListener('pointermove', (event) => {
      const box = this.#bar.getBoundingClientRect();
      this.#point(Math.floor(((event.clientX - box.left) / box.width) * this.#values.length));
    });
    this.#bar.addEventListener('pointerleave', () => this.#point(null));
    this.#bar.addEventListener('blur', () => this.#point(null));
    this.#bar.addEventListener('focus', () => this.#point(this.#index));
    this.#bar.addEventListener('keydown', (event) => this.#keydown(event));
    strips.add(new WeakRef(this));
  }

  /**
   * @param {Float32Array} values
   * @param {{shape?: string, bound?: number, name?: string, length?: number}} [more]
   *   `bound`: the value of the strongest colour, for strips that are compared; `length`: of each group
   */
  update(values, { shape, bound, name, length } = {}) {
    this.#values = values;
    this.length = length;
    this.#bound = bound ?? values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    if (name) {
      this.#name = name;
      const place = this.element.querySelector('.strip-name');
      if (place) place.textContent = name;
    }
    this.#shape.textContent = shape ?? `(${formatCount(values.length)})`;
    this.#bar.setAttribute('aria-valuemax', String(values.length - 1));
    this.#bar.setAttribute('aria-label', `${this.#name}, ${formatCount(values.length)} numbers`);
    this.#bar.style.setProperty('--groups', String(length ? values.length / length : 1));
    this.#point(null);
    this.draw();
  }

  draw() {
    const count = this.#values.length;
    if (!palette || count === 0) return;
    putPixels(this.#canvas, paintLine(this.#values, palette, around(this.#bound)), count);
  }

  /** @param {number | null} index */
  #point(index) {
    const count = this.#values.length;
    const at = index === null ? null : Math.max(0, Math.min(count - 1, index));
    this.#mark.hidden = at === null;
    if (at === null || count === 0) {
      const low = this.#values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
      const high = this.#values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
      this.#number.textContent = count === 0 ? '' : `${formatValue(low)} … ${formatValue(high)}`;
    } else {
      this.#index = at;
      this.#mark.style.left = `${(100 * (at + 0.5)) / count}%`;
      const place = this.length
        ? `${this.groups ?? 'part'} ${Math.floor(at / this.length)}, ${at % this.length}`
        : String(at);
      this.#number.textContent = `[${place}] = ${formatValue(this.#values[at])}`;
      this.element.dataset.value = String(this.#values[at]);
      this.#bar.setAttribute('aria-valuenow', String(at));
      this.#bar.setAttribute('aria-valuetext', `${place}: ${formatValue(this.#values[at])}`);
    }
    this.dispatchEvent(new CustomEvent('index', { detail: { index: at } }));
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    const last = this.#values.length - 1;
    /** @type {Record<string, number>} */
    const steps = {
      ArrowRight: this.#index + 1,
      ArrowUp: this.#index + 1,
      ArrowLeft: this.#index - 1,
      ArrowDown: this.#index - 1,
      PageUp: this.#index + (this.length ?? 64),
      PageDown: this.#index - (this.length ?? 64),
      Home: 0,
      End: last,
    };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#point(Math.max(0, Math.min(last, steps[event.key])));
  }
}
