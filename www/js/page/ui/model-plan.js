// @ts-check
import { formatBytes, formatLarge } from '../lib/format.js';
import { h } from './dom.js';

/** @typedef {import('../../shared/models.js').HubModel} HubModel */

/**
 * @typedef {object} Plan   what will happen if a model is fetched
 * @property {HubModel} model
 * @property {number | null} parameters
 * @property {{fetch: number | null, keep: number | null, memory: number | null}} needs   bytes; null if unknown
 * @property {string[]} warnings
 */

/** What will happen before it does: from where, how much, and what stays on the device. Events: `fetch` with a `HubModel`, `back`. */
export class ModelPlan extends EventTarget {
  element = h('section', { class: 'model-plan', 'aria-labelledby': 'plan-title', hidden: true });
  #title = h('h3', { id: 'plan-title', tabindex: -1 });
  /** @type {HubModel | null} */
  #model = null;

  /** @param {Plan} plan */
  show({ model, parameters, needs, warnings }) {
    this.#model = model;
    this.#title.replaceChildren(h('bdi', {}, model.name));
    const rows = [
      ['From', `huggingface.co, ${model.repository} at ${model.revision.slice(0, 8)}; large files come from hf.co`],
      ['To fetch', needs.fetch === null ? 'unknown' : `about ${formatBytes(needs.fetch)}`],
      ['Kept on this device', needs.keep === null ? 'unknown' : `about ${formatBytes(needs.keep)}, as int8`],
      ['Memory in use', needs.memory === null ? 'unknown' : `about ${formatBytes(needs.memory)}`],
      ['Parameters', parameters === null ? 'unknown' : formatLarge(parameters)],
      ['Licence', model.licence || 'not stated'],
      [
        'Checked',
        model.pinned
          ? 'against the SHA-256 that this page knows'
          : 'unverified: only against what the hub itself states about it',
      ],
    ];
    const amount = needs.fetch === null ? '' : ` ${formatBytes(needs.fetch)}`;
    const fetch = h(
      'button',
      { type: 'button', class: 'primary', id: 'fetch-model' },
      `Fetch${amount} from huggingface.co`,
    );
    fetch.addEventListener('click', () => {
      if (this.#model) this.dispatchEvent(new CustomEvent('fetch', { detail: this.#model }));
    });
    const back = h('button', { type: 'button', class: 'plain' }, 'Back');
    back.addEventListener('click', () => this.dispatchEvent(new Event('back')));
    this.element.replaceChildren(
      this.#title,
      h('dl', {}, ...rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, h('bdi', {}, value))))),
      h(
        'p',
        { class: 'note' },
        'Hugging Face will see your network address and which model you fetch, nothing else. What you write stays here.',
      ),
      ...warnings.map((warning) => h('p', { class: 'model-warning' }, warning)),
      h('div', { class: 'field-row' }, fetch, back),
    );
    this.element.hidden = false;
    this.#title.focus();
  }

  hide() {
    this.#model = null;
    this.element.hidden = true;
  }
}
