// @ts-check
import { segments } from '../lib/segments.js';
import { byId, h } from './dom.js';

/** @typedef {import('../lib/segments.js').Range} Range */

/**
 * What a text area can't show, behind it: the mirror has the same text in the same type, which gives the area its height and
 * lets stretches of it look different; and over that, the grey continuation behind the caret.
 */
export class Mirror {
  #mirror = byId('text-mirror', HTMLElement);
  #ghost = h('div', { id: 'ghost', class: 'mirror ghost-layer', dir: 'auto', 'aria-hidden': 'true' });
  /** Whether the ghost layer has anything, so that an empty one costs nothing. */
  #ghostShown = false;

  constructor() {
    this.#mirror.after(this.#ghost);
  }

  /**
   * @param {string} text
   * @param {readonly Range[]} ranges whose names become classes
   * @param {boolean} instead whether the mirror shows the text in place of the text area
   */
  draw(text, ranges, instead) {
    // A line break at the very end takes up a line in the text area but not in an element.
    const end = '\u200b';
    if (ranges.length === 0) {
      this.#mirror.textContent = text + end;
    } else {
      const parts = segments(text, ranges).map((segment) =>
        segment.names.length
          ? h('span', { class: segment.names.join(' '), 'data-title': segment.title ?? null }, segment.text)
          : segment.text,
      );
      this.#mirror.replaceChildren(...parts, end);
    }
    this.#mirror.parentElement?.classList.toggle('shaded', instead);
  }

  /**
   * @param {string} before the text before the caret
   * @param {string} ghost what might follow it; empty for nothing
   * @param {boolean} healed whether a space at the end of the text counts as the beginning of what follows
   */
  drawGhost(before, ghost, healed) {
    const space = healed && before.endsWith(' ');
    const shown = ghost !== '' || space;
    if (!shown && !this.#ghostShown) return;
    this.#ghostShown = shown;
    if (!shown) {
      this.#ghost.replaceChildren();
      return;
    }
    const text = space ? before.slice(0, -1) : before;
    this.#ghost.replaceChildren(
      text,
      ...(space ? [h('span', { class: 'healed' }, ' ')] : []),
      // The letters that are typed stay on their line, even if the whole word would not fit there.
      ...(ghost ? [h('wbr'), h('span', { class: 'ghost' }, ghost)] : []),
      '\u200b',
    );
  }

  /**
   * What is to be said of the text at a point of the window; empty for nothing.
   * @param {number} x
   * @param {number} y
   */
  titleAt(x, y) {
    const there = document.elementsFromPoint(x, y).find((element) => this.#mirror.contains(element));
    return there instanceof HTMLElement ? (there.dataset.title ?? '') : '';
  }

  /** Where the last line of this kind of text ends, in the window. @param {string} name */
  bottomOf(name) {
    const lines = [...this.#mirror.querySelectorAll(`.${name}`)].at(-1)?.getClientRects();
    return lines?.[lines.length - 1]?.bottom ?? null;
  }
}
