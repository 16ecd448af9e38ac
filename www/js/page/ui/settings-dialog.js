// @ts-check
import { limits } from '../lib/settings.js';
import { byId, h } from './dom.js';

/** @typedef {import('../lib/settings.js').Settings} Settings */

/** @typedef {{[K in keyof Settings]: Settings[K] extends boolean ? K : never}[keyof Settings]} Switch */

/** @type {[title: string, switches: [Switch, string, string][]][]} */
const groups = [
  [
    'Suggestions',
    [
      ['ghost', 'Show the best continuation in grey', 'Tab takes it.'],
      ['filter', 'Leave out offensive words', ''],
      ['corrections', 'One suggestion may correct a slip of the finger', 'It is marked, and nothing corrects itself.'],
      ['punctuation', 'Suggest punctuation marks, too', ''],
    ],
  ],
  [
    'Typing',
    [
      ['space', 'Add a space after a suggestion', 'It goes again when punctuation follows.'],
      ['fullStop', 'Two spaces become a full stop', ''],
    ],
  ],
  [
    'Your own words',
    [['personal', 'Let words that you write often rise', 'They are counted in this page and sent nowhere.']],
  ],
];

const keeping = 'Keep settings and words on this device';

/**
 * What can be set about writing. Changes act at once.
 * Events: `change` with some `Settings`, `forget-all`, `open`.
 */
export class SettingsDialog extends EventTarget {
  #button = byId('settings', HTMLButtonElement);
  #phrase = h(
    'select',
    { id: 'set-phrase' },
    ...['one word', 'up to two words', 'up to three words', 'up to four words'].map((label, index) =>
      h('option', { value: index + 1 }, label),
    ),
  );
  #weight = h('input', {
    type: 'range',
    id: 'set-weight',
    min: limits.weight[0],
    max: limits.weight[1],
    step: 0.02,
  });
  #weightValue = h('output', { for: 'set-weight' });
  /** @type {Map<Switch, HTMLInputElement>} */
  #switches = new Map();
  #told = h('p', { class: 'note', role: 'status' });
  #forget = h('button', { type: 'button', class: 'plain', id: 'forget-all' }, 'Forget everything');
  element;

  /** @param {HTMLElement} lists of the user's own words */
  constructor(lists) {
    super();
    const close = h('button', { type: 'button', class: 'plain' }, 'Done');
    const title = h('h2', { id: 'settings-title' }, 'Settings');
    const [suggestions, typing, own] = groups.map(([name, switches]) =>
      h('fieldset', {}, h('legend', {}, name), ...switches.map((each) => this.#switch(...each))),
    );
    suggestions.prepend(
      h('div', { class: 'field-row' }, h('label', { for: 'set-phrase' }, 'A suggestion is'), this.#phrase),
    );
    own.append(
      h('div', { class: 'field-row' }, h('label', { for: 'set-weight' }, 'How much'), this.#weight, this.#weightValue),
      lists,
    );
    const memory = h(
      'fieldset',
      {},
      h('legend', {}, 'Memory'),
      this.#switch('remember', keeping, 'Otherwise all of this is gone when the page is closed.'),
      h('div', { class: 'field-row' }, this.#forget),
      this.#told,
    );
    this.element = h(
      'dialog',
      { class: 'settings', 'aria-labelledby': 'settings-title' },
      h('div', { class: 'settings-head' }, title, close),
      suggestions,
      typing,
      own,
      memory,
    );
    this.#button.addEventListener('click', () => {
      this.#told.textContent = '';
      this.element.showModal();
      this.dispatchEvent(new Event('open'));
    });
    close.addEventListener('click', () => this.element.close());
    // The dialog's own box is full of its children; what is left is the backdrop.
    this.element.addEventListener('click', (event) => {
      if (event.target === this.element) this.element.close();
    });
    this.#phrase.addEventListener('change', () => this.#changed({ phrase: Number(this.#phrase.value) }));
    this.#weight.addEventListener('input', () => this.#drawWeight(this.#weight.valueAsNumber));
    this.#weight.addEventListener('change', () => this.#changed({ weight: this.#weight.valueAsNumber }));
    this.#forget.addEventListener('click', () => this.dispatchEvent(new Event('forget-all')));
  }

  /** @param {Readonly<Settings>} settings */
  update(settings) {
    this.#phrase.value = String(settings.phrase);
    this.#weight.value = String(settings.weight);
    this.#weight.disabled = !settings.personal;
    this.#drawWeight(settings.weight);
    for (const [name, input] of this.#switches) input.checked = settings[name];
  }

  /** Something about memory that the user has to know. @param {string} message */
  tell(message) {
    this.#told.textContent = message;
  }

  /** @param {Partial<Settings>} detail */
  #changed(detail) {
    this.dispatchEvent(new CustomEvent('change', { detail }));
  }

  /** @param {number} weight */
  #drawWeight(weight) {
    this.#weightValue.textContent = `${Math.round(weight * 100)}%`;
  }

  /**
   * @param {Switch} name
   * @param {string} label
   * @param {string} help
   */
  #switch(name, label, help) {
    const input = h('input', { type: 'checkbox', id: `set-${name}`, 'aria-describedby': help ? `help-${name}` : null });
    this.#switches.set(name, input);
    input.addEventListener('change', () => this.#changed({ [name]: input.checked }));
    return h(
      'div',
      { class: 'switch' },
      h('label', { class: 'check' }, input, h('span', {}, label)),
      ...(help ? [h('p', { id: `help-${name}`, class: 'note' }, help)] : []),
    );
  }
}
