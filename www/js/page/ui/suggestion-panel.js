// @ts-check
import { CandidateList } from './candidate-list.js';
import { h } from './dom.js';
import { WordTable } from './word-table.js';

/**
 * @typedef {import('../../shared/protocol.js').Candidate} Candidate
 * @typedef {import('../../shared/protocol.js').Word} Word
 * @typedef {import('../../shared/protocol.js').Reranked} Reranked
 */

/**
 * What is behind the three keys: their words with all their numbers, and the most probable tokens.
 * Events: `take` with `{candidate}`, `reject` and `block` with `{word}`, `after` when the switch of that name is used,
 * `close`.
 */
export class SuggestionPanel extends EventTarget {
  #words = new WordTable();
  #tokens = new CandidateList();
  #undo = h('p', { class: 'undo-line', hidden: true });
  element = h(
    'section',
    { id: 'candidates', class: 'candidates', 'aria-label': 'More about what comes next', hidden: true },
    this.#undo,
    this.#words.element,
    this.#tokens.element,
  );
  /** @type {Word[]} */
  #shownWords = [];
  /** @type {Candidate[]} */
  #shownTokens = [];
  /** @type {'within' | 'after'} */
  #listed = 'after';

  constructor() {
    super();
    this.element.addEventListener('pointerdown', (event) => {
      // As on the strip; but a finger must still be able to scroll the list.
      if (event.pointerType === 'mouse' && event.target instanceof Element && event.target.closest('button')) {
        event.preventDefault();
      }
    });
    this.element.addEventListener('mousedown', (event) => {
      if (event.target instanceof Element && event.target.closest('button')) event.preventDefault();
    });
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.dispatchEvent(new Event('close'));
    });
    for (const type of ['reject', 'block', 'after']) {
      this.#words.addEventListener(type, (event) => this.#pass(event));
    }
    this.#tokens.addEventListener('take', (event) => this.#pass(event));
  }

  get open() {
    return !this.element.hidden;
  }

  /** @param {boolean} open */
  setOpen(open) {
    this.element.hidden = !open;
    this.#undo.hidden = true;
    if (open) this.#draw();
  }

  /** Whether what comes after the caret counts. */
  get after() {
    return this.#words.after;
  }

  /**
   * @param {Word[]} words
   * @param {Candidate[]} tokens
   * @param {'within' | 'after'} listed what the tokens are: see `Suggestions`
   */
  update(words, tokens, listed) {
    this.#listed = listed;
    this.#shownWords = words;
    this.#shownTokens = tokens;
    if (this.open) this.#draw();
  }

  /**
   * @param {string} message what was done
   * @param {() => void} undo
   */
  offerUndo(message, undo) {
    const button = h('button', { type: 'button', class: 'small keeps-focus' }, 'Undo');
    button.addEventListener('click', () => {
      this.#undo.hidden = true;
      undo();
    });
    this.#undo.replaceChildren(h('span', {}, message), button);
    this.#undo.hidden = false;
  }

  /** @param {boolean} possible whether anything comes after the caret */
  offerAfter(possible) {
    this.#words.offerAfter(possible);
  }

  /** @param {Reranked[] | null} reranked in the order of the words */
  setReranked(reranked) {
    this.#words.setReranked(reranked);
  }

  #draw() {
    this.#words.update(this.#shownWords);
    this.#tokens.update(this.#shownTokens, this.#listed);
  }

  /** @param {Event} event */
  #pass(event) {
    const { detail } = /** @type {CustomEvent<unknown>} */ (event);
    this.dispatchEvent(new CustomEvent(event.type, { detail }));
  }
}
