// @ts-check
import { remember } from './lib/paths.js';
import { Alternatives } from './ui/alternatives.js';
import { byId } from './ui/dom.js';
import { PathTree } from './ui/path-tree.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./ui/text-field.js').TextField} TextField
 * @typedef {import('../shared/protocol.js').Candidate} Candidate
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 */

const listLength = 24;

/** Other ways for the text: what each token could have been, and the ways that were left, to return to. */
export class BranchController {
  #app;
  #field;
  #alternatives = new Alternatives();
  #tree = new PathTree();
  /** @type {string[]} */
  #paths = [];
  /** The text that the alternatives are about, and where its token begins. @type {{text: string, start: number} | null} */
  #open = null;
  /** The one token is the mark that stands before every text; nothing else could. */
  #unprompted = true;

  /**
   * @param {App} app
   * @param {{field: TextField}} widgets
   */
  constructor(app, { field }) {
    this.#app = app;
    this.#field = field;
    byId('branches-place', HTMLElement).append(this.#alternatives.element, this.#tree.element);
    app.addEventListener('suggestions', (event) => {
      this.#unprompted = /** @type {CustomEvent<Suggestions>} */ (event).detail.unprompted;
    });
    app.addEventListener('token', (event) => {
      this.#ask(/** @type {CustomEvent<{index: number}>} */ (event).detail.index);
    });
    app.addEventListener('leave', (event) => {
      this.#remember(/** @type {CustomEvent<{text: string}>} */ (event).detail.text);
    });
    field.addEventListener('change', () => {
      if (this.#open?.text !== field.text) this.#close();
      if (this.#paths.length) this.#tree.update(this.#paths, field.text);
    });
    this.#alternatives.addEventListener('close', () => this.#close());
    this.#alternatives.addEventListener('choose', (event) => {
      this.#choose(/** @type {CustomEvent<{candidate: Candidate}>} */ (event).detail.candidate);
    });
    this.#tree.addEventListener('return', (event) => {
      this.#go(/** @type {CustomEvent<{path: string}>} */ (event).detail.path);
    });
  }

  #close() {
    this.#open = null;
    this.#alternatives.hide();
  }

  /** @param {number} index of a token in the context */
  async #ask(index) {
    const [app, field] = [this.#app, this.#field];
    if (!app.model || app.generating || this.#unprompted) return;
    const { text } = field;
    try {
      const answer = await app.engine.alternatives(index, listLength, app.sampling);
      if (text !== field.text) return;
      this.#open = { text, start: answer.start };
      this.#alternatives.show(answer);
    } catch (error) {
      app.fail(error);
    }
  }

  /** @param {Candidate} candidate */
  #choose({ insert }) {
    if (this.#open && insert !== null) this.#go(this.#open.text.slice(0, this.#open.start) + insert);
  }

  /** @param {string} text */
  #go(text) {
    if (this.#app.generating || text === this.#field.text) return;
    this.#remember(this.#field.text);
    this.#field.replaceAll(text);
  }

  /** @param {string} text */
  #remember(text) {
    this.#paths = remember(this.#paths, text);
    this.#tree.update(this.#paths, this.#field.text);
  }
}
