// @ts-check
import { h } from './dom.js';

const pause = 900; // ms; shorter, and every keystroke would be read aloud

/** Tells screen readers, politely and only after things have calmed down, what changed on the page. */
export class Announcer {
  element = h('p', { class: 'sr-only', role: 'status', 'aria-live': 'polite' });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {string} message */
  say(message) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.element.textContent = message;
    }, pause);
  }
}
