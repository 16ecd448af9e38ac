// @ts-check
import { formatShare, formatValue, plural } from '../lib/format.js';
import { h } from './dom.js';
import { tokenText } from './token-text.js';

/** @typedef {import('../../shared/protocol.js').Candidate} Candidate */

/** @param {Candidate} candidate */
function obstacle(candidate) {
  if (candidate.token.text === null) return 'part of a character';
  if (candidate.token.text.startsWith('<|')) return 'marks the end of a text';
  return 'can’t be typed';
}

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

  constructor() {
    super();
    this.element = h(
      'section',
      { id: 'candidates', class: 'candidates', 'aria-label': 'Most probable next tokens', hidden: true },
      h(
        'div',
        { class: 'candidate-head', 'aria-hidden': 'true' },
        h('span', {}, 'rank'),
        h('span', {}, 'token'),
        h('span', {}, 'probability'),
        h('span', {}, 'logit'),
      ),
      this.#list,
      this.#summary,
    );
    this.element.addEventListener('pointerdown', (event) => {
      // As on the strip; but a finger must still be able to scroll the list.
      if (event.pointerType === 'mouse' && event.target instanceof Element && event.target.closest('button')) {
        event.preventDefault();
      }
    });
    this.element.addEventListener('mousedown', (event) => {
      if (event.target instanceof Element && event.target.closest('button')) event.preventDefault();
    });
    this.#list.addEventListener('click', (event) => {
      const row = event.target instanceof Element ? event.target.closest('button') : null;
      const candidate = row && this.#shown[Number(row.dataset.index)];
      if (candidate && candidate.insert !== null) {
        this.dispatchEvent(new CustomEvent('take', { detail: { candidate, time: event.timeStamp } }));
      }
    });
  }

  get open() {
    return !this.element.hidden;
  }

  /** @param {boolean} open */
  setOpen(open) {
    this.element.hidden = !open;
    if (open) this.#draw();
  }

  /** @param {Candidate[]} candidates */
  update(candidates) {
    this.#shown = candidates;
    if (this.open) this.#draw();
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
      const [rank, word, bar, number, logit] = row.children;
      rank.textContent = String(candidate.rank);
      word.replaceChildren(tokenText(candidate.token), ...(why ? [h('span', { class: 'why' }, why)] : []));
      const fill = /** @type {HTMLElement} */ (bar.firstElementChild);
      fill.style.inlineSize = `${(candidate.probability / largest) * 100}%`;
      number.textContent = share;
      logit.textContent = formatValue(candidate.logit);
    });
    this.#summary.textContent = candidates.length
      ? `These ${plural(candidates.length, 'token')} hold ${formatShare(sum)} of the probability; bars are relative to the first.`
      : '';
  }

  /** @param {number} index */
  #row(index) {
    let item = this.#list.children[index];
    if (!item) {
      const cells = ['rank', 'word', 'bar', 'share', 'logit'].map((name) => h('span', { class: `candidate-${name}` }));
      cells[2].append(h('span', { class: 'candidate-fill' }));
      item = h(
        'li',
        {},
        h('button', { type: 'button', class: 'candidate keeps-focus', 'data-index': index }, ...cells),
      );
      this.#list.append(item);
    }
    return /** @type {HTMLButtonElement} */ (item.firstElementChild);
  }
}
