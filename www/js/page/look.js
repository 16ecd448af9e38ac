// @ts-check
import { AttentionFeed } from './attention-feed.js';
import { palettes } from './lib/colour.js';
import { byId } from './ui/dom.js';
import { HeadGrid } from './ui/head-grid.js';
import { HeadView } from './ui/head-view.js';
import { TokenChips } from './ui/token-chips.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../shared/protocol.js').Attention} Attention
 * @typedef {import('../shared/protocol.js').Thumbnails} Thumbnails
 * @typedef {import('../shared/protocol.js').Token} Token
 */

const thumbnailCells = 48;

/** Looking inside: the tokens of the context, all heads, and one head in large. */
export class LookController {
  #app;
  #feed;
  #chips = new TokenChips();
  #grid = new HeadGrid();
  #view = new HeadView();
  /** The tokens of the newest suggestions. @type {Token[]} */
  #tokens = [];

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    this.#feed = new AttentionFeed(app.engine, thumbnailCells);
    byId('chips-place', HTMLElement).append(this.#chips.element);
    byId('grid-place', HTMLElement).append(this.#grid.element);
    byId('head-place', HTMLElement).append(this.#view.element);
    this.#paint();
    this.#followApp();
    this.#followFeed();
    this.#connectWidgets();
  }

  #paint() {
    const darkness = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
      const both = palettes(darkness.matches);
      this.#grid.setPalette(both.weights);
      this.#view.setPalettes(both);
    };
    darkness.addEventListener('change', apply);
    apply();
  }

  #followApp() {
    const app = this.#app;
    app.addEventListener('model', () => {
      this.#feed.reset();
      if (!app.model) return;
      const { layers, heads, width } = app.model;
      this.#grid.setShape(layers, heads);
      this.#feed.showHead(0, 0);
      this.#view.setDepth(width / heads);
    });
    app.addEventListener('suggestions', (event) => {
      const { tokens, revision } = /** @type {CustomEvent<Suggestions>} */ (event).detail;
      this.#tokens = tokens;
      this.#chips.update(tokens);
      this.#feed.refresh(revision);
    });
    app.addEventListener('ahead', () => this.#feed.refresh(null));
  }

  #followFeed() {
    this.#feed.addEventListener('attention', (event) => {
      const { detail } = /** @type {CustomEvent<Attention>} */ (event);
      if (detail.size === this.#tokens.length) this.#view.update(detail, this.#tokens);
    });
    this.#feed.addEventListener('thumbnails', (event) => {
      this.#grid.update(/** @type {CustomEvent<Thumbnails>} */ (event).detail);
    });
    this.#feed.addEventListener('failure', (event) => {
      this.#app.fail(/** @type {CustomEvent<unknown>} */ (event).detail);
    });
  }

  #connectWidgets() {
    const [feed, chips, grid, view] = [this.#feed, this.#chips, this.#grid, this.#view];
    grid.addEventListener('visible', (event) => feed.showLayers(/** @type {CustomEvent<number[]>} */ (event).detail));
    grid.addEventListener('pick', (event) => {
      const { layer, head } = /** @type {CustomEvent<{layer: number, head: number}>} */ (event).detail;
      grid.pick(layer, head);
      feed.showHead(layer, head);
      if (this.#app.generating) view.waitFor(layer, head);
      // On a narrow screen the map lies below the grid; without this a pick would seem to do nothing.
      view.element.scrollIntoView({ block: 'nearest' });
    });
    view.addEventListener('scale', () => grid.setPower(view.power));
    grid.setPower(view.power);
    view.addEventListener('cell', (event) => {
      const { cell } = /** @type {CustomEvent<{cell: {row: number, column: number} | null}>} */ (event).detail;
      chips.light(cell ? [cell.row, cell.column] : []);
    });
    chips.addEventListener('pick', (event) => {
      view.selectRow(/** @type {CustomEvent<{index: number}>} */ (event).detail.index);
    });
    new IntersectionObserver((entries) => feed.showMap(entries.some((entry) => entry.isIntersecting))).observe(
      view.element,
    );
  }
}
