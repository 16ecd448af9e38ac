// @ts-check
import { formatCount, formatTime, plural } from '../lib/format.js';
import { h } from './dom.js';

/**
 * @typedef {import('../../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../../shared/protocol.js').ModelInfo} ModelInfo
 */

/** One line on what the engine just did, and notices on what it did to the text. */
export class StatusLine {
  #line = h('p', { class: 'status-line' });
  #notices = h('p', { class: 'status-notices' });
  #failure = h('p', { class: 'status-notices' });
  element = h('div', { id: 'status' }, this.#line, this.#notices, this.#failure);

  /**
   * Stays until `forgive`: what is told next may come at once.
   * @param {string} message
   */
  fail(message) {
    this.#line.textContent = '';
    this.#notices.replaceChildren();
    this.#failure.replaceChildren(h('span', { role: 'alert', class: 'failed' }, message));
  }

  forgive() {
    this.#failure.replaceChildren();
  }

  /**
   * @param {number} done
   * @param {number} total
   */
  working(done, total) {
    this.#line.textContent = `Reading the text: ${formatCount(done)} of ${plural(total, 'token')} …`;
  }

  /**
   * @param {Suggestions} answer
   * @param {ModelInfo} model
   * @param {boolean} textFollows there is text behind the caret, which the model does not read
   */
  update(answer, model, textFollows) {
    const { tokens, words, computed, milliseconds, dropped, trimmedSpace, unprompted, repetition } = answer;
    const cached = tokens.length - computed;
    this.#line.textContent = [
      formatTime(milliseconds),
      `${plural(computed, 'token')} computed, ${formatCount(cached)} from the cache`,
      `context ${formatCount(tokens.length)} of ${formatCount(model.positions)}`,
    ].join(' · ');
    const notices = [];
    if (unprompted) {
      const why = textFollows ? 'Nothing stands before the caret' : 'No text yet';
      notices.push(`${why}: this is how the model would begin one, after its <|endoftext|> mark.`);
    } else if (textFollows) {
      notices.push('Only what stands before the caret is read.');
    }
    if (dropped > 0)
      notices.push(
        `The ${dropped === 1 ? 'oldest token no longer fits' : `${formatCount(dropped)} oldest tokens no longer fit`} and ${dropped === 1 ? 'was' : 'were'} dropped.`,
      );
    if (words.length === 0)
      notices.push('No word was found that goes on from here; the list behind ⋯ has single tokens.');
    if (repetition) {
      const count = repetition.words;
      const what = count === 1 ? 'The last word stands' : `The last ${count} words stand`;
      notices.push(`${what} there ${repetition.times} times in a row; the outlined suggestions lead out of the loop.`);
    } else if (trimmedSpace) {
      notices.push('The space at the end comes with the next word, as GPT-2 expects.');
    }
    this.#notices.replaceChildren(...notices.map((notice) => h('span', {}, notice)));
  }
}
