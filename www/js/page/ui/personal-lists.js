// @ts-check
import { formatCount, plural } from '../lib/format.js';
import { h } from './dom.js';

/**
 * @typedef {import('../../shared/protocol.js').PersonalState} PersonalState
 * @typedef {import('../../shared/protocol.js').PersonalChange} PersonalChange
 */

/** Words that are listed; somebody who writes a lot has thousands. */
const listed = 100;

/**
 * What is known of the user's own words, each with a button that takes it out.
 * Event: `change` with a `PersonalChange`.
 */
export class PersonalLists extends EventTarget {
  #learnt = h('ul', { class: 'word-list' });
  #blocked = h('ul', { class: 'word-list' });
  #rejected = h('ul', { class: 'word-list' });
  element;

  constructor() {
    super();
    this.element = h(
      'div',
      { class: 'personal-lists' },
      ...[
        ['Words you wrote', this.#learnt],
        ['Never suggested', this.#blocked],
        ['Not suggested in one place', this.#rejected],
      ].map(([title, list]) => h('details', {}, h('summary', {}, title), list)),
    );
  }

  /** @param {PersonalState} state */
  update({ words, blocked, rejected }) {
    this.#draw(
      this.#learnt,
      words.map(({ word, count }) => ({
        text: word,
        note: plural(Math.round(count * 10) / 10, 'time'),
        label: `Forget ${word}`,
        change: { action: 'forget', word },
      })),
    );
    this.#draw(
      this.#blocked,
      blocked.map((word) => ({
        text: word,
        note: '',
        label: `Suggest ${word} again`,
        change: { action: 'unblock', word },
      })),
    );
    this.#draw(
      this.#rejected,
      rejected.map(({ after, word }) => ({
        text: word,
        note: `after ‘${after.slice(-24)}’`,
        label: `Suggest ${word} here again`,
        change: { action: 'allow-at', after, word },
      })),
    );
  }

  /**
   * @param {HTMLElement} list
   * @param {{text: string, note: string, label: string, change: PersonalChange}[]} entries
   */
  #draw(list, entries) {
    const rows = entries.slice(0, listed).map(({ text, note, label, change }) => {
      const button = h('button', { type: 'button', class: 'small', 'aria-label': label }, '×');
      button.addEventListener('click', () => this.dispatchEvent(new CustomEvent('change', { detail: change })));
      return h('li', {}, h('bdi', {}, text), h('span', { class: 'note' }, note), button);
    });
    const more = entries.length - rows.length;
    if (more > 0) rows.push(h('li', { class: 'note' }, `and ${formatCount(more)} more`));
    list.replaceChildren(...(rows.length ? rows : [h('li', { class: 'note' }, 'none yet')]));
    const summary = list.parentElement?.firstElementChild;
    summary?.setAttribute('data-count', formatCount(entries.length));
  }
}
