// @ts-check
import { h } from './dom.js';

const pause = 900; // ms; shorter, and every keystroke would be read aloud

/** Tells screen readers, politely and only after things have calmed down, what changed on the page. */
export class Announcer {
  element = h('p', { class: 'sr-only', role: 'status', 'aria-live': 'polite' });
  /** Events that are still to be told. @type {string[]} */
  #events = [];
  #newest = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** How things stand; only the newest is told. @param {string} message */
  say(message) {
    this.#newest = message;
    this.#later();
  }

  /** Something that happened, told together with what is said soon after. @param {string} message */
  tell(message) {
    this.#events.push(message);
    // What was to be said before it is out of date.
    this.#newest = '';
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.element.textContent = [...this.#events, this.#newest].join(' ').trim();
      this.#events = [];
      this.#newest = '';
    }, pause);
  }
}
