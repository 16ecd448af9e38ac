// @ts-check
import { h } from './dom.js';

/**
 * @typedef {'look' | 'cell' | 'row' | 'column'} Knife
 * @typedef {'head' | 'layer' | 'all'} Scope
 */

/**
 * Changing the chosen head, or all of them.
 * Events: `off`, `unmask`, `toggle` when it is unfolded or folded; the map asks for `knife` and `scope` itself.
 */
export class AlterTools extends EventTarget {
  #off = h(
    'button',
    { type: 'button', class: 'plain compact', id: 'head-off', 'aria-pressed': 'false' },
    'Switch it off',
  );
  #unmask = h(
    'button',
    { type: 'button', class: 'plain compact', id: 'unmask', 'aria-pressed': 'false' },
    'Take the mask away',
  );
  #scope = h(
    'select',
    { id: 'alter-scope', 'aria-label': 'What is changed' },
    h('option', { value: 'head' }, 'this head'),
    h('option', { value: 'layer' }, 'its whole layer'),
    h('option', { value: 'all' }, 'every head'),
  );
  #knife = h(
    'select',
    { id: 'knife', 'aria-label': 'What a click on the map does' },
    h('option', { value: 'look' }, 'A click keeps a cell'),
    h('option', { value: 'cell' }, 'A click cuts a cell'),
    h('option', { value: 'row' }, 'A click cuts a row'),
    h('option', { value: 'column' }, 'A click cuts a column'),
  );
  element = h(
    'details',
    { class: 'alter', id: 'alter' },
    h('summary', {}, 'What if …'),
    h(
      'p',
      { class: 'note' },
      'Change the model and see what it would say then: without this head, without the mask (as BERT and other encoders read), or with single looks cut.',
    ),
    h('div', { class: 'alter-controls' }, this.#scope, this.#off, this.#unmask, this.#knife),
  );

  constructor() {
    super();
    this.#off.addEventListener('click', () => this.dispatchEvent(new Event('off')));
    this.#unmask.addEventListener('click', () => this.dispatchEvent(new Event('unmask')));
    this.#scope.addEventListener('change', () => this.dispatchEvent(new Event('scope')));
    this.element.addEventListener('toggle', () => this.dispatchEvent(new Event('toggle')));
  }

  open() {
    this.element.open = true;
  }

  get isOpen() {
    return this.element.open;
  }

  get knife() {
    return /** @type {Knife} */ (this.#knife.value);
  }

  get scope() {
    return /** @type {Scope} */ (this.#scope.value);
  }

  /** @param {boolean} off @param {boolean} unmasked   whether that is so in the scope */
  update(off, unmasked) {
    this.#off.setAttribute('aria-pressed', String(off));
    this.#off.textContent = off ? 'Switch it on again' : 'Switch it off';
    this.#unmask.setAttribute('aria-pressed', String(unmasked));
    this.#unmask.textContent = unmasked ? 'Put the mask back' : 'Take the mask away';
  }
}
