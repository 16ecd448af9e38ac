// @ts-check
import { JourneyView } from '../ui/journey-view.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../../shared/inspection.js').Journey} Journey
 * @typedef {import('../../shared/inspection.js').JourneyLayer} JourneyLayer
 * @typedef {import('../../shared/inspection.js').PositionMatrix} PositionMatrix
 * @typedef {import('./feed.js').Feed} Feed
 * @typedef {import('./selection.js').Selection} Selection
 */

const listed = 10;

/** The way of the chosen token through the model. */
export class JourneyController {
  view = new JourneyView();
  #app;
  #feed;
  #selection;
  #shown = false;
  #drawn = '';
  #blockDrawn = '';
  #hasPositions = false;
  /** @type {JourneyLayer | null} */
  #block = null;
  /** @type {Journey | null} */
  #journey = null;

  /**
   * @param {App} app
   * @param {Feed} feed
   * @param {Selection} selection
   * @param {{goOn: (text: string) => void}} surroundings
   */
  constructor(app, feed, selection, { goOn }) {
    this.#app = app;
    this.#feed = feed;
    this.#selection = selection;
    this.view.addEventListener('position', (event) => {
      selection.choose(selection.position + /** @type {CustomEvent} */ (event).detail.by);
    });
    this.view.addEventListener('layer', (event) => {
      const { layer, by } = /** @type {CustomEvent<{layer?: number, by?: number}>} */ (event).detail;
      const to = layer ?? selection.layer + (by ?? 0);
      selection.pick(Math.max(0, Math.min(selection.layers - 1, to)), selection.head);
    });
    this.view.addEventListener('go-on', (event) => {
      selection.choose(null);
      goOn(/** @type {CustomEvent} */ (event).detail.text);
    });
    for (const type of ['position', 'run']) selection.addEventListener(type, () => feed.poke());
    selection.addEventListener('head', () => {
      this.view.setLayer(selection.layer, selection.layers);
      if (this.#block && this.#block.layer === selection.layer) this.#drawBlock(this.#block);
      feed.poke();
    });
  }

  /** What is drawn, for exports. */
  get drawn() {
    return this.#journey && this.#block ? { journey: this.#journey, block: this.#block } : null;
  }

  /** Another model. */
  reset() {
    this.#hasPositions = false;
    this.#drawn = '';
    this.#blockDrawn = '';
    this.#block = null;
  }

  /** @param {boolean} shown */
  show(shown) {
    if (this.#shown === shown) return;
    this.#shown = shown;
    const [feed, selection] = [this.#feed, this.#selection];
    if (!shown) {
      for (const name of ['journey', 'journey-layer', 'positions']) feed.drop(name);
      return;
    }
    const stamp = (/** @type {number} */ revision) => `${selection.stamp(revision)}/${selection.position}`;
    feed.want('journey', {
      rank: 10,
      request: (revision) =>
        !selection.ready(revision) || this.#drawn === stamp(revision)
          ? null
          : { kind: 'journey', position: selection.position, top: listed, of: selection.of },
      deliver: (/** @type {Journey} */ answer) => {
        if (answer.position !== selection.position) return;
        this.#drawn = stamp(answer.revision);
        this.#journey = answer;
        this.#draw(answer);
      },
    });
    feed.want('journey-layer', {
      rank: 11,
      request: (revision) =>
        !selection.ready(revision) || this.#blockDrawn === `${stamp(revision)}/${selection.layer}`
          ? null
          : { kind: 'journey-layer', position: selection.position, layer: selection.layer, of: selection.of },
      deliver: (/** @type {JourneyLayer} */ answer) => {
        if (answer.position !== selection.position) return;
        this.#blockDrawn = `${stamp(answer.revision)}/${answer.layer}`;
        this.#block = answer;
        this.#drawBlock(answer);
      },
    });
    feed.want('positions', {
      rank: 40,
      request: () => (this.#hasPositions ? null : { kind: 'position-matrix' }),
      deliver: (/** @type {PositionMatrix} */ answer) => {
        this.#hasPositions = true;
        this.view.positions.update(answer);
      },
    });
  }

  /** @param {Journey} journey */
  #draw(journey) {
    const { tokens, layer, layers, vocabulary, positions, recorded, alteration } = this.#selection;
    if (journey.position >= tokens.length) return;
    this.view.update(journey, tokens, { layer, layers, vocabulary, positions }, alteration);
    const isLast = journey.position === tokens.length - 1;
    if (isLast && !recorded && this.#selection.of === 'text') this.#sample();
    else this.view.setSampling(null, '');
  }

  /** What the settings of generation make of the probabilities. */
  async #sample() {
    const { sampling } = this.#app;
    try {
      const candidates = await this.#app.engine.candidates(listed, sampling);
      const { temperature, topK, topP } = sampling;
      this.view.setSampling(
        candidates,
        `temperature ${temperature}, top-k ${topK || 'off'}, top-p ${topP === 1 ? 'off' : topP}`,
      );
    } catch {
      // Newer text came; its own journey follows.
    }
  }

  /** @param {JourneyLayer} block */
  #drawBlock(block) {
    const { tokens, heads, head } = this.#selection;
    if (block.position < tokens.length) this.view.block.update(block, tokens, heads, head);
  }
}
