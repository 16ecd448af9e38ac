// @ts-check
import { alteredHeads, describe, isUnaltered, toggleCut, togglePlace, unaltered, without } from '../lib/alteration.js';
import { spokenToken } from '../lib/tokens.js';
import { AlterTools } from '../ui/alter-tools.js';
import { AlteredPanel } from '../ui/altered-panel.js';
import { keepFocusInPlace } from '../ui/dom.js';

/**
 * @typedef {import('../../shared/inspection.js').Alteration} Alteration
 * @typedef {import('../../shared/inspection.js').Altered} Altered
 * @typedef {import('../../shared/inspection.js').Prepared} Prepared
 * @typedef {import('./feed.js').Feed} Feed
 * @typedef {import('./selection.js').Selection} Selection
 */

const listed = 8;

/** Changing the model's attention by hand: keeps the altered run up to date with the text, and shows what it says. */
export class Altering {
  tools = new AlterTools();
  panel = new AlteredPanel();
  #feed;
  #selection;
  #computed = '';
  /** @type {number | null} */
  #preparedFor = null;

  /**
   * @param {Feed} feed
   * @param {Selection} selection
   */
  constructor(feed, selection) {
    this.#feed = feed;
    this.#selection = selection;
    const { tools, panel } = this;
    tools.addEventListener('off', () => this.set(togglePlace(this.#now, 'off', this.#place)));
    tools.addEventListener('unmask', () => this.set(togglePlace(this.#now, 'unmasked', this.#place)));
    tools.addEventListener('scope', () => this.#drawTools());
    tools.addEventListener('toggle', () => this.#prepare());
    selection.addEventListener('head', () => this.#drawTools());
    panel.addEventListener('back', () => this.set(unaltered));
    panel.addEventListener('remove', (event) => {
      const { kind, index } = /** @type {CustomEvent} */ (event).detail;
      this.set(without(this.#now, kind, index));
    });
  }

  get #now() {
    return this.#selection.alteration ?? unaltered;
  }

  get #place() {
    const { layer, head } = this.#selection;
    const { scope } = this.tools;
    return { layer: scope === 'all' ? null : layer, head: scope === 'head' ? head : null };
  }

  /** Who unfolds the tools will soon use them: until then, what comes into each layer is computed, a layer at a time. */
  #prepare() {
    if (!this.tools.isOpen) {
      this.#feed.drop('prepare');
      if (!this.#selection.alteration) this.#giveBack();
      return;
    }
    this.#feed.want('prepare', {
      rank: 60,
      request: (revision) => (this.#preparedFor === revision || this.#selection.recorded ? null : { kind: 'prepare' }),
      deliver: (/** @type {Prepared} */ { revision, done, total }) => {
        if (done === total) this.#preparedFor = revision;
      },
      // An alteration computes what it misses by itself.
      fail: () => {},
    });
  }

  /** The memory that it took. */
  #giveBack() {
    this.#feed.want('forget', {
      rank: 90,
      request: () => ({ kind: 'forget', of: 'altered' }),
      deliver: () => {
        this.#feed.drop('forget');
        this.#preparedFor = null;
      },
    });
  }

  /** Heads that are not as in the model. */
  get marks() {
    const { layers, heads } = this.#selection;
    return alteredHeads(this.#now, layers, heads);
  }

  /** A cell of the map was pressed. @param {{row: number, column: number}} cell */
  press({ row, column }) {
    const { knife } = this.tools;
    if (knife === 'look') return;
    const cut = {
      ...this.#place,
      row: knife === 'column' ? null : row,
      column: knife === 'row' ? null : column,
    };
    this.set(toggleCut(this.#now, cut));
  }

  /** @param {Alteration} alteration */
  set(alteration) {
    const selection = this.#selection;
    const none = isUnaltered(alteration);
    if (none && !selection.alteration) return;
    selection.alter(none ? null : alteration);
    keepFocusInPlace(() => this.panel.describe(describe(alteration, (index) => this.#name(index))));
    this.#drawTools();
    if (none) {
      this.#feed.drop('alter');
      this.#giveBack();
      return;
    }
    this.#feed.drop('forget');
    this.panel.working();
    this.#feed.want('alter', {
      rank: 3,
      request: (revision) =>
        this.#computed === selection.stamp(revision) ? null : { kind: 'alter', alteration, top: listed },
      deliver: (/** @type {Altered} */ answer) => {
        this.#computed = selection.stamp(answer.revision);
        selection.altered(answer.revision);
        keepFocusInPlace(() => {
          this.panel.describe(describe(alteration, (index) => this.#name(index)));
          this.panel.update(answer);
        });
      },
      fail: (error) => this.panel.fail(error instanceof Error ? error.message : String(error)),
    });
  }

  /** @param {number} index */
  #name(index) {
    const token = this.#selection.tokens[index];
    return token ? `${spokenToken(token)} (${index})` : `token ${index}, which the text does not have,`;
  }

  #drawTools() {
    const key = JSON.stringify(this.#place);
    const has = (/** @type {'off' | 'unmasked'} */ what) =>
      this.#now[what].some(({ layer, head }) => JSON.stringify({ layer, head }) === key);
    this.tools.update(has('off'), has('unmasked'));
  }
}
