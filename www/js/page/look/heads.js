// @ts-check
import { growThumbnails, thumbnailMasks } from '../lib/thumbnails.js';
import { HeadFinder } from '../ui/head-finder.js';
import { HeadGrid } from '../ui/head-grid.js';

/**
 * @typedef {import('../../shared/inspection.js').Thumbnails} Thumbnails
 * @typedef {import('../../shared/inspection.js').ThumbnailRows} ThumbnailRows
 * @typedef {import('../../shared/inspection.js').HeadMeasures} HeadMeasures
 * @typedef {import('../../shared/inspection.js').InspectionRequest} InspectionRequest
 * @typedef {import('./feed.js').Feed} Feed
 * @typedef {import('./selection.js').Selection} Selection
 */

const cells = 48; // a side of each small map

/** All heads: their small maps, a new row at a time, and what each of them does. */
export class Heads {
  grid = new HeadGrid();
  finder = new HeadFinder();
  #feed;
  #selection;
  /** @type {Set<number>} */
  #visible = new Set();
  /** What each layer shows, for which revision, and how many tokens at its start still hold. @type {Map<number, {drawn: string, map: Thumbnails, kept: number}>} */
  #layers = new Map();
  #measured = '';

  /**
   * @param {Feed} feed
   * @param {Selection} selection
   */
  constructor(feed, selection) {
    this.#feed = feed;
    this.#selection = selection;
    const { grid, finder } = this;
    grid.addEventListener('visible', (event) => {
      this.#visible = new Set(/** @type {CustomEvent<number[]>} */ (event).detail);
      if (this.#visible.size > 0) this.#want();
      else feed.drop('grid');
    });
    grid.addEventListener('pick', (event) => {
      const { layer, head } = /** @type {CustomEvent<{layer: number, head: number}>} */ (event).detail;
      selection.pick(layer, head);
    });
    finder.addEventListener('pick', (event) => {
      const { layer, head } = /** @type {CustomEvent<{layer: number, head: number}>} */ (event).detail;
      selection.pick(layer, head);
    });
    finder.addEventListener('filter', () => {
      grid.filter(finder.matches);
    });
    selection.addEventListener('head', () => grid.pick(selection.layer, selection.head));
    selection.addEventListener('run', () => {
      this.#layers.clear();
      this.#measured = '';
      feed.poke();
    });
    selection.addEventListener('tokens', () => {
      for (const layer of this.#layers.values()) layer.kept = Math.min(layer.kept, selection.kept);
    });
  }

  /** Another model. */
  reset() {
    this.#layers.clear();
    this.#measured = '';
    const { layers, heads, layer, head } = this.#selection;
    this.grid.setShape(layers, heads);
    this.grid.pick(layer, head);
  }

  #want() {
    const selection = this.#selection;
    this.#feed.want('grid', {
      rank: 5,
      request: (revision) => this.#request(revision),
      deliver: (answer) => this.#deliver(answer),
    });
    this.#feed.want('measures', {
      rank: 50,
      request: (revision) =>
        !selection.ready(revision) || this.#measured === selection.stamp(revision)
          ? null
          : { kind: 'head-measures', of: selection.of },
      deliver: (/** @type {HeadMeasures} */ answer) => {
        this.#measured = selection.stamp(answer.revision);
        this.finder.update(answer);
        this.grid.filter(this.finder.matches);
        selection.dispatchEvent(new Event('measures'));
      },
      // Views do without it.
      fail: () => {},
    });
  }

  /** @param {number} revision @returns {InspectionRequest | null} */
  #request(revision) {
    const { tokens, of, grows } = this.#selection;
    if (!this.#selection.ready(revision)) return null;
    const wanted = this.#selection.stamp(revision);
    const due = [...this.#visible].filter((layer) => this.#layers.get(layer)?.drawn !== wanted).sort((a, b) => a - b);
    if (due.length === 0) return null;
    // Those that can grow do so together; the others are drawn one by one.
    const from = Math.min(...due.map((layer) => this.#layers.get(layer)?.kept ?? 0), tokens.length - 1);
    const spans = new Set(due.map((layer) => this.#layers.get(layer)?.map.span));
    const [span] = spans;
    if (from > 0 && spans.size === 1 && span !== undefined && tokens.length <= span * cells && grows) {
      return { kind: 'thumbnail-rows', layers: due, from: from - (from % span), to: tokens.length, span, of };
    }
    return { kind: 'thumbnails', layer: due[0], cells, of };
  }

  /** @param {Thumbnails | ThumbnailRows} answer */
  #deliver(answer) {
    if (answer.size !== this.#selection.tokens.length) return;
    const drawn = this.#selection.stamp(answer.revision);
    if ('from' in answer) {
      answer.layers.forEach((layer, index) => {
        const before = this.#layers.get(layer)?.map;
        if (before) this.#show(layer, growThumbnails(before, answer, index), drawn);
      });
    } else {
      this.#show(answer.layer, answer, drawn);
    }
  }

  /**
   * @param {number} layer
   * @param {Thumbnails} map
   * @param {string} drawn
   */
  #show(layer, map, drawn) {
    this.#layers.set(layer, { drawn, map, kept: map.size });
    this.grid.update(map, this.#masks(map));
  }

  /** @param {Thumbnails} map */
  #masks(map) {
    const selection = this.#selection;
    return thumbnailMasks(
      map,
      (layer, head) => selection.mask(layer, head),
      (layer, head) => selection.open(layer, head),
    );
  }

  /** The maps of all layers, also of those that are not on screen. */
  async all() {
    const { layers, of, tokens, revision } = this.#selection;
    const all = [];
    for (let layer = 0; layer < layers; layer++) {
      /** @type {Thumbnails} */
      const map = await this.#feed.ask({ kind: 'thumbnails', layer, cells, of });
      if (map.revision !== revision) throw new Error('The text has changed meanwhile.');
      all.push({ map, masks: this.#masks(map) });
    }
    return { maps: all, tokens };
  }
}
