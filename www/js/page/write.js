// @ts-check
import { formatShare } from './lib/format.js';
import { isSame, place } from './lib/slots.js';
import { spokenText } from './lib/tokens.js';
import { remainder } from './lib/typing.js';
import { nextPart, suggestSettings } from './lib/words.js';
import { byId, keepFocusInPlace } from './ui/dom.js';
import { SuggestionPanel } from './ui/suggestion-panel.js';
import { SuggestionStrip } from './ui/suggestion-strip.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./lib/typing.js').Edit} Edit
 * @typedef {import('./personal.js').PersonalController} PersonalController
 * @typedef {import('./ui/announcer.js').Announcer} Announcer
 * @typedef {import('./ui/status-line.js').StatusLine} StatusLine
 * @typedef {import('./ui/text-field.js').TextField} TextField
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../shared/protocol.js').Candidate} Candidate
 * @typedef {import('../shared/protocol.js').Word} Word
 * @typedef {import('../shared/protocol.js').WordsProgress} WordsProgress
 * @typedef {import('../shared/protocol.js').PersonalChange} PersonalChange
 *
 * @typedef {object} Shown  a suggestion on a key
 * @property {string} base   the text that it continues
 * @property {Word} word
 * @property {boolean} fresh whether nothing has changed since it was told
 */

const listLength = 50;

/** Forward passes that a search may take when the keys have its answer so far and nothing else is to be done. */
const thorough = 128;

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

/**
 * Whether a text still goes on towards a word that was offered after `base`; a correction may be of more letters now.
 * @param {string} base
 * @param {Word} word
 * @param {string} now
 */
function goesOn(base, word, now) {
  return word.kind === 'correction' ? now.startsWith(base) : remainder(base, word, now) !== null;
}

/** Typing: asks for suggestions after the text before the caret, shows them, and puts in what the user takes. */
export class WriteController {
  #app;
  #field;
  #status;
  #announcer;
  #personal;
  #strip = new SuggestionStrip();
  #panel = new SuggestionPanel();
  /** What the keys show, from left to right. @type {(Shown | null)[]} */
  #keys = [null, null, null];
  /** What Tab takes: a key, or more than is on it. @type {{slot: number, base: string, word: Word, more: Edit | null} | null} */
  #selected = null;
  /** The newest answer and its text. @type {{base: string, answer: Suggestions} | null} */
  #shown = null;
  /** What is known of texts with one more letter. @type {Map<string, WordsProgress>} */
  #ahead = new Map();
  /** The text last asked about. @type {string | null} */
  #asked = null;
  /** Whether the last suggestions could not be had. */
  #failed = false;
  #ticket = 0;

  /**
   * @param {App} app
   * @param {{field: TextField, status: StatusLine, announcer: Announcer, personal: PersonalController}} surroundings
   */
  constructor(app, { field, status, announcer, personal }) {
    this.#app = app;
    this.#field = field;
    this.#status = status;
    this.#announcer = announcer;
    this.#personal = personal;
    personal.addEventListener('change', () => this.again());
    byId('strip-zone', HTMLElement).append(this.#strip.element);
    byId('candidates-place', HTMLElement).append(this.#panel.element);
    this.#followApp();
    this.#followField();
    this.#connectWidgets();
  }

  #followApp() {
    const app = this.#app;
    app.addEventListener('model', () => {
      this.#asked = null;
      this.#ahead.clear();
    });
    app.addEventListener('state', () => {
      this.#strip.element.inert = app.state !== 'ready';
      if (app.state === 'ready') this.suggest(performance.now());
    });
    app.addEventListener('ahead', () => {
      // An answer that is still on its way is about the text without what comes now.
      this.#ticket++;
      this.#asked = null;
      this.#becomeStale(null);
    });
    app.addEventListener('sampling', () => this.#listAgain());
    app.settings.addEventListener('change', () => {
      this.#applySettings();
      this.again();
    });
    this.#applySettings();
  }

  #applySettings() {
    this.#field.fullStop = this.#app.settings.values.fullStop;
    if (!this.#app.settings.values.ghost) this.#field.setGhost(null);
  }

  #followField() {
    const field = this.#field;
    const examples = [...document.querySelectorAll('#examples button')];
    for (const example of examples) {
      example.addEventListener('click', () => field.replaceAll(example.textContent ?? ''));
    }
    // An example replaces the text, which a phone can't undo; so it never replaces what the user wrote.
    const offerExamples = () => {
      const { text } = field;
      const own = text !== '' && !examples.some((example) => example.textContent === text);
      for (const example of examples) example.toggleAttribute('disabled', own);
    };
    field.addEventListener('change', (event) => {
      const { time, edited } = /** @type {CustomEvent<{time: number, edited: boolean}>} */ (event).detail;
      if (edited) {
        offerExamples();
        this.#status.forgive();
      }
      this.suggest(time);
    });
    field.addEventListener('accept', (event) => {
      const { slot } = /** @type {CustomEvent<{slot: number | null}>} */ (event).detail;
      if (slot === null) this.#takeSelected();
      else this.#takeKey(slot);
    });
    field.addEventListener('part', () => this.#takePart());
    field.addEventListener('select', (event) => {
      this.#move(/** @type {CustomEvent<{by: number}>} */ (event).detail.by);
    });
    field.addEventListener('dismiss', () => {
      field.suggestionsShown = false;
      this.#strip.dismiss();
    });
  }

  #connectWidgets() {
    const [strip, panel] = [this.#strip, this.#panel];
    strip.addEventListener('take', (event) => {
      this.#takeKey(/** @type {CustomEvent<{slot: number}>} */ (event).detail.slot);
    });
    panel.addEventListener('take', (event) => {
      this.#takeCandidate(/** @type {CustomEvent<{candidate: Candidate}>} */ (event).detail.candidate);
    });
    /** @param {boolean} open */
    const setOpen = (open) => {
      panel.setOpen(open);
      strip.setOpen(open);
      if (open) this.#countAfter();
    };
    strip.addEventListener('more', () => setOpen(!panel.open));
    strip.addEventListener('open', () => setOpen(true));
    panel.addEventListener('close', () => {
      setOpen(false);
      strip.focusMore();
    });
    panel.addEventListener('reject', (event) => {
      const { word } = /** @type {CustomEvent<{word: Word}>} */ (event).detail;
      const text = this.#shown?.base ?? '';
      this.#banish(word, { action: 'reject', text, word: word.text }, { action: 'allow', text, word: word.text });
    });
    panel.addEventListener('block', (event) => {
      const { word } = /** @type {CustomEvent<{word: Word}>} */ (event).detail;
      this.#banish(word, { action: 'block', word: word.text }, { action: 'unblock', word: word.text });
    });
    panel.addEventListener('after', () => this.#countAfter());
  }

  /**
   * Does away with a suggestion, and offers to undo that.
   * @param {Word} word
   * @param {PersonalChange} change
   * @param {PersonalChange} undo
   */
  async #banish({ text }, change, undo) {
    await this.#personal.change(change);
    this.again();
    const where = change.action === 'reject' ? 'is not suggested here' : 'is never suggested';
    this.#panel.offerUndo(`‘${text}’ ${where} any more.`, async () => {
      await this.#personal.change(undo);
      this.again();
    });
    this.#announcer.tell(`${spokenText(text)} ${where} any more.`);
  }

  /** What the text behind the caret does to the suggestions, if that is wanted. */
  async #countAfter() {
    const shown = this.#shown;
    const after = this.#field.afterCaret;
    if (!this.#panel.open || !this.#panel.after || !shown || shown.base !== this.#field.beforeCaret) return;
    this.#panel.setReranked(null);
    try {
      const reranked = await this.#app.engine.rerank(after);
      if (shown === this.#shown) this.#panel.setReranked(reranked);
    } catch (error) {
      this.#app.fail(error);
    }
  }

  /** Asks about the same text again, as something else has changed. */
  again() {
    this.#asked = null;
    this.suggest(performance.now());
  }

  /** @param {number} since when the text changed */
  async suggest(since) {
    const app = this.#app;
    if (!app.model || app.generating) return;
    const base = this.#field.beforeCaret;
    if (base === this.#asked) return;
    this.#asked = base;
    const mine = ++this.#ticket;
    this.#becomeStale(base);
    const agreeing = this.#agreeing(base);
    const foreseen = this.#ahead.get(base);
    this.#ahead.clear();
    if (foreseen) this.#showEarly(base, foreseen);
    try {
      const settings = suggestSettings(app.settings.values, app.sampling);
      const told = (/** @type {WordsProgress | import('../shared/protocol.js').PromptProgress} */ progress) => {
        if (mine !== this.#ticket) return;
        if ('words' in progress) this.#showEarly(base, progress);
        else this.#status.working(progress.done, progress.total);
      };
      const answer = await app.engine.suggest(base, listLength, settings, told, agreeing);
      if (mine !== this.#ticket) return;
      if (this.#failed) this.#status.forgive();
      this.#failed = false;
      this.#show(base, answer);
      await painted();
      const latency = performance.now() - since;
      document.body.dataset.revision = String(answer.revision);
      document.body.dataset.latency = latency.toFixed(1);
      app.emit('painted', latency);
      if (mine !== this.#ticket) return;
      await this.#lookAhead(base, mine, false);
      await this.#extendGhost(base);
      await this.#countAfter();
      // The longer search for this text would take the engine from a newer one.
      if (mine !== this.#ticket) return;
      if (!answer.settled) {
        // Words that are still among the best stay on their keys.
        const more = await app.engine.suggest(base, listLength, { ...settings, passes: thorough }, undefined, agreeing);
        if (mine !== this.#ticket) return;
        if (more.words.some((word, index) => !isSame(word, answer.words[index]))) this.#show(base, more);
      }
      await this.#lookAhead(base, mine, true);
    } catch (error) {
      if (mine !== this.#ticket) return;
      // So that the same text can be asked about again.
      this.#asked = null;
      this.#failed = true;
      app.fail(error);
    }
  }

  /**
   * What is left of the words that were on show when the text went on to what it is now.
   * @param {string} now
   */
  #agreeing(now) {
    return this.#keys.flatMap((key) => {
      if (key?.word.kind !== 'word' || key.base === now) return [];
      const left = remainder(key.base, { replace: 0, insert: key.word.parts[0].text }, now);
      return left ? [left.insert] : [];
    });
  }

  /**
   * Which of these words each key gets.
   * @param {string} base
   * @param {Word[]} words
   * @returns {(Shown | null)[]}
   */
  #place(base, words) {
    const before = this.#keys.map((key) => key?.word ?? null);
    const bases = new Map(this.#keys.map((key) => [key?.word, key?.base ?? '']));
    const fits = (/** @type {Word} */ word) => goesOn(bases.get(word) ?? '', word, base);
    return place(before, words, fits).map((word) => word && { base, word, fresh: true });
  }

  /**
   * Until there is an answer, keys that agree with the text show at once what is left of their words; their numbers are out
   * of date, and so is all of the others.
   * @param {string | null} now   null if the text is not known
   */
  #becomeStale(now) {
    this.#strip.setBusy(true);
    this.#keys = this.#keys.map((key) => key && { ...key, fresh: false });
    this.#drawKeys(now);
  }

  /** @param {string | null} now */
  #drawKeys(now) {
    this.#strip.update(
      this.#keys.map((key) => {
        if (!key || key.fresh) return key && { word: key.word, stale: '' };
        const left = now === null ? null : remainder(key.base, key.word, now);
        return left ? { word: { ...key.word, ...left }, stale: 'share' } : { word: key.word, stale: 'word' };
      }),
    );
  }

  /**
   * What is sure to stay: the first words, and those that are on show and go on. The other keys keep what they show until the
   * rest comes.
   * @param {string} base
   * @param {WordsProgress} known
   */
  #showEarly(base, { words, sure }) {
    const isShown = (/** @type {Word} */ word) =>
      this.#keys.some((key) => key && isSame(key.word, word) && goesOn(key.base, key.word, base));
    const stay = words.filter((word, index) => (word.kind === 'word' && index < sure) || isShown(word));
    this.#keys = this.#place(base, stay).map((key, slot) => key ?? this.#keys[slot]);
    this.#drawKeys(base);
  }

  /**
   * @param {string} base
   * @param {Suggestions} answer
   */
  #show(base, answer) {
    const app = this.#app;
    if (!app.model) return;
    this.#shown = { base, answer };
    const words = answer.words;
    this.#keys = this.#place(base, words);
    keepFocusInPlace(() => {
      this.#drawKeys(base);
      this.#strip.setBusy(false);
      this.#panel.update(answer.words, answer.candidates, answer.listed);
      this.#panel.offerAfter(this.#field.afterCaret !== '');
      app.emit('suggestions', answer);
    });
    this.#select(this.#keys.findIndex((key) => key?.word === words[0]));
    this.#field.suggestionsShown = words.length > 0;
    this.#status.update(answer, app.model, this.#field.afterCaret !== '');
    const spoken = words.slice(0, this.#keys.length).map(this.#spoken);
    this.#announcer.say(`Suggestions: ${spoken.join(', ') || 'none'}`);
  }

  /** @param {Word} word */
  #spoken({ text, probability, kind }) {
    const mark = kind === 'correction' ? 'correction ' : '';
    return `${mark}${spokenText(text)} ${formatShare(probability)}`;
  }

  /** @param {number} slot -1 for none */
  #select(slot) {
    const key = this.#keys[slot];
    this.#selected = key ? { slot, ...key, more: null } : null;
    this.#strip.select(key ? slot : null);
    this.#drawGhost();
  }

  #drawGhost() {
    const selected = this.#selected;
    const edit = selected && (selected.more ?? selected.word);
    const shown = this.#app.settings.values.ghost && edit?.replace === 0;
    this.#field.setGhost(
      selected && {
        base: selected.base,
        insert: shown ? edit.insert : '',
        healed: this.#shown?.answer.trimmedSpace ?? false,
      },
    );
  }

  /**
   * Asks beforehand what a letter that agrees with a suggestion will show.
   * @param {string} base
   * @param {number} mine the ticket
   * @param {boolean} search whether more than what is known by now
   */
  async #lookAhead(base, mine, search) {
    if (mine !== this.#ticket) return;
    const foreseen = await this.#app.engine.ahead(search);
    if (mine !== this.#ticket) return;
    for (const { letter, known } of foreseen) this.#ahead.set(base + letter, known);
  }

  /** Lets the grey text go on behind the best suggestion. @param {string} base */
  async #extendGhost(base) {
    const { ghost, phrase } = this.#app.settings.values;
    if (!ghost || phrase === 1 || this.#selected?.base !== base) return;
    const selected = this.#selected;
    const more = await this.#app.engine.ghost(phrase);
    if (!more || this.#selected !== selected) return;
    this.#selected = { ...selected, more };
    this.#drawGhost();
  }

  /** @param {number} by */
  #move(by) {
    if (!this.#selected || !this.#field.suggestionsShown) return;
    const count = this.#keys.length;
    let slot = this.#selected.slot;
    do slot = (slot + by + count) % count;
    while (this.#keys[slot] === null);
    this.#select(slot);
    this.#announcer.say(`Selected: ${this.#spoken(this.#selected.word)}`);
  }

  /** The list with other settings of sampling, which needs no forward pass. */
  async #listAgain() {
    const [app, shown] = [this.#app, this.#shown];
    if (!app.model || app.generating || !shown || shown.base !== this.#asked) return;
    try {
      const candidates = await app.engine.candidates(listLength, app.sampling);
      if (shown !== this.#shown) return;
      shown.answer.candidates = candidates;
      this.#panel.update(shown.answer.words, candidates, shown.answer.listed);
    } catch (error) {
      app.fail(error);
    }
  }

  /**
   * @param {string} base
   * @param {Edit} offered
   * @param {boolean} spaceAfter
   */
  #take(base, offered, spaceAfter) {
    if (this.#app.generating || this.#app.state !== 'ready') return;
    // The text may have gone on since this was offered.
    const edit = remainder(base, offered, this.#field.beforeCaret);
    if (edit) this.#field.take(edit, spaceAfter && this.#app.settings.values.space);
  }

  /** @param {number} slot */
  #takeKey(slot) {
    const key = this.#keys[slot];
    if (key) this.#take(key.base, key.word, key.word.spaceAfter);
  }

  #takeSelected() {
    const selected = this.#selected;
    if (selected) this.#take(selected.base, selected.more ?? selected.word, selected.word.spaceAfter);
  }

  #takePart() {
    const selected = this.#selected;
    if (!selected) return;
    const { parts, replace } = /** @type {import('../shared/protocol.js').Phrase} */ (selected.more ?? selected.word);
    const typed = this.#field.beforeCaret.length - (selected.base.length - replace);
    const insert = nextPart(parts, typed);
    // The space before the next word comes with that word.
    if (insert !== null) this.#take(selected.base, { replace, insert }, false);
  }

  /** @param {Candidate} candidate */
  #takeCandidate({ insert }) {
    // A token may be a part of a word, so no space belongs behind it.
    if (this.#shown && insert !== null) this.#take(this.#shown.base, { replace: 0, insert }, false);
  }
}
