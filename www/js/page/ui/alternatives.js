// @ts-check
import { formatCount, formatShare } from '../lib/format.js';
import { h } from './dom.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('../../shared/protocol.js').Alternatives} Answer
 * @typedef {import('../../shared/protocol.js').Candidate} Candidate
 */

/**
 * What could have stood in place of a token.
 * Events: `choose` with `{candidate}`, `close`.
 */
export class Alternatives extends EventTarget {
  #title = h('h3', { id: 'alternatives-title' });
  #list = h('ul', { class: 'alternative-keys', 'aria-labelledby': 'alternatives-title' });
  element;
  /** @type {Candidate[]} */
  #candidates = [];

  constructor() {
    super();
    const close = h('button', { type: 'button', class: 'small', 'aria-label': 'Close the alternatives' }, '×');
    close.addEventListener('click', () => this.dispatchEvent(new Event('close')));
    this.element = h(
      'div',
      { id: 'alternatives', class: 'alternatives', hidden: true },
      h('div', { class: 'alternatives-head' }, this.#title, close),
      this.#list,
      h('p', { class: 'note' }, 'Another one goes on from there; the text as it stands is kept below.'),
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.dispatchEvent(new Event('close'));
    });
    this.#list.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      const candidate = button && this.#candidates[Number(button.dataset.index)];
      if (candidate) this.dispatchEvent(new CustomEvent('choose', { detail: { candidate } }));
    });
  }

  hide() {
    this.element.hidden = true;
  }

  /** @param {Answer} answer */
  show({ chosen, candidates }) {
    this.#candidates = candidates.filter(({ insert }) => insert !== null);
    this.#title.replaceChildren(
      'In place of ',
      tokenText(chosen.token),
      `, which had ${formatShare(chosen.probability)} and rank ${formatCount(chosen.rank)}`,
    );
    this.#list.replaceChildren(
      ...this.#candidates.map((candidate, index) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              type: 'button',
              class: 'small',
              'data-index': index,
              'aria-current': candidate.token.id === chosen.token.id ? 'true' : null,
            },
            tokenText(candidate.token),
            ' ',
            h('span', { class: 'share' }, formatShare(candidate.probability)),
          ),
        ),
      ),
    );
    this.element.hidden = false;
  }
}
