// @ts-check
import { align, difference } from '../lib/align.js';
import { CompareView } from '../ui/compare-view.js';

/**
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('../../shared/inspection.js').Compared} Compared
 * @typedef {import('../../shared/inspection.js').Differences} Differences
 * @typedef {import('./feed.js').Feed} Feed
 * @typedef {import('./selection.js').Selection} Selection
 */

const listed = 5;

/** A second text beside the first. */
export class Comparing {
  view = new CompareView();
  #feed;
  #selection;
  #shown = false;
  #text = '';
  /** @type {Compared | null} */
  #other = null;
  #measured = '';
  /** @type {Attention | null} */
  #first = null;
  /** @type {Attention | null} */
  #second = null;

  /**
   * @param {Feed} feed
   * @param {Selection} selection
   */
  constructor(feed, selection) {
    this.#feed = feed;
    this.#selection = selection;
    this.view.addEventListener('compare', (event) => this.compare(/** @type {CustomEvent} */ (event).detail.text));
    this.view.addEventListener('pick', (event) => {
      const { layer, head } = /** @type {CustomEvent} */ (event).detail;
      selection.pick(layer, head);
    });
    selection.addEventListener('head', () => feed.poke());
  }

  /** The second text, empty if there is none. */
  get text() {
    return this.#other ? this.#text : '';
  }

  /** Another model. */
  reset() {
    this.#other = null;
    this.#measured = '';
    this.#first = this.#second = null;
    this.view.clear();
  }

  /** @param {string} text */
  compare(text) {
    this.reset();
    this.#text = text;
    this.view.tell('Reading the second text …');
    this.#feed.retry('compare');
  }

  /** @param {boolean} shown @param {string} text   what stands in the text field, to begin with */
  show(shown, text) {
    if (this.#shown === shown) return;
    this.#shown = shown;
    const [feed, selection] = [this.#feed, this.#selection];
    if (!shown) {
      for (const name of ['compare', 'differences', 'first', 'second']) feed.drop(name);
      return;
    }
    if (this.view.text === '') this.view.text = text;
    feed.want('compare', {
      rank: 10,
      request: () => (this.#other || this.#text === '' ? null : { kind: 'compare', text: this.#text, top: listed }),
      deliver: (/** @type {Compared} */ answer) => {
        this.#other = answer;
        this.view.tell(answer.dropped > 0 ? 'Its oldest tokens did not fit and were left out.' : '');
      },
      fail: (error) => this.view.tell(error instanceof Error ? error.message : String(error)),
    });
    feed.want('differences', {
      rank: 11,
      request: (revision) => {
        const other = this.#other;
        if (!other || this.#measured === `${other.revision}/${revision}`) return null;
        return { kind: 'differences', of: 'other', pairs: this.#pairs() };
      },
      deliver: (/** @type {Differences} */ answer) => {
        const other = /** @type {Compared} */ (this.#other);
        this.#measured = `${other.revision}/${answer.revision}`;
        this.view.update(selection.tokens, other, this.#pairs());
        this.view.setDifferences(answer);
      },
    });
    /** @param {Attention | null} map @param {number} revision */
    const missing = (map, revision) =>
      !map || map.revision !== revision || map.layer !== selection.layer || map.head !== selection.head;
    feed.want('first', {
      rank: 12,
      request: (revision) =>
        this.#other && missing(this.#first, revision)
          ? { kind: 'attention', layer: selection.layer, head: selection.head }
          : null,
      deliver: (/** @type {Attention} */ answer) => {
        this.#first = answer;
        this.#draw();
      },
    });
    feed.want('second', {
      rank: 12,
      request: () =>
        this.#other && missing(this.#second, this.#other.revision)
          ? { kind: 'attention', layer: selection.layer, head: selection.head, of: 'other' }
          : null,
      deliver: (/** @type {Attention} */ answer) => {
        this.#second = answer;
        this.#draw();
      },
    });
  }

  #pairs() {
    return align(this.#selection.tokens, this.#other?.tokens ?? []);
  }

  #draw() {
    const [a, b] = [this.#first, this.#second];
    const { tokens } = this.#selection;
    if (!a || !b || a.layer !== b.layer || a.head !== b.head || a.size !== tokens.length) return;
    const pairs = this.#pairs();
    if (pairs.length === 0) return;
    this.view.setDifference(
      difference(a, b, pairs),
      pairs.map(([at]) => tokens[at]),
      a.layer,
      a.head,
    );
  }
}
