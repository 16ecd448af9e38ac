// @ts-check
import { formatShare } from './lib/format.js';
import { remainder, spokenToken } from './lib/tokens.js';
import { CandidateList } from './ui/candidate-list.js';
import { byId, keepFocusInPlace } from './ui/dom.js';
import { SuggestionStrip } from './ui/suggestion-strip.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./ui/announcer.js').Announcer} Announcer
 * @typedef {import('./ui/status-line.js').StatusLine} StatusLine
 * @typedef {import('./ui/text-field.js').TextField} TextField
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../shared/protocol.js').Candidate} Candidate
 */

const listLength = 50;

/** Resolves when the browser has painted what was drawn before; a hidden page never paints. */
function painted() {
  if (document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(undefined);
      port2.postMessage(null);
    });
  });
}

/** Typing: asks for suggestions after the text before the caret, shows them, and puts in what the user takes. */
export class WriteController {
  #app;
  #field;
  #status;
  #announcer;
  #strip = new SuggestionStrip();
  #list = new CandidateList();
  /** What the strip shows, and the text that it continues. @type {{base: string, answer: Suggestions} | null} */
  #shown = null;
  /** The text last asked about. @type {string | null} */
  #asked = null;
  #ticket = 0;

  /**
   * @param {App} app
   * @param {{field: TextField, status: StatusLine, announcer: Announcer}} widgets
   */
  constructor(app, { field, status, announcer }) {
    this.#app = app;
    this.#field = field;
    this.#status = status;
    this.#announcer = announcer;
    byId('strip-zone', HTMLElement).append(this.#strip.element);
    byId('candidates-place', HTMLElement).append(this.#list.element);
    this.#followApp();
    this.#followField();
    this.#connectWidgets();
  }

  #followApp() {
    const app = this.#app;
    app.addEventListener('model', () => {
      this.#asked = null;
    });
    app.addEventListener('state', () => {
      this.#strip.element.inert = app.state !== 'ready';
      if (app.state === 'ready') this.suggest(performance.now());
    });
    app.addEventListener('ahead', () => {
      // An answer that is still on its way is about the text without what comes now.
      this.#ticket++;
      this.#asked = null;
      this.#strip.setStale(true);
    });
  }

  #followField() {
    const field = this.#field;
    const examples = [...document.querySelectorAll('#examples button')];
    for (const example of examples) {
      example.addEventListener('click', () => field.replaceAll(example.textContent ?? ''));
    }
    // An example replaces the text, which a phone can't undo; so it never replaces what the user wrote.
    const offerExamples = () => {
      const text = field.beforeCaret + field.afterCaret;
      const own = text !== '' && !examples.some((example) => example.textContent === text);
      for (const example of examples) example.toggleAttribute('disabled', own);
    };
    field.addEventListener('change', (event) => {
      const { time, edited } = /** @type {CustomEvent<{time: number, edited: boolean}>} */ (event).detail;
      if (edited) offerExamples();
      this.suggest(time);
    });
    field.addEventListener('accept', (event) => {
      const { slot, time } = /** @type {CustomEvent<{slot: number, time: number}>} */ (event).detail;
      if (this.#app.state === 'ready') this.#strip.take(slot, time);
    });
    field.addEventListener('dismiss', () => {
      field.suggestionsShown = false;
      this.#strip.dismiss();
    });
  }

  #connectWidgets() {
    for (const widget of [this.#strip, this.#list]) {
      widget.addEventListener('take', (event) => {
        this.#take(/** @type {CustomEvent<{candidate: Candidate}>} */ (event).detail.candidate);
      });
    }
    /** @param {boolean} open */
    const openList = (open) => {
      this.#list.setOpen(open);
      this.#strip.setOpen(open);
    };
    this.#strip.addEventListener('more', () => openList(!this.#list.open));
    this.#list.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      openList(false);
      this.#strip.focusMore();
    });
  }

  /** @param {number} since when the text changed */
  async suggest(since) {
    const app = this.#app;
    if (!app.model || app.generating) return;
    const base = this.#field.beforeCaret;
    if (base === this.#asked) return;
    this.#asked = base;
    const mine = ++this.#ticket;
    this.#strip.setStale(true);
    try {
      const answer = await app.engine.suggest(base, listLength, ({ done, total }) => {
        if (mine === this.#ticket) this.#status.working(done, total);
      });
      if (mine !== this.#ticket) return;
      this.#show(base, answer);
      await painted();
      document.body.dataset.revision = String(answer.revision);
      document.body.dataset.latency = (performance.now() - since).toFixed(1);
      app.emit('painted');
    } catch (error) {
      if (mine !== this.#ticket) return;
      // So that the same text can be asked about again.
      this.#asked = null;
      app.fail(error);
    }
  }

  /**
   * @param {string} base
   * @param {Suggestions} answer
   */
  #show(base, answer) {
    const app = this.#app;
    if (!app.model) return;
    this.#shown = { base, answer };
    const { best, candidates } = answer;
    keepFocusInPlace(() => {
      this.#strip.update(best, base);
      this.#strip.setStale(false);
      this.#list.update(candidates);
      app.emit('suggestions', answer);
    });
    this.#field.suggestionsShown = best.length > 0;
    this.#status.update(answer, app.model, this.#field.afterCaret !== '');
    const words = best.map(({ token, probability }) => `${spokenToken(token)} ${formatShare(probability)}`);
    this.#announcer.say(`Suggestions: ${words.join(', ') || 'none'}`);
  }

  /** @param {Candidate} candidate */
  #take(candidate) {
    if (!this.#shown || candidate.insert === null || this.#app.generating) return;
    // The text may have gone on since these suggestions were made.
    const rest = remainder(this.#shown.base, candidate.insert, this.#field.beforeCaret);
    if (rest !== null) this.#field.insert(rest);
  }
}
