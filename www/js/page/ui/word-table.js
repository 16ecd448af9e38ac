// @ts-check
import { formatShare } from '../lib/format.js';
import { spokenText } from '../lib/tokens.js';
import { h } from './dom.js';
import { keyText } from './token-text.js';

/**
 * @typedef {import('../../shared/protocol.js').Word} Word
 * @typedef {import('../../shared/protocol.js').Reranked} Reranked
 */

/**
 * The suggestions with the probabilities behind the one that their key shows, and with ways to be rid of them.
 * Events: `reject` and `block` with `{word}`; `after` when the switch of that name is used.
 */
export class WordTable extends EventTarget {
  #rows = h('tbody');
  #after = h('input', { type: 'checkbox', id: 'count-after' });
  #afterLine = h(
    'label',
    { class: 'check', hidden: true },
    this.#after,
    h('span', {}, 'Show what the text behind the caret would change'),
  );
  #afterHead = h('th', { scope: 'col', hidden: true }, 'with what follows');
  element = h(
    'div',
    { class: 'word-table' },
    h(
      'table',
      {},
      h('caption', { class: 'sr-only' }, 'Suggested words'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, 'word'),
          h('th', { scope: 'col' }, 'shown'),
          h('th', { scope: 'col' }, 'model alone'),
          h('th', { scope: 'col' }, 'before its letters'),
          this.#afterHead,
          h('td'),
        ),
      ),
      this.#rows,
    ),
    this.#afterLine,
  );
  /** @type {Word[]} */
  #words = [];
  /** @type {Reranked[] | null} */
  #reranked = null;

  constructor() {
    super();
    this.#after.addEventListener('change', () => this.dispatchEvent(new Event('after')));
    this.#rows.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      const word = button && this.#words[Number(button.dataset.index)];
      if (word) this.dispatchEvent(new CustomEvent(button.dataset.action ?? '', { detail: { word } }));
    });
  }

  get after() {
    return this.#after.checked && !this.#afterLine.hidden;
  }

  /** @param {boolean} possible */
  offerAfter(possible) {
    this.#afterLine.hidden = !possible;
    this.#afterHead.hidden = !this.after;
  }

  /** @param {Word[]} words */
  update(words) {
    this.#words = words;
    this.#reranked = null;
    this.#draw();
  }

  /** @param {Reranked[] | null} reranked */
  setReranked(reranked) {
    this.#reranked = reranked;
    this.#draw();
  }

  #draw() {
    this.element.hidden = this.#words.length === 0;
    this.#afterHead.hidden = !this.after;
    this.#rows.replaceChildren(...this.#words.map((word, index) => this.#row(word, index)));
  }

  /**
   * @param {Word} word
   * @param {number} index
   */
  #row(word, index) {
    const { text, probability, model, unconditional } = word;
    const after = this.#reranked?.[index];
    const numbers = [probability, model, unconditional].map((share) => h('td', {}, formatShare(share)));
    if (this.after) {
      const { rank = 0, probability: share = 0 } = after ?? {};
      numbers.push(h('td', {}, after ? `${formatShare(share)}, rank ${rank}` : '…'));
    }
    const button = (/** @type {string} */ action, /** @type {string} */ label) =>
      h(
        'button',
        {
          type: 'button',
          class: 'small keeps-focus',
          'data-action': action,
          'data-index': index,
          'aria-label': `${label}: ${spokenText(text)}`,
        },
        label,
      );
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, keyText('', text)),
      ...numbers,
      h('td', { class: 'word-actions' }, button('reject', 'Not here'), button('block', 'Never')),
    );
  }
}
