// @ts-check
import { formatBytes } from '../lib/format.js';
import { h } from './dom.js';

/** @typedef {import('../../shared/protocol.js').LoadProgress} LoadProgress */

/** @type {Readonly<Record<LoadProgress['step'], string>>} */
const steps = {
  manifest: 'Reading the model’s description',
  tokenizer: 'Reading the vocabulary',
  weights: 'Reading the weights',
  check: 'Checking',
};

/**
 * Stands in the suggestions' place until there is a model: progress, or what went wrong and the way out.
 * Events: `cancel`, `load`, `restart`.
 */
export class LoadPanel extends EventTarget {
  element;
  #title = h('p', { class: 'load-title' });
  #detail = h('p', { class: 'load-detail' });
  #bar = h('progress', { max: 1, 'aria-label': 'Loading the model' });
  #button = h('button', { type: 'button', id: 'load-action', class: 'plain' });
  #action = 'load';

  constructor() {
    super();
    this.#button.addEventListener('click', () => this.dispatchEvent(new Event(this.#action)));
    this.element = h(
      'div',
      { id: 'load', class: 'load-panel' },
      h('div', { class: 'load-words' }, this.#title, this.#bar, this.#detail),
      this.#button,
    );
  }

  /** @param {LoadProgress | null} progress */
  showProgress(progress) {
    this.element.hidden = false;
    this.element.removeAttribute('role');
    this.#bar.hidden = false;
    this.#title.textContent = `${progress ? steps[progress.step] : 'Starting the engine'} …`;
    if (progress && progress.total > 0) {
      const share = Math.min(1, progress.loaded / progress.total);
      this.#bar.value = share;
      this.#detail.textContent = `${formatBytes(progress.loaded)} of ${formatBytes(progress.total)}, ${Math.floor(share * 100)}%`;
    } else {
      this.#bar.removeAttribute('value');
      this.#detail.textContent = progress?.loaded ? formatBytes(progress.loaded) : 'You can write meanwhile.';
    }
    this.#setButton('Cancel', 'cancel');
  }

  /**
   * @param {{title: string, advice: string, detail?: string}} words
   * @param {string} label
   * @param {'load' | 'restart'} action
   */
  showMessage({ title, advice, detail = '' }, label, action) {
    this.element.hidden = false;
    this.element.setAttribute('role', 'alert');
    this.#bar.hidden = true;
    this.#title.textContent = title;
    this.#detail.replaceChildren(advice, ...(detail ? [' ', h('span', { class: 'load-cause' }, detail)] : []));
    this.#setButton(label, action);
  }

  hide() {
    this.element.hidden = true;
  }

  /**
   * @param {string} label
   * @param {string} action
   */
  #setButton(label, action) {
    this.#button.textContent = label;
    this.#action = action;
  }
}
