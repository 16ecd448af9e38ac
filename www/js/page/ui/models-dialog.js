// @ts-check
import { formatBytes, formatLarge } from '../lib/format.js';
import { byId, h } from './dom.js';
import { KeptList } from './kept-list.js';
import { ModelPlan } from './model-plan.js';

/**
 * @typedef {import('../lib/catalog.js').Offer} Offer
 * @typedef {import('../../shared/models.js').Kept} Kept
 * @typedef {import('./model-plan.js').Plan} Plan
 */

/**
 * Which model to use: the page's own, one from the hub, one from disk, one that is kept.
 * Events: `open`; `built-in`; `offer` with an `Offer`; `look-up` with a repository's name; `files` with files; those of
 * `KeptList`, and `fetch` of `ModelPlan`.
 */
export class ModelsDialog extends EventTarget {
  #button = byId('models', HTMLButtonElement);
  #inUse = h('strong', {});
  #builtIn = h('button', { type: 'button', class: 'plain', id: 'use-built-in' }, 'Use the page’s own');
  #rows = h('ul', { class: 'model-rows', id: 'offers' });
  #name = h('input', {
    type: 'text',
    id: 'repository',
    placeholder: 'owner/name',
    maxlength: 200,
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
  });
  #told = h('p', { class: 'note model-told', role: 'status' });
  #choice;
  #plan = new ModelPlan();
  #kept = new KeptList();
  element;

  /** @param {readonly Offer[]} offers @param {(offer: Offer) => number} fetchBytes */
  constructor(offers, fetchBytes) {
    super();
    const close = h('button', { type: 'button', class: 'plain' }, 'Done');
    const lookUp = h('button', { type: 'submit', class: 'plain' }, 'Look it up on huggingface.co');
    const form = h(
      'form',
      { class: 'field-row', novalidate: true },
      h('label', { for: 'repository' }, 'Any other GPT-2 there'),
      this.#name,
      lookUp,
    );
    const files = filePicker('Choose files', { multiple: true });
    const folder = filePicker('Choose a folder', { webkitdirectory: true });
    this.#rows.append(...offers.map((offer) => this.#row(offer, fetchBytes(offer))));
    this.#choice = h(
      'div',
      {},
      h('fieldset', {}, h('legend', {}, 'In use'), h('div', { class: 'field-row' }, this.#inUse, this.#builtIn)),
      h('fieldset', {}, h('legend', {}, 'From the Hugging Face hub'), this.#rows, form),
      h(
        'fieldset',
        {},
        h('legend', {}, 'From your disk'),
        h(
          'p',
          { class: 'note' },
          'config.json, model.safetensors, and tokenizer.json or vocab.json with merges.txt; or a GGUF file of a GPT-2.',
        ),
        h('div', { class: 'field-row' }, files.label, folder.label, h('span', { class: 'note' }, 'or drop them here')),
      ),
      h('fieldset', {}, h('legend', {}, 'Kept on this device'), this.#kept.element),
    );
    this.element = h(
      'dialog',
      { class: 'settings models', 'aria-labelledby': 'models-title' },
      h('div', { class: 'settings-head' }, h('h2', { id: 'models-title' }, 'Models'), close),
      this.#told,
      this.#plan.element,
      this.#choice,
    );
    this.#button.addEventListener('click', () => this.open());
    close.addEventListener('click', () => this.close());
    // The dialog's own box is full of its children; what is left is the backdrop.
    this.element.addEventListener('click', (event) => {
      if (event.target === this.element) this.close();
    });
    this.#builtIn.addEventListener('click', () => this.dispatchEvent(new Event('built-in')));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#tell('look-up', this.#name.value.trim());
    });
    for (const { input } of [files, folder]) {
      input.addEventListener('change', () => {
        if (input.files?.length) this.#tell('files', [...input.files]);
        // So that the same files can be chosen again.
        input.value = '';
      });
    }
    for (const type of ['use', 'forget']) {
      this.#kept.addEventListener(type, (event) => this.#tell(type, /** @type {CustomEvent} */ (event).detail));
    }
    this.#kept.addEventListener('persist', () => this.dispatchEvent(new Event('persist')));
    this.#plan.addEventListener('fetch', (event) => this.#tell('fetch', /** @type {CustomEvent} */ (event).detail));
    this.#plan.addEventListener('back', () => this.#showChoice());
  }

  open() {
    this.tell('');
    this.#showChoice();
    if (!this.element.open) this.element.showModal();
    this.dispatchEvent(new Event('open'));
  }

  close() {
    this.element.close();
  }

  /** @param {string} name of the model in use, empty if there is none @param {boolean} isBuiltIn */
  setModel(name, isBuiltIn) {
    this.#inUse.replaceChildren(h('bdi', {}, name || 'none yet'));
    this.#builtIn.hidden = isBuiltIn;
  }

  /** @param {Kept} kept @param {boolean} persisted */
  setKept(kept, persisted) {
    this.#kept.update(kept, persisted);
    for (const row of this.#rows.children) {
      const { repository } = /** @type {HTMLElement} */ (row).dataset;
      const model = kept.models.find((model) => model.repository === repository);
      const note = row.querySelector('[data-kept]');
      if (note) note.textContent = model ? (model.complete ? ' · kept here' : ' · begun') : '';
    }
  }

  /** Something about what was asked for that the user has to know. @param {string} message */
  tell(message) {
    this.#told.textContent = message;
  }

  /** @param {Plan} plan */
  showPlan(plan) {
    this.tell('');
    this.#choice.hidden = true;
    this.#plan.show(plan);
  }

  #showChoice() {
    this.#plan.hide();
    this.#choice.hidden = false;
  }

  /** @param {Offer} offer @param {number} bytes */
  #row(offer, bytes) {
    const { model, parameters } = offer;
    const choose = h('button', { type: 'button', class: 'plain', 'aria-label': `Choose ${model.name}` }, 'Choose');
    choose.addEventListener('click', () => this.#tell('offer', offer));
    return h(
      'li',
      { 'data-repository': model.repository },
      h(
        'div',
        { class: 'model-words' },
        h('strong', {}, model.name),
        h(
          'span',
          { class: 'note' },
          `${formatLarge(parameters)} parameters · ${formatBytes(bytes)} to fetch`,
          h('span', { 'data-kept': true }),
        ),
      ),
      choose,
    );
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * @param {string} text
 * @param {Record<string, boolean>} attributes
 */
function filePicker(text, attributes) {
  const input = h('input', { type: 'file', class: 'sr-only', ...attributes });
  return { input, label: h('label', { class: 'plain file-picker' }, input, text) };
}
