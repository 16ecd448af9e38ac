// @ts-check
import { formatCount, formatValue } from './lib/format.js';
import { median, perplexity, shade } from './lib/surprise.js';
import { tokenLabel } from './lib/tokens.js';
import { byId } from './ui/dom.js';
import { Meter } from './ui/meter.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./ui/text-field.js').TextField} TextField
 * @typedef {import('./ui/text-field.js').Taken} Taken
 * @typedef {import('../shared/protocol.js').TokenSurprise} TokenSurprise
 */

/** Key presses over which their time is taken. */
const recent = 50;

/** @param {TokenSurprise} surprise */
function described({ token, bits, rank }) {
  return `${tokenLabel(token)}: ${formatValue(bits)} bits, rank ${formatCount(rank)}`;
}

/** Measures the writing: what suggestions save, how long they take, and how surprising the text is to the model. */
export class MeterController {
  #app;
  #field;
  #meter = new Meter();
  #saved = 0;
  #without = 0;
  /** @type {number[]} */
  #times = [];
  /** Of the text asked about, by index; filled from the end. @type {TokenSurprise[]} */
  #tokens = [];
  /** The text whose surprise is known or on its way. @type {string | null} */
  #asked = null;
  /** Whether all of it is known. */
  #complete = false;

  /**
   * @param {App} app
   * @param {{field: TextField}} widgets
   */
  constructor(app, { field }) {
    this.#app = app;
    this.#field = field;
    byId('meter-place', HTMLElement).append(this.#meter.element);
    app.addEventListener('painted', (event) => {
      this.#times = [...this.#times, /** @type {CustomEvent<number>} */ (event).detail].slice(-recent);
      this.#draw();
      this.#measure();
    });
    app.addEventListener('model', () => this.#forget());
    this.#meter.addEventListener('switch', () => {
      if (!this.#meter.on) this.#forget();
      this.#draw();
      this.#measure();
    });
    field.addEventListener('change', (event) => {
      this.#without += /** @type {CustomEvent<{typed: string}>} */ (event).detail.typed.length;
    });
    field.addEventListener('taken', (event) => this.#count(/** @type {CustomEvent<Taken>} */ (event).detail, 1));
    field.addEventListener('taken-back', (event) => this.#count(/** @type {CustomEvent<Taken>} */ (event).detail, -1));
    this.#draw();
  }

  /**
   * Choosing a suggestion takes one key press.
   * @param {Taken} taken
   * @param {1 | -1} sign
   */
  #count({ inserted, removed }, sign) {
    const written = inserted.length - removed.length;
    this.#without += sign * written;
    this.#saved += sign * (written - 1);
    this.#draw();
  }

  #forget() {
    this.#asked = null;
    this.#complete = false;
    this.#tokens = [];
    this.#show();
  }

  #show() {
    this.#field.setMarks(this.#marks());
    this.#app.emit('surprise', { tokens: this.#tokens });
  }

  async #measure() {
    const app = this.#app;
    const { text } = this.#field;
    if (!this.#meter.on || !app.model || app.generating || text === this.#asked) return;
    this.#asked = text;
    this.#complete = false;
    this.#tokens = [];
    try {
      await app.engine.surprise(text, ({ first, tokens }) => {
        if (this.#asked !== text) return;
        tokens.forEach((token, index) => {
          this.#tokens[first + index] = token;
        });
        if (text === this.#field.text) this.#show();
      });
      if (this.#asked !== text) return;
      this.#complete = true;
      this.#draw();
    } catch (error) {
      if (this.#asked === text) this.#asked = null;
      app.fail(error);
    }
  }

  #marks() {
    return this.#tokens.filter(Boolean).map((token) => ({
      start: token.start,
      end: token.end,
      name: `surprise surprise-${shade(token.bits)}`,
      title: described(token),
    }));
  }

  #draw() {
    this.#meter.update({
      saved: this.#saved,
      without: this.#without,
      milliseconds: median(this.#times),
      perplexity: this.#complete ? perplexity(this.#tokens.filter(Boolean)) : null,
    });
  }
}
