// @ts-check
import { h } from './dom.js';

/**
 * Walks through parts of a view one after the other.
 * Event: `end` when it is asked to go on after the last.
 */
export class Walk extends EventTarget {
  #stops;
  #back = h('button', { type: 'button', class: 'plain compact', id: 'walk-back', 'aria-label': 'Step before' }, '←');
  #next = h('button', { type: 'button', class: 'plain compact', id: 'walk-next' }, 'Walk through it');
  #note = h('span', { class: 'note', role: 'status', id: 'walk-note' });
  element = h('div', { class: 'walk' }, this.#back, this.#next, this.#note);
  /** @type {number | null} */
  #at = null;

  /** @param {() => HTMLElement[]} stops   in order; each is named by its first heading */
  constructor(stops) {
    super();
    this.#stops = stops;
    this.#back.hidden = true;
    this.#back.addEventListener('click', () => this.#go((this.#at ?? 0) - 1));
    this.#next.addEventListener('click', () => this.#go(this.#at === null ? 0 : this.#at + 1));
  }

  /** @param {number} to */
  #go(to) {
    const stops = this.#stops();
    if (this.#at !== null) stops[this.#at]?.classList.remove('walked');
    if (to >= stops.length) this.dispatchEvent(new Event('end'));
    // From the end it goes on at the beginning, with the next token.
    this.#at = to >= stops.length ? 0 : Math.max(0, to);
    const stop = stops[this.#at];
    stop.classList.add('walked');
    stop.scrollIntoView({ block: 'nearest' });
    this.#back.hidden = this.#at === 0;
    this.#next.textContent = this.#at + 1 < stops.length ? 'Next →' : 'On with the next token →';
    this.#note.textContent = `${this.#at + 1} of ${stops.length}: ${stop.querySelector('.step-title')?.textContent?.trim() ?? ''}`;
  }
}
