// @ts-check
import { byId, h } from './dom.js';

/**
 * The user's text. A mirror element lies behind the text area with the same text in the same type: it gives the area its
 * height, and shows generated text in another shade, which a text area can't.
 *
 * Events: `change` when the text before the caret may have changed, `accept` with `{slot}` (0 to 2, left to right) when a
 * key asks for a suggestion, `dismiss` on Escape.
 */
export class TextField extends EventTarget {
  #area = byId('text', HTMLTextAreaElement);
  #mirror = byId('text-mirror', HTMLElement);
  #composing = false;
  #armed = false;
  #streaming = false;
  #caret = 0;
  /** Whether there is something for Tab to accept. */
  suggestionsShown = false;

  constructor() {
    super();
    const area = this.#area;
    area.addEventListener('compositionstart', () => {
      this.#composing = true;
    });
    area.addEventListener('compositionend', (event) => {
      this.#composing = false;
      this.#changed(event.timeStamp);
    });
    area.addEventListener('input', (event) => {
      // Tab belongs to the browser until something was typed, or the field would trap the keyboard.
      this.#armed = document.activeElement === area;
      this.#drawMirror();
      if (!this.#blocked()) this.#changed(event.timeStamp);
    });
    area.addEventListener('blur', () => {
      this.#armed = false;
    });
    area.addEventListener('keydown', (event) => this.#keydown(event));
    // Firefox fires this at the text area, Chrome at the document; it bubbles either way.
    document.addEventListener('selectionchange', (event) => {
      if (document.activeElement !== area || area.selectionStart === this.#caret || this.#blocked()) return;
      this.#changed(event.timeStamp);
    });
    this.#caret = area.selectionStart;
    this.#drawMirror();
  }

  get text() {
    return this.#area.value;
  }

  get beforeCaret() {
    return this.#area.value.slice(0, this.#area.selectionStart);
  }

  focus() {
    this.#area.focus();
  }

  /**
   * Puts text in at the caret as if it had been typed, so that the browser's own undo takes it back.
   * @param {string} text
   */
  insert(text) {
    if (this.#blocked()) return;
    this.#replace(text);
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

  /** From here on, text streams in at the caret and the user can't type. */
  startStream() {
    const area = this.#area;
    area.setSelectionRange(area.selectionStart, area.selectionStart);
    area.readOnly = true;
    this.#streaming = true;
    this.#drawMirror('');
  }

  /** @param {string} text all that came so far */
  stream(text) {
    this.#drawMirror(text);
    this.#mirror.querySelector('.generated')?.scrollIntoView({ block: 'nearest' });
  }

  /**
   * Ends the stream and keeps its text, shaded until the next edit.
   * @param {string} text
   */
  endStream(text) {
    this.#area.readOnly = false;
    this.#streaming = false;
    if (text === '') {
      this.#drawMirror();
      return;
    }
    const start = this.#area.selectionStart;
    this.#replace(text);
    this.#drawMirror(text, start);
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
    return this.#composing || this.#streaming;
  }

  /** @param {number} time */
  #changed(time) {
    this.#caret = this.#area.selectionStart;
    this.dispatchEvent(new CustomEvent('change', { detail: { time } }));
  }

  /** Focus opens the keyboard on a phone, which nobody asked for by tapping an example. */
  #focusIfHarmless() {
    if (!matchMedia('(pointer: coarse)').matches) this.#area.focus();
  }

  /** @param {string} text replaces the selection */
  #replace(text) {
    const area = this.#area;
    const active = document.activeElement;
    this.#focusIfHarmless();
    const command = text === '' ? 'delete' : 'insertText';
    // The only way in that the browser's undo knows of. It needs the focus.
    if (document.activeElement !== area || !document.execCommand(command, false, text)) {
      area.setRangeText(text, area.selectionStart, area.selectionEnd, 'end');
      area.dispatchEvent(new InputEvent('input', { inputType: 'insertText', bubbles: true }));
    }
    // A keyboard user goes on from the key that was pressed.
    if (active instanceof HTMLElement && active !== area && active.matches(':focus-visible, .keeps-focus'))
      active.focus();
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    if (event.isComposing || this.#composing) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (event.key === 'Escape' && plain) {
      this.#armed = false;
      this.dispatchEvent(new Event('dismiss'));
    } else if (event.key === 'Tab' && plain && this.#armed && this.suggestionsShown) {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent('accept', { detail: { slot: 1, time: event.timeStamp } }));
    } else if (event.altKey && !event.ctrlKey && !event.metaKey && /^(Digit|Numpad)[123]$/.test(event.code)) {
      // By place on the keyboard: with Alt held, a Mac types other characters here.
      event.preventDefault();
      this.dispatchEvent(
        new CustomEvent('accept', { detail: { slot: Number(event.code.at(-1)) - 1, time: event.timeStamp } }),
      );
    }
  }

  /**
   * @param {string} [generated] shown in another shade: at the caret while it streams, else from `start`
   * @param {number} [start]
   */
  #drawMirror(generated, start) {
    const { value, selectionStart } = this.#area;
    const shaded = generated !== undefined;
    // A line break at the very end takes up a line in the text area but not in an element.
    const end = '\u200b';
    if (!shaded) {
      this.#mirror.textContent = value + end;
    } else {
      const from = start ?? selectionStart;
      const to = start === undefined ? from : from + generated.length;
      const span = h('span', { class: 'generated' }, generated);
      this.#mirror.replaceChildren(value.slice(0, from), span, value.slice(to) + end);
    }
    this.#area.parentElement?.classList.toggle('shaded', shaded);
  }
}
