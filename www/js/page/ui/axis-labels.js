// @ts-check
import { h } from './dom.js';
import { tokenText } from './token-text.js';

/** @typedef {import('../../shared/protocol.js').Token} Token */

const room = 14; // px that one line of labels needs
const margin = 12; // labels kept beyond the visible edge, so that scrolling finds them in place

/** Token labels along one side of a map. Only those on screen exist: a long text has a thousand on each side. */
export class AxisLabels {
  element;
  /** @type {readonly Token[]} */
  #tokens = [];
  #cell = 1;
  /** @type {Map<number, HTMLElement>} */
  #made = new Map();
  /** @type {number | null} */
  #lit = null;

  /** @param {'row' | 'column'} side */
  constructor(side) {
    this.element = h('div', { class: `axis axis-${side}`, 'aria-hidden': 'true' });
  }

  /**
   * @param {readonly Token[]} tokens
   * @param {number} cell side of a cell, px
   */
  update(tokens, cell) {
    this.#tokens = tokens;
    this.#cell = cell;
    this.#made.clear();
    this.#lit = null;
    this.element.replaceChildren();
  }

  /**
   * @param {number} from first visible px of the map
   * @param {number} to
   */
  show(from, to) {
    const every = Math.max(1, Math.ceil(room / this.#cell));
    const first = Math.max(0, Math.floor(from / this.#cell) - margin);
    const last = Math.min(this.#tokens.length - 1, Math.ceil(to / this.#cell) + margin);
    for (const [index, label] of this.#made) {
      if (index === this.#lit || (index >= first && index <= last)) continue;
      label.remove();
      this.#made.delete(index);
    }
    for (let index = Math.ceil(first / every) * every; index <= last; index += every) this.#label(index);
  }

  /** @param {number | null} index */
  light(index) {
    if (index === this.#lit) return;
    if (this.#lit !== null) {
      const before = this.#made.get(this.#lit);
      before?.classList.remove('lit');
      // Labels between those that there is room for exist only while lit.
      if (this.#lit % Math.max(1, Math.ceil(room / this.#cell)) !== 0) {
        before?.remove();
        this.#made.delete(this.#lit);
      }
    }
    this.#lit = index;
    if (index !== null && index < this.#tokens.length) this.#label(index).classList.add('lit');
  }

  /** @param {number} index */
  #label(index) {
    let label = this.#made.get(index);
    if (!label) {
      label = h('span', { class: 'axis-label', 'data-index': index }, tokenText(this.#tokens[index]));
      label.style.setProperty('--at', `${(index + 0.5) * this.#cell}px`);
      this.#made.set(index, label);
      this.element.append(label);
    }
    return label;
  }
}
