// @ts-check
import { alteredMask, isAltered } from '../lib/alteration.js';

/**
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../../shared/inspection.js').Alteration} Alteration
 * @typedef {import('../../shared/inspection.js').Of} Of
 * @typedef {{row: number, column: number}} Cell
 */

/**
 * What is being looked at; all views follow it.
 *
 * Events: `tokens` (there are others, or more), `head`, `cell` (pointed at or pinned), `position` (the token whose way through
 * the model is shown), `run` (the real model or an altered one), `measures` (what heads do on this text is known).
 */
export class Selection extends EventTarget {
  /** The tokens of the newest suggestions. @type {Token[]} */
  tokens = [];
  /** @type {number | null} */
  revision = null;
  /** How many tokens at the start are those of the revision before. */
  kept = 0;
  layers = 0;
  heads = 0;
  vocabulary = 0;
  positions = 0;
  /** Whether a recording is looked at, and not the engine's text. */
  recorded = false;
  layer = 0;
  head = 0;
  /** @type {Cell | null} */
  cell = null;
  pinned = false;
  /** Null follows the last token. @type {number | null} */
  #position = null;
  /** What is changed about the model, null if nothing is. @type {Alteration | null} */
  alteration = null;
  /** Changes with the alteration. */
  turn = 0;
  /** The revision that the altered run exists for. @type {number | null} */
  #alteredFor = null;

  /**
   * @param {Token[]} tokens
   * @param {number} revision
   */
  setTokens(tokens, revision) {
    let kept = 0;
    while (kept < tokens.length && this.tokens[kept]?.id === tokens[kept].id) kept++;
    this.kept = kept;
    this.tokens = tokens;
    this.revision = revision;
    if (this.#position !== null && this.#position >= tokens.length) this.#position = null;
    this.dispatchEvent(new Event('tokens'));
  }

  /**
   * Another model: nothing of the old one holds.
   * @param {{layers: number, heads: number, vocabulary: number, positions: number}} shape
   */
  setShape({ layers, heads, vocabulary, positions }) {
    this.layers = layers;
    this.heads = heads;
    this.vocabulary = vocabulary;
    this.positions = positions;
    this.layer = Math.min(this.layer, Math.max(0, layers - 1));
    this.head = Math.min(this.head, Math.max(0, heads - 1));
    this.tokens = [];
    this.revision = null;
    this.dispatchEvent(new Event('head'));
  }

  /**
   * @param {number} layer
   * @param {number} head
   */
  pick(layer, head) {
    if (layer < 0 || head < 0 || layer >= this.layers || head >= this.heads) return;
    this.layer = layer;
    this.head = head;
    this.dispatchEvent(new Event('head'));
  }

  /**
   * @param {Cell | null} cell
   * @param {boolean} pinned
   */
  point(cell, pinned) {
    this.cell = cell;
    this.pinned = pinned;
    this.dispatchEvent(new Event('cell'));
  }

  /** The token whose journey is shown. */
  get position() {
    return this.#position ?? Math.max(0, this.tokens.length - 1);
  }

  /** Whether that follows the last token. */
  get follows() {
    return this.#position === null;
  }

  /** @param {number | null} position */
  choose(position) {
    this.#position = position === null || position >= this.tokens.length ? null : Math.max(0, position);
    this.dispatchEvent(new Event('position'));
  }

  /** Which run the views show. @returns {Of} */
  get of() {
    return this.alteration ? 'altered' : 'text';
  }

  /**
   * Whether rows that are there stay as they are when tokens are added: no token looks at a later one, in an altered run
   * neither. Without the mask every row changes.
   */
  get grows() {
    return !this.alteration || this.alteration.unmasked.length === 0;
  }

  /** @param {Alteration | null} alteration */
  alter(alteration) {
    this.alteration = alteration;
    this.turn++;
    this.#alteredFor = null;
    this.dispatchEvent(new Event('run'));
  }

  /** The altered run is there. @param {number} revision */
  altered(revision) {
    this.#alteredFor = revision;
  }

  /** Whether the run can be asked for. @param {number} revision */
  ready(revision) {
    return this.alteration === null || this.#alteredFor === revision;
  }

  /** Names what is drawn: the run and the revision. @param {number} revision */
  stamp(revision) {
    return `${this.turn}/${revision}`;
  }

  /**
   * What a head must not look at in an altered run, null for the plain triangle.
   * @param {number} layer
   * @param {number} head
   */
  mask(layer, head) {
    return this.alteration ? alteredMask(this.alteration, layer, head, this.tokens.length) : null;
  }

  /**
   * Whether a head is without the causal mask.
   * @param {number} layer
   * @param {number} head
   */
  open(layer, head) {
    return this.alteration !== null && isAltered(this.alteration, 'unmasked', layer, head);
  }
}
