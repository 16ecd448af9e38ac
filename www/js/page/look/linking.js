// @ts-check
import { isUnaltered } from '../lib/alteration.js';
import { isLink, LinkError, readLink, writeLink } from '../lib/link.js';
import { h } from '../ui/dom.js';

/** @typedef {import('../lib/link.js').State} State */

/**
 * Links that hold what is shown. Opening one puts all of it on the page, or nothing if anything about it is wrong.
 */
export class Linking {
  element = h('p', { class: 'link-note', id: 'link-note', role: 'status', hidden: true });
  #read;
  #apply;
  #shape;
  /** A link that waits for the model. @type {string | null} */
  #waiting = null;

  /**
   * @param {object} page
   * @param {() => State} page.read
   * @param {(state: State) => void} page.apply
   * @param {() => {name: string, layers: number, heads: number, positions: number, vocabulary: number} | null} page.shape   of the model in use
   */
  constructor({ read, apply, shape }) {
    this.#read = read;
    this.#apply = apply;
    this.#shape = shape;
    addEventListener('hashchange', () => this.open(location.hash));
  }

  /** The address of what is shown. */
  get link() {
    const url = new URL(location.href);
    url.hash = writeLink(this.#read());
    return url.href;
  }

  /** @param {string} fragment */
  open(fragment) {
    if (!isLink(fragment)) return;
    this.#waiting = fragment;
    this.proceed();
  }

  /** The model is there, perhaps. */
  proceed() {
    const shape = this.#shape();
    if (this.#waiting === null || !shape) return;
    const fragment = this.#waiting;
    this.#waiting = null;
    try {
      const state = readLink(fragment);
      this.#check(state, shape);
      this.#apply(state);
      this.#tell(
        state.model && state.model !== shape.name
          ? `The link was made with “${state.model}”; here it is shown with “${shape.name}”.`
          : '',
      );
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.#tell(`The link can’t be read: ${error.message}. Nothing was changed.`);
    }
  }

  /**
   * What only the model can say about a state.
   * @param {State} state
   * @param {{layers: number, heads: number, positions: number, vocabulary: number}} shape
   */
  #check(state, { layers, heads, positions, vocabulary }) {
    const { layer, head, arcs, arcTokens, alteration, cell, position, sampling } = state;
    const places = [{ layer, head }, ...arcs, ...alteration.off, ...alteration.unmasked, ...alteration.cuts];
    for (const place of places) {
      if ((place.layer ?? 0) >= layers || (place.head ?? 0) >= heads)
        throw new LinkError(`this model has no layer ${place.layer}, head ${place.head}`);
    }
    const cut = alteration.cuts.flatMap(({ row, column }) => [row, column]);
    const tokens = [cell?.row, cell?.column, position, ...arcTokens, ...cut];
    for (const token of tokens) {
      if ((token ?? 0) >= positions) throw new LinkError(`this model reads no more than ${positions} tokens`);
    }
    if (sampling && sampling.topK > vocabulary)
      throw new LinkError(`there are only ${vocabulary} tokens to choose from`);
    if (!isUnaltered(alteration) && state.text === '') throw new LinkError('it alters a model without a text');
  }

  /** @param {string} note */
  #tell(note) {
    this.element.textContent = note;
    this.element.hidden = note === '';
  }
}
