// @ts-check
import { h } from './dom.js';

/**
 * @typedef {object} Shown   what a step puts on the page; whatever is not there stays as it is
 * @property {string} [text]
 * @property {string} [view]
 * @property {string} [stage]
 * @property {string} [find]
 * @property {number | null} [position]
 * @property {[number, number]} [cell]
 * @property {boolean} [sum]
 * @property {boolean} [alter]
 * @property {string} [other]
 *
 * @typedef {{title: string, text: string, try: string, show?: Shown, point?: string}} Step
 * @typedef {{title: string, text: string, look: string, show?: Shown}} Example
 * @typedef {{offer: string, resume: string, next: string, back: string, skip: string, end: string, try: string, count: string,
 *   steps: Step[], examples: Example[]}} Guide
 */

/**
 * The tour, a step at a time, and examples with what to look for.
 * Events: `go` with `{step}` (null to leave), `example` with `{index}`.
 */
export class GuidePanel extends EventTarget {
  #offer = h('button', { type: 'button', class: 'plain compact', id: 'tour-start' });
  #examples = h('ul', { class: 'guide-examples' });
  #bar = h('div', { class: 'guide-bar', hidden: true }, this.#offer, this.#examples);
  #count = h('p', { class: 'note' });
  #title = h('h3', { tabindex: -1 });
  #text = h('p');
  #try = h('p', { class: 'guide-try' });
  #back = h('button', { type: 'button', class: 'plain compact', id: 'tour-back' });
  #next = h('button', { type: 'button', class: 'primary compact', id: 'tour-next' });
  #skip = h('button', { type: 'button', class: 'plain compact', id: 'tour-skip' });
  card = h(
    'section',
    { class: 'guide', id: 'tour', 'aria-label': 'Tour', hidden: true },
    this.#count,
    this.#title,
    this.#text,
    this.#try,
    h('div', { class: 'guide-buttons' }, this.#back, this.#next, this.#skip),
  );
  #look = h('p', { class: 'note guide-look', role: 'status', hidden: true });
  element = h('div', {}, this.#bar, this.#look);
  #step = 0;
  /** @type {Guide | null} */
  #guide = null;
  /** @type {Element | null} */
  #pointed = null;

  constructor() {
    super();
    const go = (/** @type {number | null} */ step) => this.dispatchEvent(new CustomEvent('go', { detail: { step } }));
    this.#offer.addEventListener('click', () => go(this.#step));
    this.#back.addEventListener('click', () => go(this.#step - 1));
    this.#next.addEventListener('click', () => {
      const isLast = this.#step + 1 >= (this.#guide?.steps.length ?? 0);
      // Who has seen all of it may begin anew.
      if (isLast) this.#step = 0;
      go(isLast ? null : this.#step + 1);
    });
    this.#skip.addEventListener('click', () => go(null));
    this.card.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') go(null);
    });
    this.#examples.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button) this.dispatchEvent(new CustomEvent('example', { detail: { index: Number(button.dataset.index) } }));
    });
  }

  /** Where it was left. */
  get step() {
    return this.#step;
  }

  /** @param {Guide} guide @param {number} step   where it was left */
  setGuide(guide, step) {
    this.#guide = guide;
    this.#step = Math.min(step, guide.steps.length - 1);
    this.#bar.hidden = false;
    this.#offer.textContent = step > 0 ? guide.resume : guide.offer;
    this.#examples.replaceChildren(
      ...guide.examples.map(({ title }, index) =>
        h('li', {}, h('button', { type: 'button', class: 'plain compact', 'data-index': index }, title)),
      ),
    );
  }

  /** @param {string} look   what to look for in the example that is open */
  tell(look) {
    this.#look.textContent = look;
    this.#look.hidden = look === '';
  }

  /** @param {number | null} step */
  show(step) {
    const guide = this.#guide;
    this.#pointed?.classList.remove('pointed');
    this.#pointed = null;
    this.card.hidden = step === null;
    if (!guide) return;
    if (step === null) {
      this.#offer.textContent = this.#step > 0 ? guide.resume : guide.offer;
      this.#offer.focus();
      return;
    }
    this.#step = step;
    const { title, text, try: attempt, point } = guide.steps[step];
    this.#count.textContent = guide.count
      .replace('{step}', String(step + 1))
      .replace('{steps}', String(guide.steps.length));
    this.#title.textContent = title;
    this.#text.textContent = text;
    this.#try.replaceChildren(h('strong', {}, `${guide.try}: `), attempt);
    this.#back.textContent = guide.back;
    this.#back.disabled = step === 0;
    this.#next.textContent = step + 1 < guide.steps.length ? guide.next : guide.end;
    this.#skip.textContent = guide.skip;
    this.#pointed = point ? document.querySelector(point) : null;
    this.#pointed?.classList.add('pointed');
    this.#pointed?.scrollIntoView({ block: 'center' });
    this.#title.focus({ preventScroll: true });
  }
}
