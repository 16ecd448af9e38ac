// @ts-check
import { ArcsView, mostHeads } from '../ui/arcs-view.js';

/**
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('./feed.js').Feed} Feed
 * @typedef {import('./selection.js').Selection} Selection
 * @typedef {{layer: number, head: number}} Place
 */

/** Lines between tokens, for the chosen head and any others that are added to it. */
export class ArcsController {
  view = new ArcsView();
  #feed;
  #selection;
  #shown = false;
  /** Besides the chosen one. @type {Place[]} */
  #added = [];
  /** @type {Map<string, {stamp: string, map: Attention}>} */
  #maps = new Map();
  /** Empty follows the selection. @type {Set<number>} */
  #chosen = new Set();

  /**
   * @param {Feed} feed
   * @param {Selection} selection
   */
  constructor(feed, selection) {
    this.#feed = feed;
    this.#selection = selection;
    this.view.addEventListener('choose', (event) => {
      const { index, several } = /** @type {CustomEvent} */ (event).detail;
      this.choose(index, several);
    });
    this.view.addEventListener('add', () => {
      const { layer, head } = selection;
      if (this.#added.length < mostHeads && !this.#has(layer, head)) this.#added.push({ layer, head });
      this.#draw();
      feed.poke();
    });
    this.view.addEventListener('remove', (event) => {
      const { layer, head } = /** @type {CustomEvent<Place>} */ (event).detail;
      this.#added = this.#added.filter((place) => place.layer !== layer || place.head !== head);
      this.#draw();
      feed.poke();
    });
    for (const type of ['head', 'tokens', 'run']) {
      selection.addEventListener(type, () => {
        this.#draw();
        feed.poke();
      });
    }
    selection.addEventListener('position', () => {
      this.#chosen = new Set();
      this.#draw();
    });
  }

  /** @param {number} index of a token @param {boolean} several   besides those that are chosen, or no longer */
  choose(index, several) {
    // What is drawn counts, though nobody chose that yet.
    if (several) {
      this.#chosen = new Set(this.drawn.chosen);
      if (this.#chosen.has(index) && this.#chosen.size > 1) this.#chosen.delete(index);
      else this.#chosen.add(index);
      this.#draw();
    } else {
      this.#selection.choose(index);
    }
  }

  /** The heads besides the chosen one, for links. */
  get added() {
    return this.#added;
  }

  set added(added) {
    this.#added = added.slice(0, mostHeads);
    this.#draw();
    this.#feed.poke();
  }

  /** The tokens chosen here, none where it is the selection's. */
  get chosen() {
    return [...this.#chosen].filter((token) => token < this.#selection.tokens.length).sort((a, b) => a - b);
  }

  set chosen(chosen) {
    this.#chosen = new Set(chosen);
    this.#draw();
  }

  /** Another model. */
  reset() {
    this.#added = [];
    this.#chosen = new Set();
    this.#maps.clear();
  }

  /** The chosen tokens, and the maps of the heads that are drawn. */
  get drawn() {
    const { tokens, position } = this.#selection;
    for (const token of this.#chosen) if (token >= tokens.length) this.#chosen.delete(token);
    const maps = this.#heads.flatMap((place) => {
      const map = this.#maps.get(`${place.layer}.${place.head}`)?.map;
      return map && map.size === tokens.length ? [map] : [];
    });
    return { maps, chosen: this.#chosen.size > 0 ? this.#chosen : new Set([position]) };
  }

  /** @param {number} layer @param {number} head */
  #has(layer, head) {
    return this.#added.some((place) => place.layer === layer && place.head === head);
  }

  /** Heads that are drawn: those that stay, or else the chosen one. @returns {Place[]} */
  get #heads() {
    const { layer, head } = this.#selection;
    return this.#added.length > 0 ? this.#added : [{ layer, head }];
  }

  /** @param {boolean} shown */
  show(shown) {
    if (this.#shown === shown) return;
    this.#shown = shown;
    if (!shown) {
      this.#feed.drop('arcs');
      return;
    }
    const selection = this.#selection;
    this.#feed.want('arcs', {
      rank: 4,
      request: (revision) => {
        if (!selection.ready(revision)) return null;
        const due = this.#heads.find(
          ({ layer, head }) => this.#maps.get(`${layer}.${head}`)?.stamp !== selection.stamp(revision),
        );
        return due ? { kind: 'attention', ...due, of: selection.of } : null;
      },
      deliver: (/** @type {Attention} */ map) => {
        this.#maps.set(`${map.layer}.${map.head}`, { stamp: selection.stamp(map.revision), map });
        this.#draw();
      },
    });
    this.#draw();
  }

  #draw() {
    if (!this.#shown) return;
    const { tokens, layer, head } = this.#selection;
    const { maps, chosen } = this.drawn;
    if (maps.length === this.#heads.length)
      this.view.update(maps, tokens, chosen, this.#has(layer, head) ? null : { layer, head });
  }
}
