// @ts-check
import { unaltered } from './lib/alteration.js';
import { palettes } from './lib/colour.js';
import { Altering } from './look/altering.js';
import { Feed } from './look/feed.js';
import { Heads } from './look/heads.js';
import { OneHead } from './look/one-head.js';
import { Selection } from './look/selection.js';
import { byId } from './ui/dom.js';
import { TokenChips } from './ui/token-chips.js';
import { setVectorPalette } from './ui/vector-strip.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 */

/** Looking inside: the tokens of the context, all heads, one head in large, and the other views, which all follow one selection. */
export class LookController {
  #app;
  #feed;
  #selection = new Selection();
  #chips = new TokenChips();
  #heads;
  #head;
  #altering;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    this.#feed = new Feed((request) => app.engine.inspect(request));
    this.#heads = new Heads(this.#feed, this.#selection);
    this.#head = new OneHead(this.#feed, this.#selection);
    this.#altering = new Altering(this.#feed, this.#selection);
    byId('altered-place', HTMLElement).append(this.#altering.panel.element);
    byId('chips-place', HTMLElement).append(this.#chips.element);
    byId('grid-place', HTMLElement).append(this.#heads.finder.element, this.#heads.grid.element);
    byId('head-place', HTMLElement).append(this.#head.view.element);
    this.#head.view.element.append(this.#altering.tools.element);
    this.#paint();
    this.#followApp();
    this.#connect();
  }

  #paint() {
    const darkness = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
      const both = palettes(darkness.matches);
      this.#heads.grid.setPalette(both.weights);
      this.#head.view.setPalettes(both);
      setVectorPalette(both.scores);
    };
    darkness.addEventListener('change', apply);
    apply();
  }

  #followApp() {
    const app = this.#app;
    app.addEventListener('model', () => {
      this.#feed.refresh(null);
      if (!app.model) return;
      const { layers, heads, width } = app.model;
      this.#head.view.setDepth(width / heads);
      this.#altering.set(unaltered);
      this.#head.reset();
      this.#selection.setShape(layers, heads);
      this.#heads.reset();
    });
    app.addEventListener('suggestions', (event) => {
      const { tokens, revision } = /** @type {CustomEvent<Suggestions>} */ (event).detail;
      this.#selection.setTokens(tokens, revision);
      this.#chips.update(tokens);
      this.#feed.refresh(revision);
    });
    app.addEventListener('ahead', () => this.#feed.refresh(null));
    this.#feed.addEventListener('failure', (event) => app.fail(/** @type {CustomEvent<unknown>} */ (event).detail));
  }

  #connect() {
    const [selection, chips, heads] = [this.#selection, this.#chips, this.#heads];
    const view = this.#head.view;
    const describe = () => view.setDoes(heads.finder.describe(selection.layer, selection.head));
    selection.addEventListener('measures', describe);
    selection.addEventListener('head', describe);
    heads.grid.addEventListener('pick', () => {
      if (this.#app.generating) view.waitFor(selection.layer, selection.head);
      // On a narrow screen the map lies below the grid; without this a pick would seem to do nothing.
      view.element.scrollIntoView({ block: 'nearest' });
    });
    view.addEventListener('press', (event) => {
      const { cell } = /** @type {CustomEvent} */ (event).detail;
      if (cell) this.#altering.press(cell);
    });
    selection.addEventListener('run', () => heads.grid.mark(this.#altering.marks));
    view.addEventListener('scale', () => heads.grid.setPower(view.power));
    heads.grid.setPower(view.power);
    selection.addEventListener('cell', () => {
      chips.light(selection.cell ? [selection.cell.row, selection.cell.column] : []);
    });
    chips.addEventListener('pick', (event) => {
      const { index } = /** @type {CustomEvent<{index: number}>} */ (event).detail;
      selection.choose(index);
      view.selectRow(index);
    });
  }
}
