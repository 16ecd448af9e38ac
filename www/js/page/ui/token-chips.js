// @ts-check
import { formatCount, formatValue } from '../lib/format.js';
import { step } from '../lib/matrix.js';
import { shade } from '../lib/surprise.js';
import { commonPrefix } from '../lib/tokens.js';
import { h } from './dom.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../../shared/protocol.js').TokenSurprise} TokenSurprise
 */

const hint = 'Point at a token, or step along with the arrow keys, for its number in the vocabulary and its bytes.';

/**
 * The tokens of the context in order. Only what changed is redrawn.
 * Event: `pick` with `{index, several}`; `several`: with Shift, by pointer or by key.
 */
export class TokenChips extends EventTarget {
  #list = h('ol', { id: 'chips', class: 'chips', 'aria-label': 'Tokens of the context' });
  #detail = h('p', { class: 'chip-detail note' }, hint);
  element = h('div', {}, this.#list, this.#detail);
  /** @type {Token[]} */
  #tokens = [];
  #focused = 0;
  /** By index, as far as it is known. @type {(TokenSurprise | undefined)[]} */
  #surprise = [];
  /** @type {Set<number>} */
  #lit = new Set();

  constructor() {
    super();
    this.#list.addEventListener('pointerover', (event) => this.#describe(this.#indexOf(event.target)));
    this.#list.addEventListener('pointerleave', () => this.#describe(null));
    this.#list.addEventListener('focusin', (event) => this.#describe(this.#indexOf(event.target)));
    this.#list.addEventListener('focusout', () => this.#describe(null));
    this.#list.addEventListener('keydown', (event) => this.#keydown(event));
    this.#list.addEventListener('click', (event) => this.#pick(this.#indexOf(event.target), event.shiftKey));
  }

  /** @param {number | null} index @param {boolean} several */
  #pick(index, several) {
    if (index === null) return;
    this.#setFocused(index);
    this.dispatchEvent(new CustomEvent('pick', { detail: { index, several } }));
  }

  /** @param {Token[]} tokens */
  update(tokens) {
    const list = this.#list;
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
    const same = commonPrefix(this.#tokens, tokens);
    this.light([]);
    while (list.children.length > same) list.lastElementChild?.remove();
    this.#surprise.length = Math.min(this.#surprise.length, same);
    const added = tokens.slice(same).map((token, offset) => this.#chip(token, same + offset));
    list.append(...added);
    this.#tokens = tokens;
    this.#setFocused(Math.min(this.#focused, tokens.length - 1));
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  /**
   * @param {readonly (TokenSurprise | undefined)[]} tokens of the whole text, by index
   * @param {number} from the index of the first token here
   */
  setSurprise(tokens, from) {
    this.#surprise = this.#tokens.map(({ id }, index) => {
      const surprise = tokens[from + index];
      return surprise?.token.id === id ? surprise : undefined;
    });
    this.#surprise.forEach((surprise, index) => {
      const chip = this.#button(index);
      if (chip) chip.className = surprise ? `chip surprise surprise-${shade(surprise.bits)}` : 'chip';
    });
  }

  /** @param {number[]} indices */
  light(indices) {
    for (const index of this.#lit) this.#list.children[index]?.classList.remove('lit');
    this.#lit = new Set(indices);
    for (const index of this.#lit) this.#list.children[index]?.classList.add('lit');
  }

  /**
   * @param {Token} token
   * @param {number} index
   */
  #chip(token, index) {
    return h(
      'li',
      {},
      h(
        'button',
        { type: 'button', class: 'chip', tabindex: -1, 'data-index': index, 'data-id': token.id },
        tokenText(token),
      ),
    );
  }

  /** @param {EventTarget | null} target */
  #indexOf(target) {
    const chip = target instanceof Element ? target.closest('.chip') : null;
    return chip instanceof HTMLElement ? Number(chip.dataset.index) : null;
  }

  /** @param {number | null} index */
  #describe(index) {
    const token = index === null ? null : this.#tokens[index];
    if (!token || index === null) {
      this.#detail.textContent = hint;
      return;
    }
    const surprise = this.#surprise[index];
    this.#detail.replaceChildren(
      tokenText(token),
      ` is token ${formatCount(index)} of the context, number ${token.id} in the vocabulary, bytes `,
      h('span', { class: 'piece-bytes' }, token.hex),
      surprise ? `; ${formatValue(surprise.bits)} bits of surprise, rank ${formatCount(surprise.rank)}` : '',
    );
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' && event.shiftKey) {
      // The click that browsers make of it does not tell of Shift everywhere.
      event.preventDefault();
      this.#pick(this.#indexOf(event.target), true);
      return;
    }
    const to = step(event.key, { row: 0, column: this.#focused }, 1, this.#tokens.length);
    if (!to || event.key.startsWith('Page') || event.key === 'ArrowUp' || event.key === 'ArrowDown') return;
    event.preventDefault();
    this.#setFocused(to.column);
    this.#button(to.column)?.focus();
  }

  /** @param {number} index */
  #button(index) {
    const chip = this.#list.children[index]?.firstElementChild;
    return chip instanceof HTMLButtonElement ? chip : null;
  }

  /** Keeps exactly one chip in the tab order. @param {number} index */
  #setFocused(index) {
    this.#button(this.#focused)?.setAttribute('tabindex', '-1');
    this.#focused = Math.max(0, index);
    this.#button(this.#focused)?.setAttribute('tabindex', '0');
  }
}
