// @ts-check
import { formatShare } from '../lib/format.js';
import { typedPart } from '../lib/tokens.js';
import { h } from './dom.js';
import { keyText } from './token-text.js';

/** @typedef {import('../../shared/protocol.js').Candidate} Candidate */

/** Ranks from left to right: the best in the middle, as on a phone's keyboard. */
const order = [2, 1, 3];

/**
 * Three keys and a button for more. Its height never changes.
 * Events: `take` with a candidate, `more`.
 */
export class SuggestionStrip extends EventTarget {
  element;
  #keys;
  #more;
  /** @type {(Candidate | null)[]} */
  #shown = [null, null, null];

  constructor() {
    super();
    this.#keys = order.map((rank, slot) => {
      const key = h('button', { type: 'button', class: 'suggestion', 'data-rank': rank, disabled: true });
      key.addEventListener('click', (event) => this.take(slot, event.timeStamp));
      return key;
    });
    this.#more = h(
      'button',
      {
        type: 'button',
        id: 'more',
        'aria-expanded': 'false',
        'aria-controls': 'candidates',
        'aria-label': 'More candidates',
      },
      h('span', { 'aria-hidden': 'true' }, '⋯'),
    );
    this.#more.addEventListener('click', () => this.dispatchEvent(new Event('more')));
    this.element = h('div', { id: 'strip', role: 'group', 'aria-label': 'Suggestions' }, ...this.#keys, this.#more);
    // Keeps the caret, and a phone's keyboard, where they are.
    this.element.addEventListener('pointerdown', (event) => event.preventDefault());
    this.element.addEventListener('mousedown', (event) => event.preventDefault());
  }

  /**
   * @param {Candidate[]} best the most probable first
   * @param {string} base the text that they continue
   */
  update(best, base) {
    this.#shown = order.map((rank) => best[rank - 1] ?? null);
    this.#shown.forEach((candidate, slot) => {
      this.#drawKey(this.#keys[slot], candidate, base);
    });
    this.element.classList.remove('dismissed');
  }

  /** @param {boolean} stale the text has changed since */
  setStale(stale) {
    this.element.toggleAttribute('data-stale', stale);
    this.element.setAttribute('aria-busy', String(stale));
  }

  dismiss() {
    this.element.classList.add('dismissed');
  }

  /** @param {boolean} open */
  setOpen(open) {
    this.#more.setAttribute('aria-expanded', String(open));
  }

  focusMore() {
    this.#more.focus();
  }

  /**
   * @param {number} slot from left to right
   * @param {number} time
   */
  take(slot, time) {
    const candidate = this.#shown[slot];
    if (candidate) this.dispatchEvent(new CustomEvent('take', { detail: { candidate, time } }));
  }

  /**
   * @param {HTMLButtonElement} key
   * @param {Candidate | null} candidate
   * @param {string} base
   */
  #drawKey(key, candidate, base) {
    key.disabled = candidate === null;
    if (!candidate || candidate.insert === null) {
      key.replaceChildren();
      delete key.dataset.insert;
      return;
    }
    const typed = typedPart(base, candidate.insert);
    const share = formatShare(candidate.probability);
    key.replaceChildren(
      h('span', { class: 'word' }, keyText(typed, candidate.insert)),
      h('span', { class: 'share' }, share),
    );
    key.dataset.insert = candidate.insert;
  }
}
