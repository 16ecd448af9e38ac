// @ts-check
import { formatBytes } from '../lib/format.js';
import { h } from './dom.js';

/**
 * @typedef {import('../../shared/models.js').Kept} Kept
 * @typedef {import('../../shared/models.js').KeptModel} KeptModel
 */

/**
 * What is kept on this device, how large it is, and what can be done with it.
 * Events: `use` and `forget` with a `KeptModel` (`forget` with null for everything), `persist`.
 */
export class KeptList extends EventTarget {
  #rows = h('ul', { class: 'model-rows', id: 'kept' });
  #summary = h('p', { class: 'note' });
  #all = h('button', { type: 'button', class: 'plain small', id: 'forget-models' }, 'Delete all');
  #persist = h('button', { type: 'button', class: 'plain small', id: 'persist' }, 'Ask the browser never to clear it');
  element = h('div', {}, this.#rows, this.#summary, h('div', { class: 'field-row' }, this.#all, this.#persist));

  constructor() {
    super();
    this.#all.addEventListener('click', () => this.#tell('forget', null));
    this.#persist.addEventListener('click', () => this.dispatchEvent(new Event('persist')));
  }

  /**
   * @param {Kept} kept
   * @param {boolean} persisted   whether the browser has promised to keep it
   */
  update({ where, models, leftovers, usage, quota }, persisted) {
    this.#rows.replaceChildren(...models.map((model) => this.#row(model)));
    const total = models.reduce((sum, { bytes }) => sum + bytes, 0) + leftovers;
    const words = [];
    if (where === 'none') words.push('This browser keeps nothing for this page, as in private windows.');
    else if (total === 0) words.push('Nothing yet.');
    else words.push(`${formatBytes(total)} in all.`);
    if (leftovers > 0) words.push(`${formatBytes(leftovers)} of that belong to another version of this page.`);
    if (quota > 0)
      words.push(`The browser would give this site about ${formatBytes(Math.max(0, quota - usage))} more.`);
    if (persisted) words.push('It has promised not to clear it by itself.');
    this.#summary.textContent = words.join(' ');
    this.#all.hidden = total === 0;
    this.#persist.hidden = total === 0 || persisted || !navigator.storage?.persist;
  }

  /** @param {KeptModel} model */
  #row(model) {
    const { name, repository, complete, bytes } = model;
    const title = h('bdi', {}, name);
    const use = h('button', { type: 'button', class: 'plain small' }, complete ? 'Use' : 'Go on');
    use.setAttribute('aria-label', `${use.textContent} ${name}`);
    use.addEventListener('click', () => this.#tell('use', model));
    // A download from disk goes on when the same files are chosen again.
    use.hidden = !complete && repository === '';
    const remove = h('button', { type: 'button', class: 'plain small', 'aria-label': `Delete ${name}` }, 'Delete');
    remove.addEventListener('click', () => this.#tell('forget', model));
    const state = complete ? formatBytes(bytes) : `${formatBytes(bytes)} so far, interrupted`;
    return h(
      'li',
      {},
      h(
        'div',
        { class: 'model-words' },
        h('strong', {}, title),
        h('span', { class: 'note' }, `${state}${repository ? ` · ${repository}` : ' · from disk'}`),
      ),
      use,
      remove,
    );
  }

  /**
   * @param {string} type
   * @param {KeptModel | null} detail
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
