// @ts-check
import { formatShare } from '../lib/format.js';
import { typedLetters } from '../lib/words.js';
import { h } from './dom.js';
import { keyText } from './token-text.js';

/**
 * @typedef {import('../../shared/protocol.js').Word} Word
 * @typedef {{word: Word, stale: '' | 'share' | 'word'}} KeyContent   `stale`: what of it was true of an earlier text: nothing,
 *   the number, or all of it
 */

const keyCount = 3;
/** From the best place to the least. */
const places = [1, 0, 2];
/** Milliseconds after which a press is a long one, and pixels after which a movement is a swipe. */
const longPress = 500;
const swipe = 24;
/** Letters up to which a suggestion fits on one line of a key on a phone, and of any other. */
const shortText = 8;
const mediumText = 13;

/** @param {string} text */
function lengthOf(text) {
  return text.length <= shortText ? '' : text.length <= mediumText ? ' medium' : ' long';
}

/**
 * A sign with words for who can't see it.
 * @param {string} sign
 * @param {string} words
 */
function note(sign, words) {
  return h(
    'span',
    { class: 'key-note', title: words },
    h('span', { 'aria-hidden': 'true' }, ` ${sign}`),
    h('span', { class: 'sr-only' }, ` ${words}`),
  );
}

/**
 * Three keys and a button for more. Its height never changes. A long press on a key, or a swipe up, asks for more, too.
 * Events: `take` with `{slot}`, from left to right; `more`; `open`.
 */
export class SuggestionStrip extends EventTarget {
  element;
  #keys;
  #more;
  /** A press that has become something else than a click. */
  #pressUsed = false;

  constructor() {
    super();
    this.#keys = Array.from({ length: keyCount }, (_, slot) => {
      const key = h('button', { type: 'button', class: 'suggestion', disabled: true });
      key.addEventListener('click', () => {
        if (!this.#pressUsed) this.dispatchEvent(new CustomEvent('take', { detail: { slot } }));
      });
      return key;
    });
    this.#more = h(
      'button',
      {
        type: 'button',
        id: 'more',
        'aria-expanded': 'false',
        'aria-controls': 'candidates',
        'aria-label': 'More candidates',
      },
      h('span', { 'aria-hidden': 'true' }, '⋯'),
    );
    this.#more.addEventListener('click', () => this.dispatchEvent(new Event('more')));
    this.element = h('div', { id: 'strip', role: 'group', 'aria-label': 'Suggestions' }, ...this.#keys, this.#more);
    // Keeps the caret, and a phone's keyboard, where they are.
    this.element.addEventListener('pointerdown', (event) => event.preventDefault());
    this.element.addEventListener('mousedown', (event) => event.preventDefault());
    for (const key of this.#keys) this.#watchPress(key);
  }

  /**
   * @param {readonly (KeyContent | null)[]} keys from left to right
   */
  update(keys) {
    const share = (/** @type {number} */ slot) => keys[slot]?.word.probability ?? -1;
    const ranked = [...places].sort((a, b) => share(b) - share(a));
    keys.forEach((content, slot) => {
      this.#keys[slot].dataset.rank = String(ranked.indexOf(slot) + 1);
      this.#drawKey(this.#keys[slot], content);
    });
    this.element.classList.remove('dismissed');
    this.element.toggleAttribute(
      'data-loop',
      keys.some((content) => content?.word.repeats),
    );
  }

  /** @param {number | null} selected the key that Tab takes */
  select(selected) {
    this.#keys.forEach((key, slot) => {
      key.toggleAttribute('data-selected', slot === selected);
    });
  }

  /** @param {boolean} busy the text has changed, and the answer is on its way */
  setBusy(busy) {
    this.element.setAttribute('aria-busy', String(busy));
  }

  dismiss() {
    this.element.classList.add('dismissed');
  }

  /** @param {boolean} open */
  setOpen(open) {
    this.#more.setAttribute('aria-expanded', String(open));
  }

  focusMore() {
    this.#more.focus();
  }

  /** @param {HTMLElement} key */
  #watchPress(key) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let from = 0;
    const open = () => {
      clearTimeout(timer);
      this.#pressUsed = true;
      this.dispatchEvent(new Event('open'));
    };
    key.addEventListener('pointerdown', (event) => {
      this.#pressUsed = false;
      if (event.button !== 0) return;
      from = event.clientY;
      clearTimeout(timer);
      timer = setTimeout(open, longPress);
    });
    key.addEventListener('pointermove', (event) => {
      if (event.buttons === 1 && !this.#pressUsed && from - event.clientY > swipe) open();
    });
    for (const end of ['pointerup', 'pointercancel', 'pointerleave']) {
      key.addEventListener(end, () => clearTimeout(timer));
    }
    // A long press would bring the browser's own menu on a phone.
    key.addEventListener('contextmenu', (event) => event.preventDefault());
    // A click from the keyboard follows no press.
    key.addEventListener('keydown', () => {
      this.#pressUsed = false;
    });
  }

  /**
   * @param {HTMLButtonElement} key
   * @param {KeyContent | null} content
   */
  #drawKey(key, content) {
    key.disabled = content === null;
    key.dataset.stale = content?.stale ?? '';
    if (!content) {
      key.replaceChildren();
      delete key.dataset.insert;
      return;
    }
    const { word } = content;
    const { text, insert, kind, personal, repeats, probability } = word;
    const typed = typedLetters(word);
    const share = formatShare(probability);
    const notes = [
      ...(kind === 'correction' ? [' ', h('span', { class: 'key-kind' }, 'correction')] : []),
      ...(personal ? [note('★', 'yours')] : []),
      ...(repeats ? [note('↻', 'repeats')] : []),
    ];
    key.replaceChildren(
      h('span', { class: `word${lengthOf(text)}` }, keyText(typed, text.slice(typed.length))),
      h('span', { class: 'share' }, share, ...notes),
    );
    key.dataset.insert = insert;
    key.dataset.kind = kind;
    key.toggleAttribute('data-repeats', repeats);
  }
}
