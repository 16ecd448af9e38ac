// @ts-check
import { branches } from '../lib/paths.js';
import { spokenText } from '../lib/tokens.js';
import { h } from './dom.js';

/** @typedef {import('../lib/paths.js').Branch} Branch */

/** Characters of a long stretch of text that are shown, at its end. */
const shownLength = 36;

/**
 * The ways that the text has gone, to return to.
 * Event: `return` with `{path}`.
 */
export class PathTree extends EventTarget {
  #tree = h('div', { class: 'path-tree' });
  element = h('div', { id: 'paths', hidden: true }, h('h3', {}, 'Other ways that your text has gone'), this.#tree);
  #drawn = '';

  /**
   * @param {readonly string[]} paths
   * @param {string} current
   */
  update(paths, current) {
    const others = paths.filter((path) => !current.startsWith(path));
    this.element.hidden = others.length === 0;
    const all = others.some((path) => path.startsWith(current)) ? others : [...others, current];
    const drawn = JSON.stringify([all, current]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#tree.replaceChildren(this.#list(branches(all), current));
  }

  /**
   * @param {Branch[]} found
   * @param {string} current
   * @returns {HTMLElement}
   */
  #list(found, current) {
    return h('ul', {}, ...found.map((branch) => this.#item(branch, current)));
  }

  /**
   * @param {Branch} branch
   * @param {string} current
   */
  #item({ part, path, branches: further }, current) {
    const characters = [...part.replace(/\s*\n\s*/g, ' ↵ ')];
    const text = characters.length > shownLength ? `… ${characters.slice(-shownLength).join('')}` : characters.join('');
    const label = h('bdi', {}, text.trim() === '' ? '␣' : text);
    const children = further.length ? [this.#list(further, current)] : [];
    if (path === null || path === current) {
      return h('li', { 'aria-current': path === current ? 'true' : null }, label, ...children);
    }
    const button = h(
      'button',
      { type: 'button', class: 'small', 'aria-label': `Return to ${spokenText(text)}` },
      label,
    );
    button.addEventListener('click', () => this.dispatchEvent(new CustomEvent('return', { detail: { path } })));
    return h('li', {}, button, ...children);
  }
}
