// @ts-check
import { formatShare, formatValue, plural } from '../lib/format.js';
import { step } from '../lib/matrix.js';
import { h } from './dom.js';
import { tokenText } from './token-text.js';

/** @typedef {import('../../shared/protocol.js').Candidate} Candidate */

/** @param {Candidate} candidate */
function obstacle(candidate) {
  if (candidate.token.text === null) return 'part of a character';
  if (candidate.token.text.startsWith('<|')) return 'marks the end of a text';
  return 'can’t be typed';
}

/** In a single column the ends of a row are of no use. @type {Readonly<Record<string, string>>} */
const ends = { Home: 'PageUp', End: 'PageDown' };

/**
 * The most probable tokens with their numbers. Rows are kept and refilled, as this redraws with every keystroke.
 * Event: `take` with a candidate.
 */
export class CandidateList extends EventTarget {
  element;
  #summary = h('p', { class: 'note' });
  #list = h('ol', { class: 'candidate-rows' });
  /** @type {Candidate[]} */
  #shown = [];
  /** @type {'within' | 'after'} */
  #listed = 'after';
  #focused = 0;

  constructor() {
    super();
    this.element = h(
      'div',
      { role: 'group', 'aria-label': 'Most probable next tokens' },
      h(
        'div',
        { class: 'candidate-head', 'aria-hidden': 'true' },
        h('span', {}, 'rank'),
        h('span', {}, 'token'),
        h('span', {}, 'probability'),
        h('span', {}, 'drawn'),
        h('span', {}, 'logit'),
      ),
      this.#list,
      this.#summary,
    );
    this.#list.addEventListener('focusin', (event) => {
      if (event.target instanceof HTMLElement) this.#setFocused(Number(event.target.dataset.index));
    });
    this.#list.addEventListener('keydown', (event) => this.#keydown(event));
    this.#list.addEventListener('click', (event) => {
      const row = event.target instanceof Element ? event.target.closest('button') : null;
      const candidate = row && this.#shown[Number(row.dataset.index)];
      if (candidate && candidate.insert !== null) {
        this.dispatchEvent(new CustomEvent('take', { detail: { candidate, time: event.timeStamp } }));
      }
    });
  }

  /**
   * @param {Candidate[]} candidates
   * @param {'within' | 'after'} listed whether they are for the word that has begun, or may follow the text
   */
  update(candidates, listed) {
    this.#shown = candidates;
    this.#listed = listed;
    this.#draw();
  }

  #draw() {
    const candidates = this.#shown;
    while (this.#list.children.length > candidates.length) this.#list.lastElementChild?.remove();
    const largest = candidates[0]?.probability || 1;
    let sum = 0;
    candidates.forEach((candidate, index) => {
      sum += candidate.probability;
      const row = this.#row(index);
      const why = candidate.insert === null ? obstacle(candidate) : '';
      const share = formatShare(candidate.probability);
      // Not `disabled`: what can't be inserted should still be found and read from the keyboard.
      row.setAttribute('aria-disabled', String(candidate.insert === null));
      row.dataset.rank = String(candidate.rank);
      row.dataset.id = String(candidate.token.id);
      row.dataset.probability = String(candidate.probability);
      row.dataset.logit = String(candidate.logit);
      const [rank, word, bar, number, drawn, logit] = row.children;
      rank.textContent = String(candidate.rank);
      word.replaceChildren(tokenText(candidate.token), ...(why ? [h('span', { class: 'why' }, why)] : []));
      const fill = /** @type {HTMLElement} */ (bar.firstElementChild);
      fill.style.inlineSize = `${(candidate.probability / largest) * 100}%`;
      number.textContent = share;
      drawn.textContent = formatShare(candidate.sampled);
      logit.textContent = formatValue(candidate.logit);
    });
    this.#setFocused(Math.min(this.#focused, candidates.length - 1));
    const what =
      this.#listed === 'within'
        ? 'Read from the start of the word that has begun. ‘Drawn’ is the chance among the tokens that fit its letters'
        : '‘Drawn’ is the chance that Generate takes it';
    this.#summary.textContent = candidates.length
      ? `These ${plural(candidates.length, 'token')} hold ${formatShare(sum)} of the probability; bars are relative to the first. ${what}, after temperature, top k, top p and penalty.`
      : '';
  }

  /** @param {number} index */
  #row(index) {
    let item = this.#list.children[index];
    if (!item) {
      const cells = ['rank', 'word', 'bar', 'share', 'drawn', 'logit'].map((name) =>
        h('span', { class: `candidate-${name}` }),
      );
      cells[2].append(h('span', { class: 'candidate-fill' }));
      item = h(
        'li',
        {},
        h('button', { type: 'button', class: 'candidate keeps-focus', tabindex: -1, 'data-index': index }, ...cells),
      );
      this.#list.append(item);
    }
    return /** @type {HTMLButtonElement} */ (item.firstElementChild);
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = step(ends[event.key] ?? event.key, { row: this.#focused, column: 0 }, this.#shown.length, 1);
    if (!to) return;
    event.preventDefault();
    this.#row(to.row).focus();
  }

  /** Keeps exactly one row in the tab order. @param {number} index */
  #setFocused(index) {
    this.#list.querySelector('[tabindex="0"]')?.setAttribute('tabindex', '-1');
    this.#focused = Math.max(0, index);
    this.#list.children[this.#focused]?.firstElementChild?.setAttribute('tabindex', '0');
  }
}
