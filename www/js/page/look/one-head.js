// @ts-check
import { growAttention } from '../lib/matrix.js';
import { HeadView } from '../ui/head-view.js';

/**
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('../../shared/inspection.js').AttentionRows} AttentionRows
 * @typedef {import('../../shared/inspection.js').AttentionCell} AttentionCell
 * @typedef {import('../../shared/inspection.js').ValueNorms} ValueNorms
 * @typedef {import('../../shared/inspection.js').InspectionRequest} InspectionRequest
 * @typedef {import('./feed.js').Feed} Feed
 * @typedef {import('./selection.js').Selection} Selection
 */

/** The chosen head in large: keeps its map up to date row by row, and fetches what a cell consists of. */
export class OneHead {
  view = new HeadView();
  #feed;
  #selection;
  /** The map that is drawn, and whether it has all scores. @type {Attention | null} */
  #map = null;
  #whole = false;
  #drawn = '';
  #cellDrawn = '';
  #normsDrawn = '';
  /** What is to be pinned when the map is there. @type {{row: number, column: number} | null} */
  #pin = null;
  /** The first row that came with the newest text. */
  #fresh = 0;
  /** How many rows at the start are still those of the text. */
  #kept = 0;

  /**
   * @param {Feed} feed
   * @param {Selection} selection
   */
  constructor(feed, selection) {
    this.#feed = feed;
    this.#selection = selection;
    selection.addEventListener('tokens', () => {
      this.#kept = Math.min(this.#kept, selection.kept);
    });
    selection.addEventListener('head', () => feed.poke());
    selection.addEventListener('cell', () => this.#wantCell());
    selection.addEventListener('run', () => {
      this.reset();
      feed.poke();
    });
    this.view.addEventListener('cell', (event) => {
      const { cell, pinned } = /** @type {CustomEvent} */ (event).detail;
      selection.point(cell, pinned);
    });
    this.view.addEventListener('stage', () => feed.poke());
    this.view.addEventListener('options', () => this.#wantNorms());
    this.view.sum.element.addEventListener('toggle', () => this.#wantCell());
    new IntersectionObserver((entries) => {
      const visible = entries.some((entry) => entry.isIntersecting);
      if (visible) this.#want();
      else for (const name of ['head', 'head-all']) feed.drop(name);
    }).observe(this.view.element);
  }

  /** Pins a cell as soon as the map of the newest text is drawn. @param {{row: number, column: number} | null} cell */
  pinLater(cell) {
    this.#pin = cell;
  }

  /** Another model. */
  reset() {
    this.#map = null;
    this.view.setLengths(null);
    this.#drawn = '';
    this.#cellDrawn = '';
    this.#normsDrawn = '';
  }

  #want() {
    this.#feed.want('head', {
      rank: 0,
      request: (revision) => this.#request(revision),
      deliver: (answer) => this.#deliver(answer),
    });
    // The small pictures of the first two stages show all scores, but can wait for them.
    this.#feed.want('head-all', {
      rank: 16,
      request: (revision) => {
        const { layer, head, of } = this.#selection;
        const isDue = this.#map && !this.#whole && this.#drawn === this.#selection.stamp(revision);
        return isDue ? { kind: 'attention', layer, head, of } : null;
      },
      deliver: (answer) => this.#deliver(answer),
    });
  }

  /** @param {number} revision @returns {InspectionRequest | null} */
  #request(revision) {
    const { layer, head, tokens, of, grows } = this.#selection;
    if (!this.#selection.ready(revision)) return null;
    const map = this.#map;
    const same = map !== null && map.layer === layer && map.head === head;
    const needsAll = this.view.needsAll;
    if (same && this.#drawn === this.#selection.stamp(revision) && (this.#whole || !needsAll)) return null;
    if (!same || needsAll || !grows || this.#kept === 0) return { kind: 'attention', layer, head, of };
    const from = Math.min(this.#kept, map.size, tokens.length - 1);
    return { kind: 'attention-rows', layers: [layer], heads: [head], from, to: tokens.length, of };
  }

  /** @param {Attention | AttentionRows} answer */
  #deliver(answer) {
    const { tokens, revision, layer, head } = this.#selection;
    if (answer.size !== tokens.length || answer.revision !== revision) return;
    let fresh = 0;
    if ('from' in answer) {
      if (!this.#map) return;
      fresh = answer.from;
      this.#map = growAttention(this.#map, answer);
      this.#whole = false;
    } else {
      if (answer.layer !== layer || answer.head !== head) return;
      const before = this.#map;
      const same = before !== null && before.layer === layer && before.head === head;
      // The same text once more, in full.
      if (same && before.revision === revision) fresh = this.#fresh;
      else if (same && this.#selection.grows) fresh = Math.min(this.#kept, before.size);
      this.#map = answer;
      this.#whole = true;
    }
    this.#fresh = fresh < tokens.length ? fresh : 0;
    this.#kept = tokens.length;
    this.#drawn = this.#selection.stamp(revision);
    this.view.update(this.#map, tokens, { mask: this.#selection.mask(layer, head), fresh: this.#fresh });
    if (this.#pin && Math.max(this.#pin.row, this.#pin.column) < tokens.length) {
      this.view.selectCell(this.#pin);
      this.#pin = null;
    }
    this.#wantNorms();
    this.#wantCell();
  }

  #wantCell() {
    const { cell, tokens } = this.#selection;
    const map = this.#map;
    if (!cell || !map || !this.view.sum.open) {
      this.#feed.drop('cell');
      if (!cell) this.view.sum.clear();
      return;
    }
    const { layer, head } = map;
    const { row, column } = cell;
    const wanted = [layer, head, row, column].join('/');
    const { of } = this.#selection;
    this.#feed.want('cell', {
      rank: 1,
      // A cell of the text never changes while its tokens stay; the revision is for those that do not.
      request: (revision) =>
        !this.#selection.ready(revision) ||
        this.#cellDrawn === `${wanted}/${this.#selection.stamp(revision)}` ||
        Math.max(row, column) >= map.size
          ? null
          : { kind: 'attention-cell', layer, head, row, column, of },
      deliver: (/** @type {AttentionCell} */ answer) => {
        this.#cellDrawn = `${wanted}/${this.#selection.stamp(answer.revision)}`;
        this.view.sum.update(answer, tokens);
      },
    });
  }

  #wantNorms() {
    const map = this.#map;
    if (!this.view.options.norms || !map) {
      this.#feed.drop('norms');
      return;
    }
    const { layer, head } = map;
    const wanted = [layer, head].join('/');
    const { of } = this.#selection;
    this.#feed.want('norms', {
      rank: 2,
      request: (revision) =>
        !this.#selection.ready(revision) || this.#normsDrawn === `${wanted}/${this.#selection.stamp(revision)}`
          ? null
          : { kind: 'value-norms', layer, head, of },
      deliver: (/** @type {ValueNorms} */ answer) => {
        this.#normsDrawn = `${wanted}/${this.#selection.stamp(answer.revision)}`;
        this.view.setLengths(answer);
      },
    });
  }
}
