// @ts-check
import { edits, keyAction } from '../lib/keys.js';
import { afterAddedSpace, commonStart, fullStop, remainder } from '../lib/typing.js';
import { byId } from './dom.js';
import { Mirror } from './mirror.js';

/**
 * @typedef {import('../lib/segments.js').Range} Range
 * @typedef {import('../lib/typing.js').Edit} Edit
 *
 * @typedef {object} Taken a suggestion that was put in
 * @property {number} start     where
 * @property {string} removed   what stood there
 * @property {string} inserted  with the space after it, if one was added
 * @property {boolean} space    whether one was added and has not been used yet
 * @property {string} before    all of the text before it
 * @property {string} after     all of the text with it
 */

// Android's keyboards compose every word, also in English: waiting for the end of the composition would mean no
// suggestion before the next space.
const composesEveryWord = /Android/.test(navigator.userAgent);

/**
 * The user's text.
 *
 * Events: `change` with `{time, edited, typed}` when the text before the caret may have changed, `typed` being characters
 * that came from the keyboard, and else empty; `taken` with a `Taken` when a suggestion was put in, and `taken-back` when
 * that was undone; `accept` with `{slot, time}` (0 to 2, left to right, null for the selected one), `part` and
 * `select` with `{by}` when a key asks for it, `dismiss` on Escape, `interrupt` when the user types into a running stream.
 */
export class TextField extends EventTarget {
  #area = byId('text', HTMLTextAreaElement);
  #mirror = new Mirror();
  #composing = false;
  #armed = false;
  /** What streams in, and where. @type {{at: number, text: string} | null} */
  #streaming = null;
  /** What the last stream left. @type {Range | null} */
  #generated = null;
  /** @type {readonly Range[]} */
  #marks = [];
  /** The text that the marks are about. */
  #marked = '';
  /** Whether a script, and not the keyboard, is at work on the text. */
  #replacing = false;
  /** @type {{base: string, insert: string, healed: boolean} | null} */
  #ghost = null;
  /** @type {Taken | null} */
  #taken = null;
  #caret = 0;
  /** Whether there is something for Tab to accept. */
  suggestionsShown = false;
  /** Whether two spaces become a full stop. */
  fullStop = false;

  constructor() {
    super();
    const area = this.#area;
    area.addEventListener('compositionstart', () => {
      this.#composing = !composesEveryWord;
      this.#drawGhost();
    });
    area.addEventListener('compositionend', (event) => {
      this.#composing = false;
      this.#changed(event.timeStamp, event.data);
    });
    area.addEventListener('beforeinput', (event) => this.#beforeInput(event));
    area.addEventListener('input', (event) => this.#input(/** @type {InputEvent} */ (event)));
    area.addEventListener('focus', () => this.#drawGhost());
    area.addEventListener('blur', () => {
      this.#armed = false;
      this.#drawGhost();
    });
    area.addEventListener('keydown', (event) => this.#keydown(event));
    area.addEventListener('pointermove', (event) => {
      if (this.#marks.length) area.title = this.#mirror.titleAt(event.clientX, event.clientY);
    });
    // Firefox fires this at the text area, Chrome at the document; it bubbles either way.
    document.addEventListener('selectionchange', (event) => {
      if (document.activeElement !== area || this.#blocked()) return;
      this.#drawGhost();
      if (area.selectionStart !== this.#caret) this.#changed(event.timeStamp);
    });
    this.#caret = area.selectionStart;
    this.#draw();
  }

  get text() {
    return this.#area.value;
  }

  get beforeCaret() {
    return this.#area.value.slice(0, this.#area.selectionStart);
  }

  get afterCaret() {
    return this.#area.value.slice(this.#area.selectionStart);
  }

  /**
   * Puts a suggestion in at the caret as if it had been typed, so that the browser's own undo takes it back.
   * @param {Edit} edit
   * @param {boolean} spaced whether a space belongs behind it
   */
  take({ replace, insert }, spaced) {
    if (this.#blocked()) return;
    const area = this.#area;
    const before = area.value;
    const start = area.selectionStart - replace;
    const removed = before.slice(start, area.selectionEnd);
    const space = spaced && !/^[\s\p{Pe}\p{Pf}.,;:!?…]/u.test(before.slice(area.selectionEnd));
    const inserted = insert + (space ? ' ' : '');
    area.setSelectionRange(start, area.selectionEnd);
    this.#replace(inserted);
    this.#taken = { start, removed, inserted, space, before, after: area.value };
    this.dispatchEvent(new CustomEvent('taken', { detail: this.#taken }));
  }

  /**
   * Replaces all of the text.
   * @param {string} text
   */
  replaceAll(text) {
    if (this.#blocked()) return;
    this.#focusIfHarmless();
    this.#area.setSelectionRange(0, this.#area.value.length);
    this.#replace(text);
  }

  /**
   * What might follow in grey, as long as the text goes on towards it; null for nothing.
   * @param {{base: string, insert: string, healed: boolean} | null} ghost
   *   `healed`: a space at the end of `base` counts as the beginning of what follows
   */
  setGhost(ghost) {
    this.#ghost = ghost;
    this.#drawGhost();
  }

  /** What of the grey text is still to come. */
  get ghost() {
    const { value, selectionStart, selectionEnd } = this.#area;
    const rest = value.slice(selectionEnd);
    const possible = this.#ghost && value !== '' && selectionStart === selectionEnd && /^(\n|$)/.test(rest);
    if (!this.#ghost || !possible || this.#blocked() || document.activeElement !== this.#area) return '';
    return remainder(this.#ghost.base, { replace: 0, insert: this.#ghost.insert }, this.beforeCaret)?.insert ?? '';
  }

  /** Stretches of the text that look different, until the text changes before them. @param {readonly Range[]} marks */
  setMarks(marks) {
    if (marks.length === 0 && this.#marks.length === 0) return;
    this.#marks = marks;
    this.#marked = this.#area.value;
    this.#area.title = '';
    this.#draw();
  }

  /** From here on, text streams in at the caret; the text area itself gets it in one piece at the end. */
  startStream() {
    this.#streaming = { at: this.#area.selectionStart, text: '' };
    this.#draw();
    this.#drawGhost();
  }

  /** @param {string} text all that came so far */
  stream(text) {
    if (!this.#streaming) return;
    this.#streaming.text = text;
    this.#draw();
    // Keeps the newest line in view inside the field, and leaves the page where it is.
    const box = this.#area.parentElement;
    const bottom = this.#mirror.bottomOf('generated');
    if (box && bottom !== null) box.scrollTop += Math.max(0, bottom + 16 - box.getBoundingClientRect().bottom);
  }

  /**
   * Ends the stream and keeps its text, shaded until the next edit. Tells where it stands, or null if there is none.
   * @param {string} [final] all of it, where that is more than what has streamed
   */
  endStream(final) {
    if (!this.#streaming) return null;
    const { at } = this.#streaming;
    const text = final ?? this.#streaming.text;
    this.#streaming = null;
    if (text !== '') {
      this.#area.setSelectionRange(at, at);
      this.#replace(text);
      this.#generated = { start: at, end: at + text.length, name: 'generated' };
    }
    this.#draw();
    return text === '' ? null : { start: at, text };
  }

  /** Generated text looks like any other from here on. */
  keep() {
    this.#generated = null;
    this.#draw();
  }

  /**
   * Takes a piece of text out again if it still stands where it was put.
   * @param {number} start
   * @param {string} text
   */
  remove(start, text) {
    const area = this.#area;
    if (this.#blocked() || area.value.slice(start, start + text.length) !== text) return false;
    this.#focusIfHarmless();
    area.setSelectionRange(start, start + text.length);
    this.#replace('');
    return true;
  }

  #blocked() {
    return this.#composing || this.#streaming !== null;
  }

  /**
   * @param {number} time
   * @param {string | null} [typed] null if the text changed in another way, undefined if only the caret moved
   */
  #changed(time, typed) {
    this.#caret = this.#area.selectionStart;
    const detail = { time, edited: typed !== undefined, typed: typed ?? '' };
    this.dispatchEvent(new CustomEvent('change', { detail }));
  }

  /** Focus opens the keyboard on a phone, which nobody asked for by tapping an example. */
  #focusIfHarmless() {
    if (!matchMedia('(pointer: coarse)').matches) this.#area.focus({ preventScroll: true });
  }

  /** @param {string} text replaces the selection */
  #replace(text) {
    const area = this.#area;
    const active = document.activeElement;
    const { scrollX, scrollY } = window;
    this.#focusIfHarmless();
    const command = text === '' ? 'delete' : 'insertText';
    // The only way in that the browser's undo knows of. It needs the focus.
    this.#replacing = true;
    if (document.activeElement !== area || !document.execCommand(command, false, text)) {
      area.setRangeText(text, area.selectionStart, area.selectionEnd, 'end');
      area.dispatchEvent(new InputEvent('input', { inputType: 'insertReplacementText', bubbles: true }));
    }
    this.#replacing = false;
    // A script's insertion scrolls neither the field nor its box to the caret.
    const box = area.parentElement;
    if (box && area.selectionEnd === area.value.length) box.scrollTop = box.scrollHeight;
    if (active === area) return;
    // A keyboard user goes on from the key that was pressed, and whoever is in another part of the page stays there.
    const elsewhere = area.closest('section')?.contains(active) === false;
    if (active instanceof HTMLElement && (elsewhere || active.matches(':focus-visible, .keeps-focus'))) {
      active.focus({ preventScroll: true });
    }
    // The command brings the caret into view, which is not where the user is looking.
    scrollTo({ left: scrollX, top: scrollY, behavior: 'instant' });
  }

  /** The suggestion taken last, if the caret still stands right behind it. */
  #justTaken() {
    const { value, selectionStart, selectionEnd } = this.#area;
    const taken = this.#taken;
    const there = taken && selectionStart === selectionEnd && selectionStart === taken.start + taken.inserted.length;
    return there && value === taken.after ? taken : null;
  }

  /** @param {InputEvent} event */
  #beforeInput(event) {
    // What reaches the text without a key, such as a drop, has to wait for the stream's end.
    if (this.#streaming) event.preventDefault();
    if (this.#streaming || event.isComposing || !event.cancelable || !event.isTrusted) return;
    const area = this.#area;
    const taken = this.#justTaken();
    if (event.inputType === 'deleteContentBackward' && taken) {
      event.preventDefault();
      area.setSelectionRange(taken.start, area.selectionStart);
      this.#replace(taken.removed);
      return;
    }
    const data = event.inputType === 'insertLineBreak' ? '\n' : event.inputType === 'insertText' ? event.data : null;
    if (data === null || area.selectionStart !== area.selectionEnd) return;
    const edit = taken?.space ? afterAddedSpace(data) : this.fullStop ? fullStop(this.beforeCaret, data) : null;
    if (!edit) return;
    event.preventDefault();
    this.#taken = null;
    if (edit.insert === '') return;
    area.setSelectionRange(area.selectionStart - edit.replace, area.selectionStart);
    this.#replace(edit.insert);
  }

  /** @param {InputEvent} event */
  #input(event) {
    const area = this.#area;
    // Tab belongs to the browser until something was typed, or the field would trap the keyboard.
    this.#armed = document.activeElement === area;
    this.#generated = null;
    if (this.#marks.length) {
      const same = commonStart(this.#marked, area.value);
      this.#marks = this.#marks.filter(({ end }) => end <= same);
    }
    this.#draw();
    this.#drawGhost();
    if (this.#blocked()) return;
    this.#changed(event.timeStamp, event.inputType === 'insertText' && !this.#replacing ? event.data : null);
    if (this.#taken && area.value === this.#taken.before) {
      const detail = this.#taken;
      this.#taken = null;
      this.dispatchEvent(new CustomEvent('taken-back', { detail }));
    }
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    const area = this.#area;
    if (this.#streaming && edits(event)) {
      const kept = this.endStream();
      this.dispatchEvent(new CustomEvent('interrupt', { detail: kept }));
      return;
    }
    if (this.#composing || (event.isComposing && !composesEveryWord)) return;
    const action = keyAction(event, {
      armed: this.#armed,
      shown: this.suggestionsShown && !this.#streaming,
      atEnd: area.selectionStart === area.selectionEnd && area.selectionEnd === area.value.length,
    });
    if (!action) return;
    if (action.type === 'dismiss') {
      this.#armed = false;
      this.setGhost(null);
    } else {
      event.preventDefault();
    }
    this.dispatchEvent(new CustomEvent(action.type, { detail: { ...action, time: event.timeStamp } }));
  }

  #draw() {
    const { value } = this.#area;
    const streaming = this.#streaming;
    if (streaming) {
      const text = value.slice(0, streaming.at) + streaming.text + value.slice(streaming.at);
      const range = { start: streaming.at, end: streaming.at + streaming.text.length, name: 'generated' };
      this.#mirror.draw(text, [range], true);
      return;
    }
    const ranges = this.#generated ? [...this.#marks, this.#generated] : this.#marks;
    this.#mirror.draw(value, ranges, this.#generated !== null);
  }

  #drawGhost() {
    const here = this.#ghost?.base === this.beforeCaret;
    this.#mirror.drawGhost(this.beforeCaret, this.ghost, here && this.#ghost?.healed === true && !this.#streaming);
  }
}
