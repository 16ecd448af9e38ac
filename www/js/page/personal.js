// @ts-check
import { completedWord, wordsIn } from './lib/typing.js';
import { device } from './settings.js';
import { PersonalLists } from './ui/personal-lists.js';
import { SettingsDialog } from './ui/settings-dialog.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./lib/settings.js').Settings} Settings
 * @typedef {import('./ui/text-field.js').TextField} TextField
 * @typedef {import('./ui/text-field.js').Taken} Taken
 * @typedef {import('../shared/protocol.js').PersonalChange} PersonalChange
 * @typedef {import('../shared/protocol.js').PersonalState} PersonalState
 */

/** Milliseconds without a change after which words are written to the device. */
const writeAfter = 1000;

/**
 * The settings, and the user's own words: the engine counts them, the page tells it which, and keeps them if it is asked to.
 * Event: `change` when suggestions may differ because of something that was changed in the dialog.
 */
export class PersonalController extends EventTarget {
  #app;
  #field;
  #lists = new PersonalLists();
  #dialog = new SettingsDialog(this.#lists.element);
  /** What the engine knew last; a new engine gets it back. @type {unknown} */
  #state;
  /** The text up to which words have been counted already. */
  #counted = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {App} app
   * @param {{field: TextField}} widgets
   */
  constructor(app, { field }) {
    super();
    this.#app = app;
    this.#field = field;
    if (app.settings.values.remember) this.#state = device.read('words');
    document.body.append(this.#dialog.element);
    this.#dialog.update(app.settings.values);
    this.#followSettings();
    this.#followField();
    app.addEventListener('model', () => {
      if (app.model && this.#state !== undefined) this.#restore();
    });
  }

  /** A new engine knows nothing; what was kept may have been damaged, and then there is nothing to know. */
  async #restore() {
    try {
      const state = /** @type {PersonalState} */ (this.#state);
      this.#received(await this.#app.engine.personal({ action: 'import', state }));
      this.dispatchEvent(new Event('change'));
    } catch (error) {
      this.#state = undefined;
      device.remove('words');
      this.#app.fail(error);
    }
  }

  #followSettings() {
    const { settings } = this.#app;
    const dialog = this.#dialog;
    dialog.addEventListener('change', (event) => {
      settings.set(/** @type {CustomEvent<Partial<Settings>>} */ (event).detail);
    });
    dialog.addEventListener('open', () => this.change());
    dialog.addEventListener('forget-all', async () => {
      await this.change({ action: 'forget-all' });
      dialog.tell('All words are forgotten.');
      this.dispatchEvent(new Event('change'));
    });
    settings.addEventListener('change', () => {
      dialog.update(settings.values);
      this.#keep();
      dialog.tell(settings.kept ? '' : 'This browser does not let the page keep anything.');
    });
    this.#lists.addEventListener('change', async (event) => {
      await this.change(/** @type {CustomEvent<PersonalChange>} */ (event).detail);
      this.dispatchEvent(new Event('change'));
    });
  }

  #followField() {
    const field = this.#field;
    field.addEventListener('change', (event) => {
      const { typed } = /** @type {CustomEvent<{typed: string}>} */ (event).detail;
      if (typed === '') return;
      const before = field.beforeCaret.slice(0, -typed.length);
      const word = before === this.#counted ? null : completedWord(before, typed);
      if (word) this.#learn('learn', [word]);
    });
    field.addEventListener('taken', (event) => {
      const { before, start, inserted } = /** @type {CustomEvent<Taken>} */ (event).detail;
      this.#counted = field.beforeCaret;
      this.#learn('learn', wordsIn(before.slice(0, start), inserted));
    });
    field.addEventListener('taken-back', (event) => {
      const { before, start, inserted } = /** @type {CustomEvent<Taken>} */ (event).detail;
      this.#counted = '';
      this.#learn('unlearn', wordsIn(before.slice(0, start), inserted));
    });
  }

  /**
   * @param {'learn' | 'unlearn'} action
   * @param {import('./lib/typing.js').WrittenWord[]} words
   */
  #learn(action, words) {
    if (!this.#app.settings.values.personal) return;
    for (const word of words) this.change({ action, ...word });
  }

  /** Tells the engine, or only asks it. @param {PersonalChange} [change] */
  async change(change) {
    if (!this.#app.model) return;
    try {
      this.#received(await this.#app.engine.personal(change));
    } catch (error) {
      this.#app.fail(error);
    }
  }

  /** @param {PersonalState} state */
  #received(state) {
    this.#state = state;
    // With every word that is written; nobody sees the lists while the dialog is closed.
    if (this.#dialog.element.open) this.#lists.update(state);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), writeAfter);
  }

  #keep() {
    if (!this.#app.settings.values.remember) device.remove('words');
    else if (this.#state !== undefined) device.write('words', this.#state);
  }
}
