// @ts-check
import { unaltered } from './lib/alteration.js';
import { palettes } from './lib/colour.js';
import { Altering } from './look/altering.js';
import { ArcsController } from './look/arcs.js';
import { Comparing } from './look/comparing.js';
import { Exporting } from './look/exporting.js';
import { Feed } from './look/feed.js';
import { Guiding } from './look/guiding.js';
import { Heads } from './look/heads.js';
import { JourneyController } from './look/journey.js';
import { Linking } from './look/linking.js';
import { OneHead } from './look/one-head.js';
import { LensController, WhyController } from './look/reasons.js';
import { Recording } from './look/recording.js';
import { Selection } from './look/selection.js';
import { Sharing } from './look/sharing.js';
import { byId, h } from './ui/dom.js';
import { Tabs } from './ui/tabs.js';
import { TokenChips } from './ui/token-chips.js';
import { setVectorPalette } from './ui/vector-strip.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./ui/text-field.js').TextField} TextField
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../shared/protocol.js').Token} Token
 * @typedef {import('../shared/protocol.js').TokenSurprise} TokenSurprise
 */

/** Looking inside: the tokens of the context, and views of the model that all follow one selection. */
export class LookController {
  #app;
  #field;
  #feed;
  #selection = new Selection();
  #chips = new TokenChips();
  #heads;
  #head;
  #altering;
  #arcs;
  #journey;
  #lens;
  #why;
  #comparing;
  #tabs;
  #visible = false;
  /** The engine's own text. @type {{tokens: Token[], revision: number} | null} */
  #newest = null;
  #linking;
  #recording;
  #guiding;
  /** How many tokens of the text come before those of the context. */
  #dropped = 0;

  /**
   * @param {App} app
   * @param {{field: TextField}} widgets
   */
  constructor(app, { field }) {
    this.#app = app;
    this.#field = field;
    this.#recording = new Recording(() => app.model !== null);
    const feed = new Feed((request) => (this.#recording.trace ?? app.engine).inspect(request));
    this.#feed = feed;
    const selection = this.#selection;
    selection.addEventListener('run', () => feed.outdate());
    this.#heads = new Heads(feed, selection);
    this.#head = new OneHead(feed, selection);
    this.#altering = new Altering(feed, selection);
    this.#arcs = new ArcsController(feed, selection);
    this.#journey = new JourneyController(app, feed, selection, {
      goOn: (text) => field.take({ replace: 0, insert: text }, false),
    });
    this.#lens = new LensController(feed, selection);
    this.#why = new WhyController(feed, selection);
    this.#comparing = new Comparing(feed, selection);
    byId('chips-place', HTMLElement).append(this.#chips.element);
    byId('altered-place', HTMLElement).append(this.#altering.panel.element);
    byId('grid-place', HTMLElement).append(this.#heads.finder.element, this.#heads.grid.element);
    byId('head-place', HTMLElement).append(this.#head.view.element);
    this.#head.view.tools.after(this.#altering.tools.element);
    /** @param {HTMLElement} view */
    const panel = (view) => h('div', { class: 'view column' }, view);
    this.#tabs = new Tabs('Views', [
      { name: 'attention', title: 'Attention', panel: byId('attention-view', HTMLElement) },
      { name: 'arcs', title: 'Who looks at whom', panel: panel(this.#arcs.view.element) },
      { name: 'journey', title: 'A token’s journey', panel: panel(this.#journey.view.element) },
      { name: 'lens', title: 'Guesses by depth', panel: panel(this.#lens.view.element) },
      { name: 'why', title: 'Why this word', panel: panel(this.#why.view.element) },
      { name: 'compare', title: 'Two texts', panel: panel(this.#comparing.view.element) },
    ]);
    byId('views-place', HTMLElement).append(this.#tabs.element);
    const parts = {
      ...{ app, field, selection, tabs: this.#tabs, heads: this.#heads, head: this.#head, arcs: this.#arcs },
      ...{
        altering: this.#altering,
        journey: this.#journey,
        lens: this.#lens,
        why: this.#why,
        comparing: this.#comparing,
      },
    };
    const sharing = new Sharing(parts);
    this.#linking = new Linking({
      read: () => sharing.state,
      apply: (state) => sharing.apply(state),
      shape: () => (app.state === 'ready' ? app.model : null),
    });
    const about = () => ({ ...sharing.about, link: this.#linking.link });
    const exporting = new Exporting(() => sharing.view, about);
    this.#tabs.element.append(exporting.menu.element);
    const ofHeads = new Exporting(() => sharing.heads(), about, 'all heads');
    byId('grid-place', HTMLElement).append(ofHeads.menu.element);
    this.#guiding = new Guiding((shown) => sharing.show(shown));
    byId('guide-place', HTMLElement).append(
      this.#guiding.panel.element,
      this.#recording.bar.element,
      this.#linking.element,
    );
    document.body.append(this.#guiding.panel.card);
    this.#linking.open(location.hash);
    this.#tabs.addEventListener('view', () => this.#show());
    // Nothing is asked for that nobody sees.
    new IntersectionObserver((entries) => {
      this.#visible = entries.some((entry) => entry.isIntersecting);
      this.#show();
    }).observe(this.#tabs.element);
    this.#paint();
    this.#followApp();
    this.#connect();
  }

  #show() {
    const is = (/** @type {string} */ name) => this.#visible && this.#tabs.shown === name;
    this.#arcs.show(is('arcs'));
    this.#journey.show(is('journey'));
    this.#lens.show(is('lens'));
    this.#why.show(is('why'));
    this.#comparing.show(is('compare'), this.#field.beforeCaret);
  }

  #paint() {
    const darkness = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
      const both = palettes(darkness.matches);
      this.#heads.grid.setPalette(both.weights);
      this.#head.view.setPalettes(both);
      this.#journey.view.positions.setPalette(both.scores);
      this.#journey.view.stream.setPalette(both.scores);
      this.#why.view.setPalette(both.scores);
      this.#comparing.view.setPalettes(both);
      setVectorPalette(both.scores);
    };
    darkness.addEventListener('change', apply);
    apply();
  }

  #followApp() {
    const app = this.#app;
    app.addEventListener('model', () => {
      this.#feed.refresh(null);
      if (app.model) this.#begin(app.model);
    });
    app.addEventListener('state', () => {
      if (app.state !== 'ready') return;
      this.#linking.proceed();
      this.#guiding.load();
    });
    app.addEventListener('suggestions', (event) => {
      const { tokens, dropped, revision } = /** @type {CustomEvent<Suggestions>} */ (event).detail;
      this.#newest = { tokens, revision };
      this.#dropped = dropped;
      if (this.#recording.trace) this.#recording.close();
      else this.#read(tokens, revision);
    });
    app.addEventListener('surprise', (event) => {
      this.#chips.setSurprise(
        /** @type {CustomEvent<{tokens: TokenSurprise[]}>} */ (event).detail.tokens,
        this.#dropped,
      );
    });
    app.addEventListener('ahead', () => this.#feed.refresh(null));
    this.#feed.addEventListener('failure', (event) => {
      const error = /** @type {CustomEvent<unknown>} */ (event).detail;
      // A recording says by itself that it does not hold everything.
      if (!this.#recording.trace) app.fail(error);
    });
    this.#recording.addEventListener('open', () => {
      const { trace } = this.#recording;
      if (!trace) return;
      this.#selection.recorded = true;
      this.#begin(trace.model);
      this.#read(trace.tokens, trace.revision);
    });
    this.#recording.addEventListener('close', () => {
      this.#selection.recorded = false;
      this.#feed.refresh(null);
      if (!app.model) return;
      this.#begin(app.model);
      if (this.#newest) this.#read(this.#newest.tokens, this.#newest.revision);
    });
  }

  /**
   * Nothing of the model before holds.
   * @param {{layers: number, heads: number, width: number, vocabulary: number, positions: number}} model
   */
  #begin(model) {
    this.#head.view.setDepth(model.width / model.heads);
    this.#altering.set(unaltered);
    for (const part of [this.#head, this.#arcs, this.#journey, this.#lens, this.#why, this.#comparing]) part.reset();
    this.#selection.setShape(model);
    this.#heads.reset();
  }

  /**
   * @param {Token[]} tokens
   * @param {number} revision
   */
  #read(tokens, revision) {
    this.#selection.setTokens(tokens, revision);
    this.#chips.update(tokens);
    this.#feed.refresh(revision);
  }

  #connect() {
    const [selection, chips, heads] = [this.#selection, this.#chips, this.#heads];
    const view = this.#head.view;
    const describe = () => view.setDoes(heads.finder.describe(selection.layer, selection.head));
    selection.addEventListener('measures', describe);
    selection.addEventListener('head', describe);
    for (const type of ['run', 'measures']) {
      selection.addEventListener(type, () => {
        heads.grid.describe((layer, head) => heads.finder.label(layer, head), this.#altering.marks);
      });
    }
    heads.grid.addEventListener('pick', () => {
      if (this.#app.generating) view.waitFor(selection.layer, selection.head);
      // On a narrow screen the map lies below the grid; without this a pick would seem to do nothing.
      view.element.scrollIntoView({ block: 'nearest' });
    });
    view.addEventListener('press', (event) => {
      const { cell } = /** @type {CustomEvent} */ (event).detail;
      if (cell) this.#altering.press(cell);
    });
    view.addEventListener('scale', () => heads.grid.setPower(view.power));
    heads.grid.setPower(view.power);
    selection.addEventListener('cell', () => {
      chips.light(selection.cell ? [selection.cell.row, selection.cell.column] : []);
    });
    chips.addEventListener('pick', (event) => {
      const { index, several } = /** @type {CustomEvent<{index: number, several: boolean}>} */ (event).detail;
      if ((several || this.#arcs.view.several) && this.#tabs.shown === 'arcs') {
        this.#arcs.choose(index, true);
        return;
      }
      selection.choose(index);
      view.selectRow(index);
      this.#app.emit('token', { index });
    });
    this.#why.view.addEventListener('pick', () => this.#tabs.show('attention'));
  }
}
