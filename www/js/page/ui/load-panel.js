// @ts-check
import { describeAmount, describeWaiting, Rate } from '../lib/progress.js';
import { h } from './dom.js';

/** @typedef {import('../../shared/models.js').LoadProgress} LoadProgress */

/** @type {Readonly<Record<LoadProgress['step'], string>>} */
const steps = {
  manifest: 'Reading the model’s description',
  tokenizer: 'Reading the vocabulary',
  weights: 'Reading the weights',
  check: 'Checking',
};

/**
 * How a load gets on, or what went wrong and the way out. One stands in the suggestions' place until there is a model;
 * another below them while a model is to be replaced.
 * Events: `cancel`, `load`, `restart`, `close`.
 */
export class LoadPanel extends EventTarget {
  element;
  #title = h('p', { class: 'load-title' });
  #detail = h('p', { class: 'load-detail' });
  #bar = h('progress', { max: 1, 'aria-label': 'Loading the model' });
  #button;
  #close = h('button', { type: 'button', class: 'plain', hidden: true }, 'Close');
  #action = 'load';
  #rate = new Rate();
  /** Redraws while something is waited for. @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  /** @param {string} id */
  constructor(id) {
    super();
    this.#button = h('button', { type: 'button', id: `${id}-action`, class: 'plain' });
    this.#button.addEventListener('click', () => this.dispatchEvent(new Event(this.#action)));
    this.element = h(
      'div',
      { id, class: 'load-panel' },
      h('div', { class: 'load-words' }, this.#title, this.#bar, this.#detail),
      this.#button,
      this.#close,
    );
    this.#close.addEventListener('click', () => this.dispatchEvent(new Event('close')));
  }

  /**
   * @param {LoadProgress | null} progress   null before there is any
   * @param {string} [name]   of the model, where that is not plain
   */
  showProgress(progress, name = '') {
    this.element.hidden = false;
    this.element.removeAttribute('role');
    this.#bar.hidden = false;
    clearInterval(this.#ticking);
    if (!progress) this.#rate = new Rate();
    const waiting = progress?.waiting ?? null;
    this.#title.textContent = `${name ? `${name}: ` : ''}${progress ? stepOf(progress) : 'Starting the engine'} …`;
    if (progress && progress.total > 0) this.#bar.value = Math.min(1, progress.loaded / progress.total);
    else this.#bar.removeAttribute('value');
    const rate = progress && this.#rate.add(performance.now(), progress.loaded);
    if (waiting) {
      const draw = () => {
        this.#detail.textContent = describeWaiting(waiting, Date.now());
      };
      draw();
      this.#ticking = setInterval(draw, 1000);
    } else {
      this.#detail.textContent = progress ? describeAmount(progress, rate) : 'You can write meanwhile.';
    }
    this.#setButton('Cancel', 'cancel');
    this.#close.hidden = true;
  }

  /**
   * @param {{title: string, advice: string, detail?: string}} words
   * @param {string} label
   * @param {'load' | 'restart'} action
   * @param {boolean} [closable]
   */
  showMessage({ title, advice, detail = '' }, label, action, closable = false) {
    clearInterval(this.#ticking);
    this.element.hidden = false;
    this.element.setAttribute('role', 'alert');
    this.#bar.hidden = true;
    this.#title.textContent = title;
    this.#detail.replaceChildren(advice, ...(detail ? [' ', h('span', { class: 'load-cause' }, detail)] : []));
    this.#setButton(label, action);
    this.#close.hidden = !closable;
  }

  hide() {
    clearInterval(this.#ticking);
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

/** @param {LoadProgress} progress */
function stepOf({ step, local }) {
  if (step !== 'weights') return steps[step];
  return local ? 'Reading the weights from this device' : 'Fetching the weights';
}
