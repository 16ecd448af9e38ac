// @ts-check
import { byId, h } from './dom.js';

// Android's keyboards compose every word, also in English: waiting for the end of the composition would mean no
// suggestion before the next space.
const composesEveryWord = /Android/.test(navigator.userAgent);

/** Keys that are about to change the text. @param {KeyboardEvent} event */
function edits(event) {
  // AltGr, which Windows reports as Ctrl+Alt, types characters; Alt alone belongs to menus and to the suggestions.
  const altGr = event.getModifierState('AltGraph');
  if (event.altKey && !altGr) return false;
  if (!altGr && (event.ctrlKey || event.metaKey)) return /^[vxyz]$/i.test(event.key);
  return event.key.length === 1 || /^(Backspace|Delete|Enter|Process|Unidentified)$/.test(event.key);
}

/**
 * The user's text. A mirror element lies behind the text area with the same text in the same type: it gives the area its
 * height, and shows generated text in another shade, which a text area can't.
 *
 * Events: `change` when the text before the caret may have changed, `accept` with `{slot}` (0 to 2, left to right) when a
 * key asks for a suggestion, `dismiss` on Escape, `interrupt` when the user types into a running stream.
 */
export class TextField extends EventTarget {
  #area = byId('text', HTMLTextAreaElement);
  #mirror = byId('text-mirror', HTMLElement);
  #composing = false;
  #armed = false;
  /** What streams in, and where. @type {{at: number, text: string} | null} */
  #streaming = null;
  #caret = 0;
  /** Whether there is something for Tab to accept. */
  suggestionsShown = false;

  constructor() {
    super();
    const area = this.#area;
    area.addEventListener('compositionstart', () => {
      this.#composing = !composesEveryWord;
    });
    area.addEventListener('compositionend', (event) => {
      this.#composing = false;
      this.#changed(event.timeStamp, true);
    });
    // What reaches the text without a key, such as a drop, has to wait for the stream's end.
    area.addEventListener('beforeinput', (event) => {
      if (this.#streaming) event.preventDefault();
    });
    area.addEventListener('input', (event) => {
      // Tab belongs to the browser until something was typed, or the field would trap the keyboard.
      this.#armed = document.activeElement === area;
      this.#drawMirror();
      if (!this.#blocked()) this.#changed(event.timeStamp, true);
    });
    area.addEventListener('blur', () => {
      this.#armed = false;
    });
    area.addEventListener('keydown', (event) => this.#keydown(event));
    // Firefox fires this at the text area, Chrome at the document; it bubbles either way.
    document.addEventListener('selectionchange', (event) => {
      if (document.activeElement !== area || area.selectionStart === this.#caret || this.#blocked()) return;
      this.#changed(event.timeStamp, false);
    });
    this.#caret = area.selectionStart;
    this.#drawMirror();
  }

  get beforeCaret() {
    return this.#area.value.slice(0, this.#area.selectionStart);
  }

  get afterCaret() {
    return this.#area.value.slice(this.#area.selectionStart);
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

  /** From here on, text streams in at the caret; the text area itself gets it in one piece at the end. */
  startStream() {
    this.#streaming = { at: this.#area.selectionStart, text: '' };
    this.#drawMirror(this.#streaming.at, '');
  }

  /** @param {string} text all that came so far */
  stream(text) {
    if (!this.#streaming) return;
    this.#streaming.text = text;
    this.#drawMirror(this.#streaming.at, text);
    // Keeps the newest line in view inside the field, and leaves the page where it is.
    const box = this.#area.parentElement;
    const end = this.#mirror.querySelector('.generated')?.getClientRects();
    const last = end?.[end.length - 1];
    if (box && last) box.scrollTop += Math.max(0, last.bottom + 16 - box.getBoundingClientRect().bottom);
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
    if (text === '') {
      this.#drawMirror();
      return null;
    }
    this.#area.setSelectionRange(at, at);
    this.#replace(text);
    this.#drawMirror(at, text);
    return { start: at, text };
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
   * @param {boolean} edited or else only the caret moved
   */
  #changed(time, edited) {
    this.#caret = this.#area.selectionStart;
    this.dispatchEvent(new CustomEvent('change', { detail: { time, edited } }));
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
    if (document.activeElement !== area || !document.execCommand(command, false, text)) {
      area.setRangeText(text, area.selectionStart, area.selectionEnd, 'end');
      area.dispatchEvent(new InputEvent('input', { inputType: 'insertText', bubbles: true }));
    }
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

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    if (this.#streaming && edits(event)) {
      const kept = this.endStream();
      this.dispatchEvent(new CustomEvent('interrupt', { detail: kept }));
      return;
    }
    if (this.#composing || (event.isComposing && !composesEveryWord)) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (event.key === 'Escape' && plain) {
      this.#armed = false;
      this.dispatchEvent(new Event('dismiss'));
    } else if (event.key === 'Tab' && plain && this.#armed && this.suggestionsShown && !this.#streaming) {
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
   * @param {number} [at]
   * @param {string} [generated] shown in another shade; it streams in at `at`, or stands there already
   */
  #drawMirror(at = 0, generated) {
    const { value } = this.#area;
    const shaded = generated !== undefined;
    // A line break at the very end takes up a line in the text area but not in an element.
    const end = '\u200b';
    if (!shaded) {
      this.#mirror.textContent = value + end;
    } else {
      const rest = value.slice(this.#streaming ? at : at + generated.length);
      this.#mirror.replaceChildren(value.slice(0, at), h('span', { class: 'generated' }, generated), rest + end);
    }
    this.#area.parentElement?.classList.toggle('shaded', shaded);
  }
}
